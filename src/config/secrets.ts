import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { SecretSource } from '../provider.ts';
import { secretSourceOf } from '../provider.ts';
import type { Environment } from './find.ts';
import { type Config, configError } from './load.ts';
import { refuseWritable, warnReadable } from './permissions.ts';

export interface SecretReader {
  readonly config: Config;
  readonly env: Environment;
  warn(message: string): void;
  /** Told every secret that is read, so that it is never printed. */
  keep(secret: string): void;
}

/**
 * A copy of validated options in which every secret is read from where it is. Called for the account in use alone.
 * @throws E_CONFIG naming the key, when a secret is not there or empty
 */
export async function resolveSecrets(
  value: unknown,
  path: readonly PropertyKey[],
  reader: SecretReader,
): Promise<unknown> {
  const source = secretSourceOf(value);
  if (source !== undefined) return readSecret(source, path, reader);
  if (Array.isArray(value)) {
    return Promise.all(value.map((item, index) => resolveSecrets(item, [...path, index], reader)));
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(async ([key, item]) => [
      key,
      await resolveSecrets(item, [...path, key], reader),
    ]);
    return Object.fromEntries(await Promise.all(entries));
  }
  return value;
}

async function readSecret(source: SecretSource, path: readonly PropertyKey[], reader: SecretReader): Promise<string> {
  const secret = await fetchSecret(source, path, reader);
  reader.keep(secret);
  return secret;
}

async function fetchSecret(source: SecretSource, path: readonly PropertyKey[], reader: SecretReader): Promise<string> {
  const { config, env } = reader;
  const fail = (text: string, hint?: string) => configError(config.file, path, text, hint);
  if (typeof source === 'string') {
    warnReadable(config.file, statSync(config.file), reader.warn);
    return source;
  }
  if ('env' in source) {
    const text = env[source.env];
    if (text) return text;
    throw await fail(`the environment variable ${source.env} is ${text === '' ? 'empty' : 'not set'}`, CRON_HINT);
  }
  if ('file' in source) return readSecretFile(resolve(dirname(config.file), source.file), fail, reader.warn);
  const directory = env['CREDENTIALS_DIRECTORY'];
  if (directory) return readSecretFile(join(directory, source.credential), fail, () => {});
  throw await fail(
    `the systemd credential ${source.credential} is not there: this process was not started with credentials`,
    `put LoadCredential=${source.credential}:/path/to/file into the systemd unit`,
  );
}

const CRON_HINT = 'cron and systemd start with an almost empty environment: use { file: /path } there';

async function readSecretFile(
  file: string,
  fail: (text: string) => Promise<Error>,
  warn: (message: string) => void,
): Promise<string> {
  let text: string;
  try {
    const stats = statSync(file);
    refuseWritable(file, stats);
    warnReadable(file, stats, warn);
    text = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === 'ENOENT') throw await fail(`the file ${file} is not there`);
    if (code === 'EACCES') throw await fail(`this user may not read ${file}`);
    throw error;
  }
  if (text === '') throw await fail(`the file ${file} is empty`);
  return text;
}
