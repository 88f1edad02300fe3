#!/usr/bin/env node
import { constants } from 'node:os';
import { basename } from 'node:path';
import { main } from '../src/cli/main.ts';
import { createIo } from '../src/output/io.ts';

const stop = new AbortController();
let hangup: (() => void) | undefined;
// The first signal ends the work in order, the second at once. The listeners stay: libraries that listen too would take
// themselves for the only ones, and kill the process.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (signal === 'SIGHUP' && hangup && !stop.signal.aborted) return hangup();
    if (stop.signal.aborted) process.exit(128 + constants.signals[signal]);
    stop.abort(signal);
  });
}

// A limit on the size of files is the failure of one write, which goes on without it, and not the end of the process.
process.on('SIGXFSZ', () => {});

// A reader that went away (`dns01 … | head -1`) is no reason to fail.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

export const done = main(
  commandLine(process.argv),
  createIo({
    env: process.env,
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    isTerminal: process.stderr.isTTY === true,
    stop: stop.signal,
    onHangup: (listener) => {
      hangup = listener;
    },
  }),
).then((code) => {
  process.exitCode = code;
});

/** Called as `dns01-hook`, by a client that takes a path without arguments, everything on the line is the client's. */
function commandLine([, script = '', ...args]: readonly string[]): string[] {
  return /^dns01-hook(\.\w+)?$/.test(basename(script)) ? ['hook-by-verb', ...args] : args;
}
