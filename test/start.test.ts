import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { version } from '../package.json';
import { root } from './support/paths.ts';

const dist = `${root}dist`;
const caches = () => readdirSync(dist).filter((file) => file.endsWith('.cache'));

/** Whether V8, in a process as a user would start it, takes the compiled code. */
function isRejected(directory: string, cache: string): unknown {
  const script = `
    import { readFileSync } from 'node:fs';
    import { compile } from '${root}bin/compiled.ts';
    const script = compile('${directory}/dns01.cjs', readFileSync('${directory}/${cache}'));
    process.stdout.write(String(script.cachedDataRejected));`;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
  return execFileSync(process.execPath, args, { cwd: root, env: {} }).toString();
}

it('the build leaves compiled code for this Node, and V8 takes it', () => {
  expect(caches()).toHaveLength(1);
  expect(isRejected(dist, caches()[0] ?? '')).toBe('false');
});

it('is plain ASCII, which V8 keeps in half the memory', () => {
  expect(readFileSync(`${dist}/dns01.cjs`, 'utf8')).toMatch(/^[\0-\x7f]*$/);
});

it('imports nothing by itself, for what V8 has compiled ahead cannot', () => {
  const imports = [...readFileSync(`${dist}/dns01.cjs`, 'utf8').matchAll(/\bimport\("([^"]+)"\)/g)];
  // That of cosmiconfig, for configs written in TypeScript, which are none.
  expect(imports.map(([, name]) => name)).toEqual(['typescript']);
});

describe('an installed copy', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'dns01-installed-'));
    for (const file of ['dns01.cjs', 'start.cjs', 'dns01-hook.cjs']) cpSync(`${dist}/${file}`, join(directory, file));
  });
  afterEach(() => rmSync(directory, { recursive: true }));
  const runs = (file: string) => execFileSync(process.execPath, [join(directory, file), '--version'], { env: {} });

  it.each(['start.cjs', 'dns01.cjs'])('starts without compiled code: %s', (file) => {
    expect(runs(file).toString()).toBe(`${version}\n`);
  });

  it('starts with compiled code that is broken', () => {
    for (const cache of caches())
      writeFileSync(join(directory, cache), readFileSync(`${dist}/${cache}`).subarray(0, 5000));
    expect(runs('start.cjs').toString()).toBe(`${version}\n`);
    for (const cache of caches()) writeFileSync(join(directory, cache), '');
    expect(runs('start.cjs').toString()).toBe(`${version}\n`);
  });

  it('knows its second name, by which it waits for the line of a client', () => {
    const outcome = spawnSync(process.execPath, [join(directory, 'dns01-hook.cjs')], { env: {} });
    expect(outcome.stderr.toString()).toContain('who is calling cannot be told');
    expect(outcome.status).toBe(64);
  });
});
