import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { expectFailure, OTHER_VALUE, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';

const NAME = '_acme-challenge.example.com';
const OLD = '2020-01-01T00:00:00.000Z';

let here: Workplace;
let journal: string;
beforeEach(async () => {
  here = await openWorkplace();
  journal = join(here.stateDirectory, 'journal');
  await here.configure(
    'accounts: { here: { provider: embedded, zones: [example.com] } }\ndns: { followCnames: false }\n',
  );
});
afterEach(() => here.remove());

/** Changes the entry of a value in the journal. */
async function rewrite(value: string, change: object): Promise<void> {
  for (const file of await readdir(journal)) {
    const entry = JSON.parse(await readFile(join(journal, file), 'utf8'));
    if (entry.value === value) await writeFile(join(journal, file), JSON.stringify({ ...entry, ...change }));
  }
}

it('status shows what is published, since when, and what sweep would remove', async () => {
  for (const value of [VALUE, OTHER_VALUE]) await here.run(['add-txt', '--no-wait', NAME, value]);
  await rewrite(VALUE, { since: OLD });
  await rewrite(OTHER_VALUE, {
    since: '2999-01-01T00:00:00.000Z',
    state: 'intent',
    by: 'web1',
    until: '2999-01-02T00:00:00.000Z',
  });
  const { code, stdout } = await here.run(['status']);
  expect({ code, lines: stdout.trim().split('\n') }).toEqual({
    code: 0,
    lines: [
      `published\t${NAME}\t${VALUE}\there\tsince ${OLD}\tsweep would remove it`,
      `begun\t${NAME}\t${OTHER_VALUE}\there\tsince 2999-01-01T00:00:00.000Z\tuntil 2999-01-02T00:00:00.000Z\tby web1`,
    ],
  });
  const document = JSON.parse((await here.run(['status', '--json', '--older-than', '520w'])).stdout);
  expect(document).toMatchObject({ ok: true, action: 'status' });
  expect(document.values.map(({ value, sweep }: { value: string; sweep: boolean }) => [value, sweep])).toEqual([
    [VALUE, false],
    [OTHER_VALUE, false],
  ]);
  expect((await here.run(['sweep', '--dry-run'])).stdout).toContain(VALUE);
});

it('status knows records that stay, and a name that is written elsewhere', async () => {
  await here.run(['add-txt', '--no-wait', NAME, VALUE]);
  await rewrite(VALUE, { since: OLD, lasting: true, target: 'x.acme.example.net' });
  expect((await here.run(['status'])).stdout).toBe(
    `lasting\t${NAME} at x.acme.example.net\t${VALUE}\there\tsince ${OLD}\n`,
  );
});

it('status says that nothing is published', async () => {
  expect(await here.run(['status'])).toEqual({ code: 0, stdout: '', stderr: 'dns01: nothing is published\n' });
  expect(await here.run(['status', '--quiet'])).toEqual({ code: 0, stdout: '', stderr: '' });
});

it('status shows what can be read of a damaged journal, and fails', async () => {
  await here.run(['add-txt', '--no-wait', NAME, VALUE]);
  await writeFile(join(journal, 'broken.json'), '{');
  const outcome = await here.run(['status']);
  expect(outcome.stdout).toContain(VALUE);
  expectFailure(outcome, 78, /1 entries of the journal are damaged/);
});
