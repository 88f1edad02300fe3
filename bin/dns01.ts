#!/usr/bin/env node
import { main } from '../src/cli/main.ts';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort(signal));

// A reader that went away (`dns01 … | head -1`) is no reason to fail.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

main(process.argv.slice(2), {
  env: process.env,
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  isTerminal: process.stderr.isTTY === true,
  stop: stop.signal,
}).then((code) => {
  process.exitCode = code;
});
