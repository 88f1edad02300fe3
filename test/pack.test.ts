import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { scripts } from '../package.json';
import { brokenLinks, pagesIn } from './support/links.ts';
import { root } from './support/paths.ts';

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

function output(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): string {
  return execFileSync(program, args, { ...options, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

let place: string;
let packed: Packed;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'dns01-pack-'));
  mkdirSync(`${root}dist/package`, { recursive: true });
  const left = [`${root}dist/dns01.v0-none-packed.cache`, `${root}dist/package/none-packed.deb`];
  for (const file of left) writeFileSync(file, '');
  try {
    const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', place];
    [packed] = JSON.parse(output('npm', args, { cwd: root })) as [Packed];
  } finally {
    for (const file of left) rmSync(file);
  }
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

it('the package holds the program and its documents, and nothing that was made for this machine', () => {
  const paths = packed.files.map(({ path }) => path);
  const program = ['dist/dns01.cjs', 'dist/start.cjs', 'dist/dns01-hook.cjs', 'dist/dns01.cjs.LEGAL.txt'];
  expect(paths).toEqual(expect.arrayContaining([...program, 'package.json', 'LICENSE', 'README.md', 'SECURITY.md']));
  const strange = /\.cache|meta\.json|\.vitepress|^dist\/(bench|package)\/|^(test|src)\//;
  expect(paths.filter((path) => strange.test(path))).toEqual([]);
});

it('the package stays small', () => {
  const sizeOf = (pattern: RegExp) =>
    packed.files.filter(({ path }) => pattern.test(path)).reduce((sum, { size }) => sum + size, 0);
  // 1.0 MB would need a compressed program, which makes every start slower by a tenth.
  expect(sizeOf(/^dist\/dns01\.cjs$/)).toBeLessThan(1_400_000);
  expect(sizeOf(/^dist\/.*\.mjs$/)).toBeLessThan(150_000);
  expect(sizeOf(/^(?!dist\/)/)).toBeLessThan(500_000);
});

it('nothing runs during an installation, and npm does not warn of scripts', () => {
  // npm 11 warns of `prepare` as well where the package is a file. `dependencies` runs in a clone only.
  const ofInstallation = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare'];
  expect(Object.keys(scripts).filter((name) => ofInstallation.includes(name))).toEqual([]);
});

it('npx runs it without an installation', () => {
  const env = { PATH: process.env['PATH'], HOME: place, npm_config_offline: 'true' };
  const args = ['--yes', '--package', join(place, packed.filename), 'dns01', '--version'];
  expect(output('npx', args, { env, cwd: place })).toMatch(/^\d+\.\d+\.\d+\n$/);
});

/** Root may write in spite of the mode, but not on a file system that is read-only. */
function canMount(): boolean {
  const isRoot = process.getuid?.() === 0;
  return isRoot && spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
}
const READ_ONLY =
  'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && ! touch "$1/x" 2>/dev/null && exec "$2" demo';

it('brings no other package, and runs without HOME where nothing can be written', async () => {
  const prefix = join(place, 'global');
  const args = ['install', '--global', '--prefix', prefix, '--ignore-scripts', '--offline'];
  output('npm', [...args, join(place, packed.filename)]);
  const installed = join(prefix, 'lib/node_modules/dns01');
  expect(readdirSync(join(prefix, 'lib/node_modules'))).toEqual(['dns01']);
  expect(readdirSync(installed)).not.toContain('node_modules');
  expect(await brokenLinks(installed, await pagesIn(installed))).toEqual([]);
  expect(readdirSync(join(prefix, 'share/man/man1')).sort()).toEqual(readdirSync(`${root}docs/man`).sort());

  const [program, env] = [join(prefix, 'bin/dns01'), { PATH: process.env['PATH'] }];
  execFileSync('chmod', ['-R', 'a-w', prefix]);
  try {
    const shown = canMount()
      ? output('unshare', ['--mount', 'sh', '-c', READ_ONLY, 'sh', prefix, program], { env })
      : output(program, ['demo'], { env });
    expect(shown).toContain('_acme-challenge');
    expect(readdirSync(join(installed, 'dist')).filter((name) => name.includes('.cache'))).toEqual([]);
  } finally {
    execFileSync('chmod', ['-R', 'u+w', prefix]);
  }
});
