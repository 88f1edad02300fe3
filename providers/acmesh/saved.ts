import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { parseJson } from '../../src/provider.ts';

const valuesSchema = z.record(z.string(), z.enum(['added', 'removed']));

/** What a script saves between add and removal, for one name of one account. */
export interface Saved {
  /** Make it available to a call. @returns the environment that tells where it is */
  lend(scratch: string): Promise<Record<string, string>>;
  /** Keep what the call saved, without secrets. */
  takeBack(scratch: string): Promise<void>;
  /** Before the script adds the value, and when it says that it removed it. */
  set(value: string, state: 'added' | 'removed'): Promise<void>;
  isRemoved(value: string): boolean;
  /** The value is gone; with the last one everything is forgotten. */
  close(value: string): Promise<void>;
}

/** Shorter texts may be a part of anything. */
const MIN_SECRET_LENGTH = 6;

export async function openSaved(directory: string, env: Readonly<Record<string, string>>): Promise<Saved> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const place = (file: string) => join(directory, file);
  // The script writes here itself, so that nothing is lost when the process is killed after it.
  const [domain, variables] = [place('domain.conf'), place('variables')];
  const values = { ...z.safeParse(valuesSchema, parseJson(await textOf(place('values.json')))).data };

  async function write(file: string, text: string): Promise<void> {
    await writeFile(place(`${file}.new`), text, { mode: 0o600 });
    await rename(place(`${file}.new`), place(file));
  }
  const writeValues = () => write('values.json', JSON.stringify(values));

  return {
    async lend(scratch) {
      const account = join(scratch, 'account.conf');
      await writeFile(account, await textOf(place('account.conf')), { mode: 0o600 });
      await writeFile(domain, '', { mode: 0o600, flag: 'a' });
      return { ACCOUNT_CONF_PATH: account, DOMAIN_CONF: domain, DNS01_VARIABLES: variables };
    },
    async takeBack(scratch) {
      await write('account.conf', withoutSecrets(await textOf(join(scratch, 'account.conf')), env));
      await write('domain.conf', withoutSecrets(await textOf(domain), env));
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

/** Empty where there is none. */
const textOf = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');

/** Scripts also save their credentials, by name, or in another form by another name. They get them from env anyway. */
function withoutSecrets(text: string, env: Readonly<Record<string, string>>): string {
  const secrets = Object.values(env).filter(({ length }) => length >= MIN_SECRET_LENGTH);
  const forms = secrets.flatMap((secret) => [secret, Buffer.from(secret).toString('base64').replace(/=+$/, '')]);
  const isSecret = (line: string) => {
    const [, name = ''] = /^(?:SAVED_)?(\w+)=/.exec(line) ?? [];
    return Object.hasOwn(env, name) || forms.some((form) => line.includes(form));
  };
  return text
    .split('\n')
    .filter((line) => !isSecret(line))
    .join('\n');
}
