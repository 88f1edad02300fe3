import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { root } from './support/paths.ts';

const run = promisify(execFile);
const tool = (name: string): string => join(root, 'node_modules/.bin', name);

/** A third party's provider with its test, as it would stand in a repository of its own. */
const THEIRS = `
import { type DnsProvider, Dns01Error, defineProvider, secret, z } from 'dns01';
import { createTestContext, describeContract } from 'dns01/testing';

const records: { name: string; value: string }[] = [];
const find = (name: string, value: string) => records.findIndex((r) => r.name === name && r.value === value);

const mine = defineProvider({
  type: 'mine',
  title: 'Mine',
  docs: { url: 'https://example.com', rights: [], requests: { add: '0', remove: '0' }, tried: 'here' },
  options: z.strictObject({ token: secret('a token') }),
  http: false,
  create: (): DnsProvider => ({
    async addTxt({ name, value, zone }) {
      if (zone !== 'example.com') throw new Dns01Error('E_ZONE', 'there is no such zone');
      const changed = find(name, value) < 0;
      if (changed) records.push({ name, value });
      return { zone, changed };
    },
    async removeTxt({ name, value, zone }) {
      if (zone !== 'example.com') throw new Dns01Error('E_ZONE', 'there is no such zone');
      const index = find(name, value);
      if (index >= 0) records.splice(index, 1);
      return index < 0 ? 'absent' : 'removed';
    },
    listTxt: async (name) => records.filter((r) => r.name === name).map((r) => r.value),
  }),
});

describeContract('mine', async () => {
  records.length = 0;
  return {
    zone: 'example.com',
    open: async () => ({ provider: mine.create({ token: 't' }, createTestContext()), close: async () => {} }),
    held: async (name) => records.filter((r) => r.name === name).map((r) => r.value),
    plant: async (name, value) => void records.push({ name, value }),
    close: async () => {},
  };
}, { faults: false });
`;

let theirs: string;
beforeAll(async () => {
  await run(process.execPath, ['scripts/build-library.mjs'], { cwd: root });
  await run(tool('tsc'), ['-p', 'tsconfig.types.json'], { cwd: root });
  theirs = await mkdtemp(join(tmpdir(), 'dns01-third-party-'));
  await mkdir(join(theirs, 'node_modules'));
  await symlink(root, join(theirs, 'node_modules/dns01'));
  for (const name of ['undici', 'vitest', 'zod'])
    await symlink(`${root}node_modules/${name}`, join(theirs, 'node_modules', name));
  const options = { module: 'nodenext', target: 'es2022', strict: true, noEmit: true, skipLibCheck: true, types: [] };
  await writeFile(join(theirs, 'package.json'), '{"type":"module"}');
  await writeFile(join(theirs, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['mine.test.ts'] }));
  await writeFile(join(theirs, 'mine.test.ts'), THEIRS);
}, 60_000);
afterAll(() => rm(theirs, { recursive: true, force: true }));

it('what package.json says of the package is what is in it', async () => {
  expect((await publint({ pkgDir: root })).messages).toEqual([]);
});

it("a third party's provider is checked by the types of dns01", async () => {
  await run(tool('tsc'), ['-p', theirs]);
  await writeFile(join(theirs, 'mine.test.ts'), THEIRS.replace("token: 't'", "tokn: 't'"));
  const failure = await run(tool('tsc'), ['-p', theirs]).catch((error: { stdout: string }) => error);
  expect(failure.stdout).toContain("'tokn' does not exist in type '{ token: string; }'");
  await writeFile(join(theirs, 'mine.test.ts'), THEIRS);
});

it('and proved by the contract suite of dns01/testing', async () => {
  const { stdout } = await run(tool('vitest'), ['run'], { cwd: theirs });
  expect(stdout).toMatch(/[1-9]\d* passed/);
  expect(stdout).not.toContain('failed');
});
