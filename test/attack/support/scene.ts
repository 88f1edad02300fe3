import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { it, type TestContext } from 'vitest';
import { type Outcome, openWorkplace, type RunSettings, type Workplace } from '../../support/cli.ts';

/** The short form is for every change; the whole one takes its time. */
export const isShort = process.env['DNS01_ATTACK'] === 'short';
export const runsOf = (whole: number): number => (isShort ? whole / 10 : whole);

/** Another user of the machine: nobody. */
const STRANGER = 65534;

export const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
export const NAME = '_acme-challenge.example.com';
export const ADD = ['add-txt', '--no-wait', NAME, VALUE];
export const REMOVE = ['remove-txt', NAME, VALUE];

const isRoot = process.geteuid?.() === 0;

/** A test that makes files of another user, which only root can. */
export function asRoot(title: string, task: (context: TestContext) => Promise<void>): void {
  it(title, async (context) => {
    if (!isRoot) context.skip('only root can make files of another user');
    await task(context);
  });
}

export interface Timed extends Outcome {
  readonly seconds: number;
}

/** Milliseconds after which a run that does not end by itself is killed. */
const KILL_AFTER_MS = 60_000;

export interface Scene extends Workplace {
  at(...path: readonly string[]): string;
  write(path: string, text: string, mode?: number): string;
  folder(path: string, mode?: number): string;
  /** The same run, with how long it took; one that hangs is killed and has the exit code -1. */
  timed(args: readonly string[], settings?: RunSettings): Promise<Timed>;
}

/** A machine with dns01 on it. */
export async function openScene(): Promise<Scene> {
  const here = await openWorkplace();
  const at = (...path: readonly string[]) => join(here.directory, ...path);
  return {
    ...here,
    at,
    write(path, text, mode = 0o600) {
      const file = at(path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      chmodSync(file, mode);
      return file;
    },
    folder(path, mode = 0o700) {
      mkdirSync(at(path), { recursive: true });
      chmodSync(at(path), mode);
      return at(path);
    },
    async timed(args, settings = {}) {
      const started = performance.now();
      let timer: NodeJS.Timeout | undefined;
      const outcome = await here.run(args, {
        ...settings,
        onStart(child) {
          timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
          settings.onStart?.(child);
        },
      });
      clearTimeout(timer);
      return { ...outcome, seconds: (performance.now() - started) / 1000 };
    },
  };
}

export const giveAway = (path: string): void => chownSync(path, STRANGER, STRANGER);
