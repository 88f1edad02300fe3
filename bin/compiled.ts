import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Script } from 'node:vm';
import { IMPORTER } from '../src/accounts/definition.ts';

/** The bundled program as one script. V8 takes the compiled code only where it fits this source and this V8. */
export function compile(file: string, cachedData?: Buffer): Script {
  // The bundle is ASCII. Its first line is for the shell; a comment before it leaves all lines where they are.
  const source = readFileSync(file, 'latin1');
  return new Script(`(function (exports, require, module, __filename, __dirname) {//${source}\n})`, {
    filename: file,
    ...(cachedData ? { cachedData } : {}),
  });
}

/** Run it as `require` would. The result is what it exports: when it is done. */
export function run(script: Script, file: string, require: NodeJS.Require): { readonly done: Promise<void> } {
  Object.defineProperty(globalThis, IMPORTER, { value: (url: string) => import(url), configurable: true });
  const module = { exports: {} as { readonly done: Promise<void> } };
  script.runInThisContext()(module.exports, require, module, file, dirname(file));
  return module.exports;
}

/** Where the compiled code of this build lies, for this kind of machine and this V8. */
export function cacheFile(directory: string, build: string): string {
  return `${directory}/dns01-${build}-v8-${process.versions.v8}-${process.arch}.cache`;
}
