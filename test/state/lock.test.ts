import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startDeadline } from '../../src/deadline.ts';
import { withLock } from '../../src/state/files/lock.ts';
import { until } from '../support/until.ts';

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dns01-lock-'));
  path = join(directory, 'locks', 'account');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const deadline = (milliseconds = 10_000) => startDeadline(milliseconds);

it('tasks under one lock never run side by side', async () => {
  let inside = 0;
  let most = 0;
  const task = async () => {
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setTimeout(resolve, 5));
    inside--;
  };
  await Promise.all(Array.from({ length: 20 }, () => withLock(path, { deadline: deadline() }, task)));
  expect(most).toBe(1);
});

it('a task that fails gives the lock back', async () => {
  const failing = withLock(path, { deadline: deadline() }, async () => {
    throw new Error('failed');
  });
  await expect(failing).rejects.toThrow('failed');
  expect(await withLock(path, { deadline: deadline() }, async () => 'done')).toBe('done');
});

it('whoever waits is told for whom, and gives up at its deadline', async () => {
  const said: string[] = [];
  const told = (milliseconds: number) => ({
    deadline: deadline(milliseconds),
    info: (text: string) => void said.push(text),
  });
  let finish = () => {};
  const holding = withLock(
    path,
    told(20_000),
    () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      }),
  );
  await until(() => finish.toString() !== '() => {}');
  await expect(withLock(path, told(1500), async () => {})).rejects.toMatchObject({
    code: 'E_LOCK',
    exitCode: 75,
    message: expect.stringMatching(new RegExp(`another dns01 \\(process ${process.pid} on .*\\) holds the lock`)),
  });
  expect(said).toEqual([expect.stringMatching(new RegExp(`waiting for another dns01 \\(process ${process.pid} on`))]);
  finish();
  await holding;
});

it('a lock that a dead process left is taken over', async () => {
  await mkdir(`${path}.lock`, { recursive: true });
  const longAgo = new Date(Date.now() - 60_000);
  await utimes(`${path}.lock`, longAgo, longAgo);
  await writeFile(`${path}.holder`, '99999 on elsewhere');
  const holder = () => readFile(`${path}.holder`, 'utf8');
  expect(await withLock(path, { deadline: deadline(), info: () => {} }, holder)).toContain(String(process.pid));
});

it('a holder that was stopped until another took its lock learns of that before its next write', async () => {
  const options = { deadline: deadline(), info: () => {} };
  await withLock(path, options, async ({ check }) => {
    await check(1000);
    await writeFile(`${path}.holder`, '4711 on elsewhere and-another-one');
    await expect(check(1000)).rejects.toMatchObject({ code: 'E_LOCK', outcomeUnknown: false });
  });
});

it('a holder that was stopped until another took its lock leaves that alone', async () => {
  const options = { deadline: deadline(), info: () => {} };
  await withLock(path, options, async ({ check }) => {
    const longAgo = new Date(Date.now() - 60_000);
    await writeFile(`${path}.holder`, '4711 on elsewhere and-another-one');
    await utimes(`${path}.lock`, longAgo, longAgo);
    await expect(check(1000)).rejects.toMatchObject({ code: 'E_LOCK' });
    expect((await stat(`${path}.lock`)).mtime).toEqual(longAgo);
  });
  expect(await readdir(join(directory, 'locks'))).toEqual(['account.holder', 'account.lock']);
});

it('a holder that looks after its lock keeps it for as long as it works', { timeout: 40_000 }, async () => {
  const options = { deadline: deadline(30_000), info: () => {} };
  const second = withLock(path, options, async ({ check }) => {
    await check(1000);
    const other = withLock(path, { ...options, deadline: deadline(12_500) }, async () => 'both inside');
    await expect(other).rejects.toMatchObject({ code: 'E_LOCK' });
    await check(1000);
    return 'still held';
  });
  expect(await second).toBe('still held');
  expect(await readdir(join(directory, 'locks'))).toEqual([]);
});

it('a lock that was touched in the future is waited for no longer than a dead one', { timeout: 40_000 }, async () => {
  await mkdir(`${path}.lock`, { recursive: true });
  const ahead = new Date(Date.now() + 94_608_000_000);
  await utimes(`${path}.lock`, ahead, ahead);
  expect(await withLock(path, { deadline: deadline(30_000) }, async () => 'done')).toBe('done');
});

it('the name of the holder is gone with the lock, and never follows a link', async () => {
  const victim = join(directory, 'victim');
  await writeFile(victim, 'precious');
  await mkdir(join(directory, 'locks'));
  await symlink(victim, `${path}.holder`);
  await withLock(path, { deadline: deadline(), info: () => {} }, async () => {});
  expect(await readFile(victim, 'utf8')).toBe('precious');
  await withLock(path, { deadline: deadline(), info: () => {} }, async () => {});
  expect(await readdir(join(directory, 'locks'))).toEqual([]);
});
