import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRecords } from '../../../src/state/files/records.ts';
import type { Records } from '../../../src/state/records.ts';
import { newDirectory } from './support.ts';

const NAME = '_acme-challenge.example.com';
const record = (value: string, ttl = 60) => ({ name: NAME, value, ttl });

describe('the records', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await newDirectory();
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('lose nothing to 50 writers at once', async () => {
    const values = Array.from({ length: 50 }, (_, index) => `value-${index}`);
    await Promise.all(values.map((value) => openRecords(directory).add(record(value))));
    const held = await openRecords(directory).at(NAME);
    expect(held.map(({ value }) => value).sort()).toEqual([...values].sort());
  });

  it('lose nothing while others are withdrawn', async () => {
    const values = Array.from({ length: 25 }, (_, index) => `value-${index}`);
    for (const value of values) await openRecords(directory).add(record(value));
    await Promise.all(
      values.flatMap((value) => [
        openRecords(directory).remove(NAME, value),
        openRecords(directory).add(record(`new-${value}`)),
      ]),
    );
    const held = await openRecords(directory).all();
    expect(held.map(({ value }) => value).sort()).toEqual(values.map((value) => `new-${value}`).sort());
  });

  it.each(['a pipe', 'a directory', 'a link'])('are not held up by %s in the place of one', async (kind) => {
    const records = openRecords(directory);
    await records.add(record('one'));
    await records.add(record('two'));
    const [file = ''] = (await readdir(directory)).map((name) => join(directory, name));
    const text = await readFile(file, 'utf8');
    await rm(file);
    if (kind === 'a pipe') execFileSync('mkfifo', [file]);
    else if (kind === 'a directory') await mkdir(file);
    else await symlink('/dev/zero', file);
    expect(await records.at(NAME)).toHaveLength(1);
    expect(await records.add(JSON.parse(text))).toBe(true);
    expect((await records.at(NAME)).map(({ value }) => value).sort()).toEqual(['one', 'two']);
  });

  it('can be read while they are written, each whole or not at all', async () => {
    const writing = Promise.all(
      Array.from({ length: 30 }, (_, index) => openRecords(directory).add(record(`value-${index}`))),
    );
    for (let round = 0; round < 10; round++) {
      for (const { value } of await openRecords(directory).all()) expect(value).toMatch(/^value-\d+$/);
    }
    await writing;
  });

  it('keep one record where the same is added by many', async () => {
    await Promise.all(Array.from({ length: 20 }, () => openRecords(directory).add(record('same'))));
    expect(await openRecords(directory).all()).toEqual([record('same')]);
    expect(await readdir(directory)).toHaveLength(1);
  });

  it('keep one value at two names apart', async () => {
    const records = openRecords(directory);
    await records.add(record('same'));
    expect(await records.add({ ...record('same'), name: 'other.example.com' })).toBe(true);
    expect(await records.remove(NAME, 'same')).toBe(true);
    expect((await records.all()).map(({ name }) => name)).toEqual(['other.example.com']);
  });

  it('take the new TTL of a value that is there already', async () => {
    const records = openRecords(directory);
    expect(await records.add(record('same', 60))).toBe(true);
    expect(await records.add(record('same', 300))).toBe(false);
    expect(await records.all()).toEqual([record('same', 300)]);
  });

  it('pass over files that are no records', async () => {
    const records = openRecords(directory);
    await records.add(record('good'));
    await writeFile(join(directory, 'txt-broken.json'), '{"name":');
    await writeFile(join(directory, 'txt-other.json'), '{"name":1}');
    await writeFile(join(directory, 'notes.json'), JSON.stringify(record('not ours')));
    expect(await records.all()).toEqual([record('good')]);
  });

  it('are none before there is a directory', async () => {
    const records = openRecords(join(directory, 'later'));
    expect(await records.all()).toEqual([]);
    expect((await records.served()).serial).toBe(0);
    expect(await records.remove(NAME, 'never')).toBe(false);
  });

  it('tell of a directory that cannot be read', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    await expect(openRecords(file).all()).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  it('say no where there is nothing to remove', async () => {
    expect(await openRecords(directory).remove(NAME, 'never')).toBe(false);
  });

  it('have a serial that does not fall', async () => {
    const records = openRecords(directory);
    const before = (await records.served()).serial;
    await records.add(record('one'));
    expect((await records.served()).serial).toBeGreaterThanOrEqual(before);
    expect(before).toBeLessThan(2 ** 32);
  });

  describe('served from memory', () => {
    const served = async (records = openRecords(directory)) =>
      (await records.served()).records.map(({ value }) => value).sort();

    it('are the same list until something changes', async () => {
      await openRecords(directory).add(record('one'));
      const records = openRecords(directory);
      const { records: before } = await records.served();
      expect(before).toEqual([record('one')]);
      expect((await records.served()).records).toBe(before);
    });

    it.each([
      ['added', (other: Records) => other.add(record('two')), ['one', 'two']],
      ['removed', (other: Records) => other.remove(NAME, 'one'), []],
    ])('show within a second what another process has %s', async (_, change, expected) => {
      await openRecords(directory).add(record('one'));
      const records = openRecords(directory);
      expect(await served(records)).toEqual(['one']);
      await change(openRecords(directory));
      await expect.poll(() => served(records), { interval: 20, timeout: 1000 }).toEqual(expected);
    });

    it('show a new TTL', async () => {
      const [records, other] = [openRecords(directory), openRecords(directory)];
      await other.add(record('same', 60));
      await records.served();
      await other.add(record('same', 300));
      const ttls = async () => (await records.served()).records.map(({ ttl }) => ttl);
      await expect.poll(ttls, { interval: 20, timeout: 1000 }).toEqual([300]);
    });

    it('miss nothing where changes fall into one tick of the clock of the file system', async () => {
      const [records, other] = [openRecords(directory), openRecords(directory)];
      await other.add(record('one'));
      const tick = new Date();
      await utimes(directory, tick, tick);
      expect(await served(records)).toEqual(['one']);
      await other.add(record('two'));
      await utimes(directory, tick, tick);
      await expect.poll(() => served(records), { interval: 20, timeout: 1000 }).toEqual(['one', 'two']);
    });

    it('are none before there is a directory, and those in it once there is one', async () => {
      const later = join(directory, 'later');
      const records = openRecords(later);
      expect(await records.served()).toEqual({ records: [], serial: 0 });
      await mkdir(later);
      await openRecords(later).add(record('one'));
      await expect.poll(() => served(records), { interval: 20, timeout: 1000 }).toEqual(['one']);
    });
  });
});
