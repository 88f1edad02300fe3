import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { root } from './support/paths.ts';

let copy: string;
beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'dns01-new-provider-'));
  const parts = [
    '.gitignore',
    'bin',
    'docs',
    'providers',
    'scripts',
    'src',
    'test',
    'biome.json',
    'package.json',
    'tsconfig.json',
  ];
  for (const part of [...parts, 'vitest.config.ts']) await cp(root + part, join(copy, part), { recursive: true });
  await symlink(`${root}node_modules`, join(copy, 'node_modules'));
});
afterAll(() => rm(copy, { recursive: true, force: true }));

function run(...[tool = '', ...args]: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(join(root, 'node_modules/.bin', tool), args, {
      cwd: copy,
      // What runs inside is part of this one test.
      env: { ...process.env, DNS01_TEST_COUNTS: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
      });
    }
    child.on('close', (code) => resolve({ code: code ?? -1, output }));
  });
}

it('npm run new-provider writes a provider that passes the contract suite', { timeout: 90_000 }, async () => {
  expect(await run('tsx', 'scripts/new-provider.ts', 'my-dns')).toMatchObject({ code: 0 });
  expect(await readFile(join(copy, 'providers/index.ts'), 'utf8')).toContain(
    "'my-dns': () => import('./my-dns/index.ts'),",
  );
  expect(await readFile(join(copy, 'docs/providers/my-dns.md'), 'utf8')).toContain('provider: my-dns');
  const tests = await run('vitest', 'run', 'test/providers/my-dns', 'test/docs.test.ts');
  expect(tests.output).toMatch(/\d{2,} passed, 0 failed, 0 skipped/);

  const again = await run('tsx', 'scripts/new-provider.ts', 'my-dns');
  expect(again).toMatchObject({ code: 64, output: expect.stringContaining('already exists') });
  const wrong = await run('tsx', 'scripts/new-provider.ts', '../evil');
  expect(wrong).toMatchObject({ code: 64, output: expect.stringContaining('usage: npm run new-provider NAME') });
});
