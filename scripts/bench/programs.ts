import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { PROGRAM_PATH } from '../../test/e2e/lab/programs.ts';

/** Where a program is; undefined where it is not installed. */
export function pathTo(program: string): string | undefined {
  return PROGRAM_PATH.split(delimiter)
    .map((directory) => join(directory, program))
    .find(isExecutable);
}

export const missingOf = (programs: readonly string[]): string[] =>
  programs.filter((program) => pathTo(program) === undefined);

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
