import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { resolveSecrets } from '../accounts/secrets.ts';
import type { Run } from '../challenge/run.ts';
import { type SecretSource, secretSourceOf } from '../provider.ts';
import type { Findings, Reporter } from './finding.ts';

/** A secret among the options of an account, and where it is read from. */
interface SecretPlace {
  readonly path: readonly string[];
  readonly source: SecretSource;
  /** The option's value, not read. */
  readonly option: unknown;
}

/** The secrets among validated options. Reads none of them. */
export function secretsIn(options: unknown, path: readonly string[] = []): SecretPlace[] {
  const source = secretSourceOf(options);
  if (source !== undefined) return [{ path, source, option: options }];
  if (typeof options !== 'object' || options === null) return [];
  return Object.entries(options).flatMap(([key, value]) => secretsIn(value, [...path, key]));
}

/** Whether each secret can be read, and who else can read it. */
export async function* checkSecrets(
  account: string,
  options: unknown,
  { config, env, redactor }: Run,
  report: Reporter,
): Findings {
  for (const { path, source, option } of secretsIn(options)) {
    try {
      const reader = { config, env, warn: () => {}, keep: redactor.keep };
      await resolveSecrets(option, ['accounts', account, ...path], reader);
      yield report.good('secret', `${path.join('.')} ${placeOf(source, config.file)}`);
    } catch (error) {
      yield report.failed('secret', error);
    }
  }
}

function placeOf(source: SecretSource, configFile: string): string {
  if (typeof source === 'string') return `in ${fileWithReaders(configFile)}`;
  if ('env' in source) return `from the environment variable ${source.env}`;
  if ('credential' in source) return `from the systemd credential ${source.credential}`;
  return `from ${fileWithReaders(resolve(dirname(configFile), source.file))}`;
}

function fileWithReaders(file: string): string {
  const { mode, uid, gid } = statSync(file);
  return `${file} (mode ${(mode & 0o777).toString(8).padStart(4, '0')}, owned by uid ${uid}, gid ${gid})`;
}
