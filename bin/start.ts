#!/usr/bin/env node
// Starts the program from code that V8 compiled in an earlier run, which saves two thirds of the start time. The first
// run of a verb compiles as usual. It stores the code beside the program if the user owns that directory.
import { dirname } from 'node:path';
import v8 from 'node:v8';
import { Script } from 'node:vm';
import { openCompiled } from './compiled.ts';

const program = `${__dirname}/dns01.cjs`;
const { source, code, isKept, keep } = openCompiled(program, process.argv.slice(1));
// The bundle is ASCII. Its first line is the shebang: the comment before it keeps all line numbers.
const text = `(function (exports, require, module, __filename, __dirname) {//${source.toString('latin1')}\n})`;
const script = new Script(text, { filename: program, ...(code ? { cachedData: code } : {}) });
const isMissing = code === undefined || script.cachedDataRejected === true;
// Compiled code depends on V8's flags, so a run that stores it does not change them.
if (isMissing && isKept) v8.setFlagsFromString = () => {};

// Precompiled code cannot call import(): src/accounts/definition.ts asks for it here.
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
    // The disk is full or read-only: the next start compiles again.
  }
}
