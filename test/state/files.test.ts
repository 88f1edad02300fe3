import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { createJson, readAllJson, readJson, writeJson } from '../../src/state/files/json.ts';

const schema = z.object({ it: z.string() });

let directory: string;
let victim: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dns01-files-'));
  victim = join(directory, 'victim');
  await writeFile(victim, '{"it":"precious"}');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

it('a symbolic link is neither read, nor written through, nor replaced', async () => {
  const link = join(directory, 'link.json');
  await symlink(victim, link);
  expect(await readJson(link, schema)).toBeUndefined();
  await expect(writeJson(link, { it: 'mine' })).rejects.toThrow('not a regular file');
  expect(await createJson(link, { it: 'mine' })).toBe(false);
  expect(await readFile(victim, 'utf8')).toBe('{"it":"precious"}');
});

it('a folder that is a link is not written into', async () => {
  const elsewhere = join(directory, 'elsewhere');
  await mkdir(elsewhere);
  await symlink(elsewhere, join(directory, 'journal'));
  await expect(writeJson(join(directory, 'journal', 'a.json'), { it: 'mine' })).rejects.toThrow('not a directory');
});

it('a place where nothing can be made is an error, and not a loop without end', async () => {
  await expect(writeJson('/proc/self/fd/journal/a.json', { it: 'mine' })).rejects.toThrow();
});

it('a FIFO does not hold up whoever reads', async () => {
  const fifo = join(directory, 'fifo.json');
  execFileSync('mkfifo', [fifo]);
  expect(await readJson(fifo, schema)).toBeUndefined();
});

it('a file that is larger than any of ours is not read', async () => {
  const file = join(directory, 'large.json');
  await writeFile(file, JSON.stringify({ it: 'x'.repeat(2 * 1024 * 1024) }));
  expect(await readJson(file, schema)).toBeUndefined();
});

it('files that hold something else are counted, empty ones are not', async () => {
  await writeFile(join(directory, 'good.json'), '{"it":"good"}');
  await writeFile(join(directory, 'empty.json'), '');
  await writeFile(join(directory, 'torn.json'), '{"it":"go');
  expect(await readAllJson(directory, schema)).toEqual({ contents: [{ it: 'good' }], unreadable: ['torn.json'] });
});
