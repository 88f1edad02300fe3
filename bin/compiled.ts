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
/** There are about as many verbs. What else is on a command line may look like one. */
const MAX_FILES = 32;

/** The program, and the file that may hold what V8 compiled of it in an earlier run. */
export interface Compiled {
  readonly source: Buffer;
  /** Undefined where there is none, or none to believe. */
  readonly code: Buffer | undefined;
  /** Whether this user may keep one here for later runs. */
  readonly isKept: boolean;
  keep(code: Buffer): void;
}

/**
 * Compiled code is believed only where nobody can have changed it who could not change the program as well, and where
 * its checksum fits: V8 runs what it is given, and damaged code can crash it. The checksum is over the source too, so
 * that code of another program never fits.
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

/** Each verb has its own file: what a short verb does not run, it need not read. A hook's verb has three words. */
function wayOf([script = '', ...args]: readonly string[]): string {
  const words = args.filter((word) => /^[a-z][a-z_-]{0,19}$/.test(word));
  return [basename(script).replace(/\W.*/, ''), ...words.slice(0, 3)].join('-');
}

/** Compiled code is bound to V8's flags. Those of a usual start count. */
const hasFlags = (): boolean => process.execArgv.length > 0 || process.env['NODE_OPTIONS'] !== undefined;

/** @throws where it is no regular file, or too large */
function readWhole(file: string, flags: number): { readonly bytes: Buffer; readonly stats: Stats } {
  const descriptor = openSync(file, constants.O_RDONLY | flags);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile() || stats.size > MAX_BYTES) throw new Error(`${file} is no file that can be read`);
    return { bytes: readFileSync(descriptor), stats };
  } finally {
    closeSync(descriptor);
  }
}

/** Whether only those can write it who can write the program. */
function isNoWeaker(own: Stats, program: Stats): boolean {
  const writableByOthers = own.mode & 0o022 & ~program.mode;
  return (own.uid === program.uid || own.uid === 0) && writableByOthers === 0;
}
