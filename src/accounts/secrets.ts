import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Environment } from '../config/find.ts';
import { type Config, configError } from '../config/load.ts';
import { readTrustedFile, warnReadable } from '../config/trusted-file.ts';
import { isDns01Error } from '../errors.ts';
import { type SecretSource, secretSourceOf } from '../provider.ts';

export interface SecretReader {
  readonly config: Config;
  readonly env: Environment;
  warn(message: string): void;
  /** Gets every secret that is read, so that it is never printed. */
  keep(secret: string): void;
}

/**
 * A copy of validated options with every secret read from its place. Only called for the account in use.
 * @throws E_CONFIG naming the key, when a secret is missing or empty
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

/** One secret, from its place. @throws as `resolveSecrets` */
export function readSecret(source: SecretSource, path: readonly PropertyKey[], reader: SecretReader): string {
  const secret = fetchSecret(source, path, reader);
  reader.keep(secret);
  return secret;
}

function fetchSecret(source: SecretSource, path: readonly PropertyKey[], reader: SecretReader): string {
  const { config, env } = reader;
  const fail = (text: string, hint?: string) => configError(config, path, text, hint);
  if (typeof source === 'string') {
    warnReadable(config.file, statSync(config.file), reader.warn);
    return source;
  }
  if ('env' in source) {
    const text = env[source.env];
    if (text) return text;
    throw fail(`the environment variable ${source.env} is ${text === '' ? 'empty' : 'not set'}`, CRON_HINT);
  }
  if ('file' in source) return readSecretFile(resolve(dirname(config.file), source.file), fail, reader.warn);
  const directory = env['CREDENTIALS_DIRECTORY'];
  if (directory) return readSecretFile(join(directory, source.credential), fail, () => {});
  throw fail(
    `the systemd credential ${source.credential} is not there: this process was not started with credentials`,
    `put LoadCredential=${source.credential}:/path/to/file into the systemd unit`,
  );
}

/** No key or password is larger than this. */
const MAX_SECRET_BYTES = 65_536;

const CRON_HINT = 'cron and systemd start with an almost empty environment: use { file: /path } there';

/** The text of a file without its last line feed. */
export function readSecretFile(
  file: string,
  fail: (text: string, hint?: string) => Error,
  warn: (message: string) => void,
): string {
  let text: string;
  try {
    const secret = readTrustedFile(file, { maxBytes: MAX_SECRET_BYTES });
    warnReadable(file, secret.stats, warn);
    text = secret.text.replace(/\r?\n$/, '');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw fail(`the file ${file} is not there`);
    if (code === 'EACCES') throw fail(`this user may not read ${file}`);
    if (isDns01Error(error)) throw fail(message, error.hint);
    throw fail(`the file ${file} cannot be read: ${message}`);
  }
  if (text === '') throw fail(`the file ${file} is empty`);
  return text;
}
