import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startDeadline } from '../../src/deadline.ts';
import { withLock } from '../../src/state/lock.ts';
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
  expect(await withLock(path, { deadline: deadline(), info: () => {} }, async () => 'done')).toBe('done');
  expect(await readFile(`${path}.holder`, 'utf8')).toContain(String(process.pid));
});
