/** What broke one of the three rules once, each with the least that it takes to see it. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { startIspconfigFake } from '../fakes/ispconfig.ts';
import { until } from '../support/until.ts';
import { examine, noFindings } from './support/examine.ts';
import { openPlace, type Place } from './support/place.ts';
import { NAME, SUBJECTS, type Subject, VALUE, ZONE } from './support/subjects.ts';
import { ADD, REMOVE, SWEEP } from './support/verbs.ts';

let place: Place;
afterEach(() => place.close());

/** A promise, and what keeps it. */
function door(): { readonly opened: Promise<void>; open(): void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

async function expectFindings(expected: { copies: [number, number]; journal?: 'closed' | 'unaware' }): Promise<void> {
  const findings = noFindings();
  await examine('then', place, { foreign: [], ...expected }, findings);
  expect(findings.problems).toEqual([]);
}

it('two runs publish the same value: the one that finds it there does not make the other forget it', async () => {
  place = await openPlace(SUBJECTS.zoneid);
  const [bothAsk, firstIsDone] = [door(), door()];
  place.gate.guard({
    async request({ nth, line }) {
      if (!line.startsWith('POST')) return undefined;
      if (nth > 0) bothAsk.open();
      await bothAsk.opened;
      if (nth > 0) await firstIsDone.opened;
      return undefined;
    },
  });
  const runs = [place.run(ADD), place.run(ADD)];
  await Promise.race(runs);
  firstIsDone.open();
  expect((await Promise.all(runs)).map(({ code }) => code)).toEqual([0, 0]);
  await expectFindings({ copies: [1, 1] });
  expect((await place.run(SWEEP)).stdout).toMatch(/^removed/);
});

it('a POST that arrives between the look and the second POST: the value is known as ours', async () => {
  place = await openPlace(SUBJECTS.zoneid);
  const secondAsks = door();
  place.gate.guard({
    async request({ nth, line }) {
      if (!line.startsWith('POST')) return undefined;
      if (nth === 0) await secondAsks.opened;
      secondAsks.open();
      if (nth > 0) await until(() => place.subject.server?.requests.some(({ call }) => call === 'POST txt') ?? false);
      return undefined;
    },
  });
  const { code, stdout } = await place.run(ADD, 'hasty');
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/: published through/) });
  await expectFindings({ copies: [1, 1] });
});

it('a POST that arrives after the next one was refused: the value is found by a sweep', async () => {
  place = await openPlace(SUBJECTS.zoneid);
  const isRefused = door();
  place.gate.guard({
    async request({ nth, line }) {
      if (!line.startsWith('POST')) return undefined;
      if (nth === 0) await isRefused.opened;
      else place.subject.server?.inject({ call: 'POST txt', kind: '429', effect: 'before' });
      return undefined;
    },
  });
  expect((await place.run(ADD, 'hasty')).code).toBe(75);
  isRefused.open();
  place.gate.guard({});
  await place.gate.settled();
  await expectFindings({ copies: [1, 1] });
  expect((await place.run(SWEEP)).stdout).toMatch(/^removed/);
});

it('a panel that refuses, stores all the same and does not let it be taken out: a sweep finds it', async () => {
  const zone: { name: string; soaFault?: string } = { name: ZONE, soaFault: 'minimum_range_error<br />\r\n' };
  place = await openPlace({ provider: 'ispconfig', start: () => ispconfigWith(zone) });
  place.subject.server?.inject({ call: 'dns_txt_delete', kind: 'hang', effect: 'before', times: 3 });
  expect((await place.run(ADD, 'hasty')).code).toBe(65);
  await expectFindings({ copies: [1, 1] });
  delete zone.soaFault;
  expect((await place.run(SWEEP)).stdout).toMatch(/^removed/);
});

async function ispconfigWith(zone: { readonly name: string }): Promise<Subject> {
  const fake = await startIspconfigFake({ zones: [zone] });
  return {
    server: fake.server,
    options: { url: fake.url, username: fake.username, password: fake.password },
    secrets: [fake.password],
    held: async (name) => fake.held(name),
    everything: async () => fake.rows.map((row) => JSON.stringify(row)),
    close: () => fake.close(),
  };
}

it('a value that was left behind long ago and is published again: a sweep leaves it alone', async () => {
  place = await openPlace(SUBJECTS.zoneid);
  await place.run(ADD);
  const directory = join(place.stateDirectory, 'journal');
  for (const file of await readdir(directory)) {
    const entry = JSON.parse(await readFile(join(directory, file), 'utf8'));
    await writeFile(join(directory, file), JSON.stringify({ ...entry, since: '2020-01-01T00:00:00.000Z' }));
  }
  expect((await place.run(ADD)).code).toBe(0);
  expect((await place.run(['sweep', '--older-than', '1h'])).stdout).toBe('');
  await expectFindings({ copies: [1, 1] });
});

it('a removal that was sent to the wrong account: the value is still known at the right one', async () => {
  place = await openPlace(SUBJECTS.zoneid);
  expect((await place.run(ADD)).code).toBe(0);
  expect((await place.run([...REMOVE, '--account', 'elsewhere'])).code).toBe(0);
  await expectFindings({ copies: [1, 1] });
  expect((await place.run(SWEEP)).stdout).toMatch(/^removed/);
  expect(await place.subject.held(NAME)).not.toContain(VALUE);
});
