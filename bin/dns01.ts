#!/usr/bin/env node
import { constants } from 'node:os';
import { basename } from 'node:path';
import { main } from '../src/cli/main.ts';
import { createIo, DEFAULT_COLUMNS } from '../src/output/io.ts';

const stop = new AbortController();
let hangup: (() => void) | undefined;
// The first signal ends the work in order, the second one at once. The listeners stay, because libraries with listeners
// of their own kill the process when no other listener is left.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (signal === 'SIGHUP' && hangup && !stop.signal.aborted) return hangup();
    if (stop.signal.aborted) process.exit(128 + constants.signals[signal]);
    stop.abort(signal);
  });
}

// A limit on file sizes fails one write, and the run goes on without it. It must not end the process.
process.on('SIGXFSZ', () => {});

// A closed pipe (`dns01 … | head -1`) is not a failure.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

export const done = start();

async function start(): Promise<void> {
  const isTerminal = process.stderr.isTTY === true;
  const fit = isTerminal || process.stdout.isTTY ? await import('../src/output/terminal-text.ts') : undefined;
  const io = createIo({
    env: process.env,
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    isTerminal,
    fit,
    // A terminal that does not know its width says 0.
    columns: (stream) => (process[stream].isTTY ? process[stream].columns || DEFAULT_COLUMNS : undefined),
    stop: stop.signal,
    onHangup: (listener) => {
      hangup = listener;
    },
  });
  process.exitCode = await main(commandLine(process.argv), io);
}

/** Called as `dns01-hook`, by a client that takes a path without arguments: all arguments come from the client. */
function commandLine([, script = '', ...args]: readonly string[]): string[] {
  return /^dns01-hook(\.\w+)?$/.test(basename(script)) ? ['hook-by-verb', ...args] : args;
}
