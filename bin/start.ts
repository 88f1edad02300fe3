#!/usr/bin/env node
// Starts the program from the code that V8 compiled in an earlier run, which takes two thirds of the time. The first run
// of a verb compiles as ever and keeps the code beside the program, where its user owns that.
import { dirname } from 'node:path';
import v8 from 'node:v8';
import { Script } from 'node:vm';
import { openCompiled } from './compiled.ts';

const program = `${__dirname}/dns01.cjs`;
const { source, code, isKept, keep } = openCompiled(program, process.argv.slice(1));
// The bundle is ASCII. Its first line is for the shell; a comment before it leaves all lines where they are.
const text = `(function (exports, require, module, __filename, __dirname) {//${source.toString('latin1')}\n})`;
const script = new Script(text, { filename: program, ...(code ? { cachedData: code } : {}) });
const isMissing = code === undefined || script.cachedDataRejected === true;
// Compiled code is bound to V8's flags: a run that keeps it leaves them as they are.
if (isMissing && isKept) v8.setFlagsFromString = () => {};

// What V8 compiled ahead cannot import: src/accounts/definition.ts asks for it here.
Object.defineProperty(globalThis, Symbol.for('dns01.import'), {
  value: (url: string) => import(url),
  configurable: true,
});
const bundle = { exports: {} as { readonly done: Promise<void> } };
script.runInThisContext()(bundle.exports, require, bundle, program, dirname(program));
if (isMissing && isKept) void bundle.exports.done.then(keepCode);

function keepCode(): void {
  if (process.exitCode) return;
  try {
    keep(script.createCachedData());
  } catch {
    // A full or read-only disk: the next start compiles as well.
  }
}
