#!/usr/bin/env node
// Starts the program from the code that V8 has compiled when it was built, which takes half the time. Where there is
// none, or for another Node, it is compiled as ever.
import { readFileSync } from 'node:fs';
import { cacheFile, compile, run } from './compiled.ts';

/** Put in by the build: which bundle the compiled code belongs to. */
declare const BUILD: string;

const program = `${__dirname}/dns01.cjs`;
run(compile(program, compiledCode()), program, require);

function compiledCode(): Buffer | undefined {
  try {
    return readFileSync(cacheFile(__dirname, BUILD));
  } catch {
    return undefined;
  }
}
