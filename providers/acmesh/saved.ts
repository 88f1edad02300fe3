import { lstat, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { parseJson } from '../../src/provider.ts';

const valuesSchema = z.record(z.string(), z.enum(['added', 'removed']));

/** What a script saves between add and removal, for one name of one account. */
export interface Saved {
  /** Provides it to a call. @returns the environment with its place */
  lend(scratch: string): Promise<Record<string, string>>;
  /** Keeps what the call saved, without secrets. */
  takeBack(scratch: string): Promise<void>;
  /** Called before the script adds the value, and when it says that it removed it. */
  set(value: string, state: 'added' | 'removed'): Promise<void>;
  isRemoved(value: string): boolean;
  /** Forgets a value that is gone, and with the last value everything. */
  close(value: string): Promise<void>;
}

export async function openSaved(
  directory: string,
  env: Readonly<Record<string, string>>,
  holdsSecret: (text: string) => boolean,
): Promise<Saved> {
  await keepOnly('directory', directory);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const place = (file: string) => join(directory, file);
  for (const file of FILES) for (const name of [file, `${file}.new`]) await keepOnly('file', place(name));
  // The script writes here itself, so that nothing is lost if the process is killed afterwards.
  const [domain, variables] = [place('domain.conf'), place('variables')];
  const values = { ...z.safeParse(valuesSchema, parseJson(await textOf(place('values.json')))).data };

  async function write(file: string, text: string): Promise<void> {
    await writeFile(place(`${file}.new`), text, { mode: 0o600 });
    await rename(place(`${file}.new`), place(file));
  }
  /** Scripts save credentials under their name, or in another form under another. The script gets them from env. */
  const isSecret = (line: string): boolean => {
    const [, name = ''] = /^(?:SAVED_)?(\w+)=/.exec(line) ?? [];
    return Object.hasOwn(env, name) || holdsSecret(line);
  };
  const withoutSecrets = (text: string): string =>
    text
      .split('\n')
      .filter((line) => !isSecret(line))
      .join('\n');
  const writeValues = () => write('values.json', JSON.stringify(values));

  return {
    async lend(scratch) {
      const account = join(scratch, 'account.conf');
      await writeFile(account, await textOf(place('account.conf')), { mode: 0o600 });
      await writeFile(domain, '', { mode: 0o600, flag: 'a' });
      return { ACCOUNT_CONF_PATH: account, DOMAIN_CONF: domain, DNS01_VARIABLES: variables };
    },
    async takeBack(scratch) {
      await write('account.conf', withoutSecrets(await textOf(join(scratch, 'account.conf'))));
      await write('domain.conf', withoutSecrets(await textOf(domain)));
    },
    async set(value, state) {
      values[value] = state;
      await writeValues();
    },
    isRemoved: (value) => values[value] === 'removed',
    async close(value) {
      delete values[value];
      if (Object.keys(values).length > 0) await writeValues();
      else await rm(directory, { recursive: true, force: true });
    },
  };
}

const FILES = ['values.json', 'account.conf', 'domain.conf', 'variables'];

/** In bytes: scripts save a few lines. */
const MAX_BYTES = 1024 * 1024;

/** Removes anything else: a pipe would block, a link leads elsewhere, and a directory cannot be replaced by a file. */
async function keepOnly(kind: 'file' | 'directory', path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (!stats || (kind === 'directory' ? stats.isDirectory() : stats.isFile() && stats.size <= MAX_BYTES)) return;
  await rm(path, { recursive: true, force: true });
}

/** Empty where the file is missing. */
const textOf = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');
