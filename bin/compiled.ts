import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';

const DIGEST_BYTES = 32;
const MAX_BYTES = 32 * 1024 * 1024;
/** There are about as many verbs. Other words on a command line may look like a verb, so the number is limited. */
const MAX_FILES = 32;

/** The program, and the code that V8 compiled from it in an earlier run. */
export interface Compiled {
  readonly source: Buffer;
  /** Undefined where there is none, or where it cannot be trusted. */
  readonly code: Buffer | undefined;
  /** Whether this user may store compiled code here for later runs. */
  readonly isKept: boolean;
  keep(code: Buffer): void;
}

/**
 * Compiled code is used only if nobody but the users who can change the program can change it, and if its checksum
 * matches. V8 runs what it is given, and damaged code can crash it. The checksum covers the source too, so code of
 * another version never matches.
 */
export function openCompiled(program: string, argv: readonly string[]): Compiled {
  const directory = dirname(program);
  const file = `${directory}/dns01.${process.version}-${process.arch}-${wayOf(argv)}.cache`;
  const { bytes: source, stats } = readWhole(program, 0);
  const isTrusted = isNoWeaker(statSync(directory), stats);
  const digestOf = (code: Buffer) => createHash('sha256').update(source).update(code).digest();
  const read = (): Buffer | undefined => {
    if (!isTrusted) return undefined;
    try {
      const { bytes, stats: own } = readWhole(file, constants.O_NOFOLLOW | constants.O_NONBLOCK);
      const code = bytes.subarray(DIGEST_BYTES);
      return isNoWeaker(own, stats) && digestOf(code).equals(bytes.subarray(0, DIGEST_BYTES)) ? code : undefined;
    } catch {
      return undefined;
    }
  };
  return {
    source,
    code: read(),
    isKept: isTrusted && process.geteuid?.() === stats.uid && !hasFlags(),
    keep(code) {
      const others = readdirSync(directory).filter((name) => name.includes('.cache'));
      if (others.length >= MAX_FILES) return;
      const fresh = `${file}.${process.pid}`;
      try {
        writeFileSync(fresh, Buffer.concat([digestOf(code), code]), { flag: 'wx', mode: stats.mode & 0o644 });
        renameSync(fresh, file);
      } catch (error) {
        rmSync(fresh, { force: true });
        throw error;
      }
    },
  };
}

/** Each verb has a file of its own, so that a short verb does not read code that it does not run. A hook has three words. */
function wayOf([script = '', ...args]: readonly string[]): string {
  const words = args.filter((word) => /^[a-z][a-z_-]{0,19}$/.test(word));
  return [basename(script).replace(/\W.*/, ''), ...words.slice(0, 3)].join('-');
}

/** Compiled code depends on V8's flags, so it is only used with the default ones. */
const hasFlags = (): boolean => process.execArgv.length > 0 || process.env['NODE_OPTIONS'] !== undefined;

/** @throws if it is not a regular file, or too large */
function readWhole(file: string, flags: number): { readonly bytes: Buffer; readonly stats: Stats } {
  const descriptor = openSync(file, constants.O_RDONLY | flags);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile() || stats.size > MAX_BYTES) throw new Error(`${file} is not a regular file, or too large`);
    return { bytes: readFileSync(descriptor), stats };
  } finally {
    closeSync(descriptor);
  }
}

/** Whether only users who can write the program can write this file. */
function isNoWeaker(own: Stats, program: Stats): boolean {
  const writableByOthers = own.mode & 0o022 & ~program.mode;
  return (own.uid === program.uid || own.uid === 0) && writableByOthers === 0;
}
