import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleOf } from '../../support/paths.ts';

/** One call of dns01 or dns01-hook by a client. */
export interface HookCall {
  /** Everything on the line after the program's name. */
  readonly line: string;
  readonly exitCode: number;
  /** Both in seconds, of the same clock. */
  readonly started: number;
  readonly ended: number;
}

export interface InstalledPrograms {
  /** The directory that holds `dns01` and `dns01-hook`. */
  readonly bin: string;
  /** The calls that have ended, in the order of their ends. */
  calls(): Promise<HookCall[]>;
}

/** Puts both programs into a directory, as an installation does, but so that each call leaves a line in a file. */
export async function installPrograms(dir: string, env: Readonly<Record<string, string>>): Promise<InstalledPrograms> {
  const bin = join(dir, 'bin');
  const file = join(dir, 'calls');
  await mkdir(bin);
  await writeFile(file, '');
  await Promise.all(
    (['dns01', 'dns01-hook'] as const).map((program) =>
      writeProgram(join(bin, program), [
        ...Object.entries(env).map(([name, value]) => `export ${name}='${value}'`),
        'started=$(date +%s.%N)',
        `'${process.execPath}' '${bundleOf(program)}' "$@"`,
        'code=$?',
        `echo "$started $(date +%s.%N) $code $*" >>'${file}'`,
        'exit $code',
      ]),
    ),
  );
  return { bin, calls: async () => (await readFile(file, 'utf8')).split('\n').filter(Boolean).map(parseCall) };
}

/** A shell script that can be run by its path. */
export async function writeProgram(file: string, lines: readonly string[]): Promise<string> {
  await writeFile(file, ['#!/bin/sh', ...lines, ''].join('\n'));
  await chmod(file, 0o755);
  return file;
}

function parseCall(text: string): HookCall {
  const [started, ended, exitCode, ...line] = text.split(' ');
  return { line: line.join(' '), exitCode: Number(exitCode), started: Number(started), ended: Number(ended) };
}

/** The ways in which the clients say that a value is to be published. */
const ADD = /^(hook certbot auth$|present |deploy_challenge |begin dns-01 |hook acmetool challenge-dns-start )/;

export function addsAmong(calls: readonly HookCall[]): HookCall[] {
  return calls.filter(({ line }) => ADD.test(line));
}

/**
 * Calls that were under way at the same time, together as one span each: a client that calls one hook after the other
 * has as many spans as calls.
 */
export function spansOf(calls: readonly HookCall[]): { started: number; ended: number }[] {
  const spans: { started: number; ended: number }[] = [];
  for (const { started, ended } of [...calls].sort((a, b) => a.started - b.started)) {
    const last = spans.at(-1);
    if (last && started < last.ended) last.ended = Math.max(last.ended, ended);
    else spans.push({ started, ended });
  }
  return spans;
}
