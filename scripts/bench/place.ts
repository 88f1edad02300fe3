import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../../test/support/paths.ts';
import { type Command, type Cost, runProcess } from './process.ts';

export const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';

export interface Place {
  readonly directory: string;
  /** Writes the config that all later runs use. */
  configure(config: object): void;
  /** The command of a verb, for other programs to run. */
  command(args: readonly string[], input?: string): Command;
  run(args: readonly string[], input?: string): Promise<Cost>;
  /** `dns01 batch` of one action for many names. */
  batch(action: 'add' | 'remove', names: readonly string[], ...options: readonly string[]): Promise<Cost>;
  /** Deletes the journal, as on a machine that published nothing. */
  forget(): void;
  remove(): void;
}

export function openPlace(): Place {
  const directory = mkdtempSync(join(tmpdir(), 'dns01-bench-'));
  const file = join(directory, 'dns01.yaml');
  const state = join(directory, 'state');
  const place: Place = {
    directory,
    configure: (config) => writeFileSync(file, JSON.stringify(config), { mode: 0o600 }),
    command: (args, input = '') => ({
      argv: [process.execPath, bundle, ...args],
      env: { DNS01_CONFIG: file, DNS01_STATE_DIR: state },
      input,
    }),
    run: (args, input) => runProcess(place.command(args, input)),
    batch(action, names, ...options) {
      const lines = names.map((name) => `${JSON.stringify({ action, name, value: VALUE })}\n`);
      return place.run(['batch', ...options], lines.join(''));
    },
    forget: () => rmSync(join(state, 'journal'), { recursive: true, force: true }),
    remove: () => rmSync(directory, { recursive: true, maxRetries: 5 }),
  };
  return place;
}

export function namesIn(zone: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `_acme-challenge.n${index}.b.${zone}`);
}
