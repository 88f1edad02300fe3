/** Shared by the providers that run programs. */
import { accessSync, constants, statSync } from 'node:fs';
import * as z from 'zod/mini';
import { Dns01Error } from '../errors.ts';
import type { RightCheck } from '../provider.ts';
import { secret } from './options.ts';

/** The option for the path of a program, without a description. */
export const absolutePath = z
  .string()
  .check(z.regex(/^\/[^\0]*[^/\0]$/, 'expected the absolute path of a program, like /usr/local/bin/my-dns'));

/** The option for environment variables of a program. */
export function environment(description: string, names = /^[A-Za-z_]\w*$/) {
  const name = z.string().check(z.regex(names, 'expected the name of an environment variable'));
  return z.optional(z.record(name, secret('the value of the variable')).check(z.describe(description)));
}

/** The option for the time of one call, in seconds. */
export const callTimeout = (seconds: number) =>
  z._default(
    z.number().check(z.minimum(0.1), z.maximum(3600), z.describe('time limit for one call, in seconds')),
    seconds,
  );

/** Whether there is such a file, and this user can read it or run it. */
export function fileCheck(access: 'read' | 'run', file: string, hint: string): RightCheck {
  return { right: `${access} ${file}`, held: canAccess(file, access), hint };
}

function canAccess(file: string, access: 'read' | 'run'): boolean {
  try {
    accessSync(file, access === 'run' ? constants.X_OK : constants.R_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** For a program that can only write. */
export function cannotList(program: string, name: string): Dns01Error {
  return new Dns01Error('E_REJECTED', `${program} cannot be asked which values ${name} holds`, {
    hint: 'it can only add and remove: ask DNS instead, with dns01 wait-txt or dig',
  });
}
