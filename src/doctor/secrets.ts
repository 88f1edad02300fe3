import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { secretSourceOf } from '../provider.ts';

export interface SecretPlace {
  readonly key: string;
  /** Where it is read from, and by whom that can be read. */
  readonly place: string;
}

/** Where the secrets of validated options come from, without reading them. */
export function secretPlaces(options: unknown, configFile: string, path: readonly string[] = []): SecretPlace[] {
  const source = secretSourceOf(options);
  if (source !== undefined) {
    return [
      {
        key: path.join('.'),
        place: typeof source === 'string' ? `in ${fileWithReaders(configFile)}` : placeOf(source, configFile),
      },
    ];
  }
  if (typeof options !== 'object' || options === null) return [];
  return Object.entries(options).flatMap(([key, value]) => secretPlaces(value, configFile, [...path, key]));
}

function placeOf(source: { env: string } | { file: string } | { credential: string }, configFile: string): string {
  if ('env' in source) return `from the environment variable ${source.env}`;
  if ('credential' in source) return `from the systemd credential ${source.credential}`;
  return `from ${fileWithReaders(resolve(dirname(configFile), source.file))}`;
}

function fileWithReaders(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (!stats) return `${file} (not there)`;
  const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
  return `${file} (mode ${mode}, owned by uid ${stats.uid}, gid ${stats.gid})`;
}
