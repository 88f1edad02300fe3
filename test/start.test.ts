import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { version } from '../package.json';
import { root } from './support/paths.ts';

const dist = `${root}dist`;
const PROGRAM = readFileSync(`${dist}/dns01.cjs`, 'latin1');
const isRoot = process.geteuid?.() === 0;
const NOBODY = 65_534;

it('is plain ASCII, which V8 keeps in half the memory', () => {
  expect(PROGRAM).toMatch(/^[\0-\x7f]*$/);
});

it('imports nothing by itself: what V8 has compiled ahead cannot', () => {
  expect(PROGRAM).not.toMatch(/\bimport\("/);
});

const places: string[] = [];
afterEach(() => {
  for (const place of places.splice(0)) rmSync(place, { recursive: true });
});

/** A copy as it is after an installation: without compiled code. */
function installed(program = PROGRAM): string {
  const directory = mkdtempSync(join(tmpdir(), 'dns01-installed-'));
  places.push(directory);
  chmodSync(directory, 0o755);
  for (const file of ['start.cjs', 'dns01-hook.cjs']) cpSync(`${dist}/${file}`, join(directory, file));
  writeFileSync(join(directory, 'dns01.cjs'), program, { mode: 0o755 });
  return directory;
}

const cachesIn = (directory: string): string[] => readdirSync(directory).filter((name) => name.includes('.cache'));
const onlyCacheIn = (directory: string): string => {
  const [name = ''] = cachesIn(directory);
  expect(cachesIn(directory)).toHaveLength(1);
  return join(directory, name);
};

function start(
  directory: string,
  options: { readonly file?: string; readonly uid?: number; readonly env?: object } = {},
) {
  const { file = 'start.cjs', uid, env = {} } = options;
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [join(directory, file), '--version'], {
    env: { ...env },
    encoding: 'utf8',
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  return { status, signal, stdout, stderr };
}
const RIGHT = { status: 0, signal: null, stdout: `${version}\n`, stderr: '' };

describe('an installed copy', () => {
  it.each(['start.cjs', 'dns01.cjs'])('starts without compiled code: %s', (file) => {
    expect(start(installed(), { file })).toEqual(RIGHT);
  });

  it('keeps what V8 compiled in the first start of a verb, and V8 takes it in the next', () => {
    const directory = installed();
    start(directory);
    const { ino, mode } = statSync(onlyCacheIn(directory));
    expect(mode & 0o777).toBe(0o644);
    expect(start(directory)).toEqual(RIGHT);
    // One that V8 rejects would have been replaced.
    expect(statSync(onlyCacheIn(directory)).ino).toBe(ino);
  });

  it('keeps nothing of a start with options for Node, which V8 would reject in the next', () => {
    const directory = installed();
    expect(start(directory, { env: { NODE_OPTIONS: '--max-old-space-size=200' } }).stdout).toBe(RIGHT.stdout);
    expect(cachesIn(directory)).toEqual([]);
  });

  it.skipIf(!isRoot)('starts for a user who may not write there', () => {
    const directory = installed();
    expect(start(directory, { uid: NOBODY })).toEqual(RIGHT);
    expect(cachesIn(directory)).toEqual([]);
    start(directory);
    expect(start(directory, { uid: NOBODY })).toEqual(RIGHT);
  });

  it('knows its second name, by which it waits for the line of a client', () => {
    const outcome = spawnSync(process.execPath, [join(installed(), 'dns01-hook.cjs')], { env: {}, encoding: 'utf8' });
    expect(outcome.stderr).toContain('no known client calls its hook');
    expect(outcome.status).toBe(64);
  });
});

describe('compiled code that is damaged', () => {
  it('slows a start down and does nothing else, wherever the damage is', () => {
    const directory = installed();
    start(directory);
    const file = onlyCacheIn(directory);
    const whole = readFileSync(file);
    for (let round = 0; round < 50; round++) {
      const damaged = Buffer.from(whole);
      const random = (below: number) => Math.floor(Math.random() * below);
      for (let count = 1 + random(8); count > 0; count--) {
        const at = random(round % 2 ? damaged.length : 400);
        damaged[at] = (damaged[at] ?? 0) ^ (1 + random(255));
      }
      writeFileSync(file, round % 5 ? damaged : damaged.subarray(0, random(damaged.length)));
      expect(start(directory), `damage ${round}`).toEqual(RIGHT);
      expect(onlyCacheIn(directory)).toBe(file);
    }
  }, 120_000);
});

describe('compiled code of somebody else', () => {
  const OTHER = '6.6.6';
  /** Of a program with the same length, which is all that V8 compares. */
  const other = () => {
    const directory = installed(PROGRAM.replaceAll(version, OTHER));
    expect(start(directory).stdout).toBe(`${OTHER}\n`);
    return readFileSync(onlyCacheIn(directory));
  };
  /** As its maker would write it who knows how. */
  const forged = () => {
    const code = other().subarray(32);
    return Buffer.concat([createHash('sha256').update(PROGRAM, 'latin1').update(code).digest(), code]);
  };
  let directory: string;
  let file: string;
  beforeEach(() => {
    directory = installed();
    start(directory);
    file = onlyCacheIn(directory);
  });

  it('does not run when it was made of another program', () => {
    writeFileSync(file, other());
    expect(start(directory)).toEqual(RIGHT);
  });

  it('runs with the right checksum only where it can be the work of none but the owner', () => {
    const code = forged();
    writeFileSync(file, code);
    // As the program itself would, which its owner can change as well: so the cases below are what keeps it from running.
    expect(start(directory).stdout).toBe(`${OTHER}\n`);

    chmodSync(file, 0o664);
    expect(start(directory)).toEqual(RIGHT);

    writeFileSync(file, code);
    chmodSync(file, 0o646);
    expect(start(directory)).toEqual(RIGHT);

    writeFileSync(file, code);
    renameSync(file, `${file}.elsewhere`);
    symlinkSync(`${file}.elsewhere`, file);
    expect(start(directory)).toEqual(RIGHT);

    writeFileSync(file, code);
    chmodSync(directory, 0o777);
    expect(start(directory)).toEqual(RIGHT);
  });

  it.skipIf(!isRoot)('does not run when another user owns it', () => {
    writeFileSync(file, forged());
    chownSync(file, NOBODY, NOBODY);
    expect(start(directory)).toEqual(RIGHT);
    writeFileSync(file, forged());
    chownSync(file, 0, 0);
    chownSync(directory, NOBODY, NOBODY);
    expect(start(directory)).toEqual(RIGHT);
  });

  it.skipIf(process.platform === 'win32')('a pipe in its place holds no start up', () => {
    rmSync(file);
    spawnSync('mkfifo', [file]);
    expect(start(directory)).toEqual(RIGHT);
  });
});
