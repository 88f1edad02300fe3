/** A clock that was ahead by years and was set back: what was written then locks nobody out. */
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { examine, noFindings, tallyOf } from './support/examine.ts';
import { kill } from './support/killed.ts';
import { openPlace, type Place } from './support/place.ts';
import { openStopPlace, STOPPED, type StoppedName } from './support/stops.ts';
import { FOREIGN_VALUE, SUBJECTS, type SubjectName } from './support/subjects.ts';
import { count } from './support/tally.ts';
import { ADD, addOf, REMOVE } from './support/verbs.ts';

/** Milliseconds. */
const THREE_YEARS = 94_608_000_000;

/** Milliseconds of a lock's staleness, of the work itself, and of a busy machine. */
const MAX_MS = 10_000 + 12_000;

const LOCKING: readonly StoppedName[] = STOPPED.filter((name) => /powerdns|olspanel|panelalpha|acmesh/.test(name));

describe.concurrent('a lock that was touched in the future', () => {
  for (const subject of LOCKING) {
    it(`${subject}: is waited for no longer than one of a dead process`, { timeout: 60_000 }, async ({ task }) => {
      const findings = noFindings();
      const place = await openStopPlace(subject);
      try {
        const foreign = await place.subject.everything();
        const held = await place.hold(0);
        const victim = place.start(ADD);
        await held.reached;
        await kill(victim);
        await held.letGo();
        await place.gate.settled();
        const locks = await touchLocks(place);
        expect(locks).toHaveLength(1);
        const began = performance.now();
        const { code, stderr } = await place.start(ADD).ended;
        expect(code, stderr).toBe(0);
        expect(performance.now() - began).toBeLessThan(MAX_MS);
        await examine('added', place, { copies: [1, 1], foreign }, findings);
        expect(await readdir(join(place.stateDirectory, 'locks'))).toEqual([]);
      } finally {
        await place.close();
      }
      count(task, { faults: 1, ...tallyOf(findings) });
      expect(findings.problems).toEqual([]);
    });
  }
});

async function touchLocks({ stateDirectory }: Place): Promise<string[]> {
  const folder = join(stateDirectory, 'locks');
  const future = new Date(Date.now() + THREE_YEARS);
  const locks = (await readdir(folder)).filter((name) => name.endsWith('.lock'));
  for (const name of locks) await utimes(join(folder, name), future, future);
  return locks;
}

describe.concurrent('state that was written in the future', () => {
  for (const subject of Object.keys(SUBJECTS) as SubjectName[]) {
    it(`${subject}: is worked with, and swept`, async ({ task }) => {
      const findings = noFindings();
      const place = await openPlace(SUBJECTS[subject]);
      try {
        const foreign = await place.subject.everything();
        expect((await place.run(ADD)).code).toBe(0);
        await writeInFuture(place);
        const began = performance.now();
        for (const args of [ADD, addOf(FOREIGN_VALUE.slice(0, -1).concat('B'))]) {
          const { code, stderr } = await place.run(args);
          expect(code, stderr).toBe(0);
        }
        await writeInFuture(place);
        const swept = await place.run(['sweep', '--older-than', '1h']);
        expect(swept.code, swept.stderr).toBe(0);
        expect(swept.stdout.trim().split('\n')).toHaveLength(2);
        expect((await place.run(REMOVE)).code).toBe(0);
        expect(performance.now() - began).toBeLessThan(MAX_MS);
        if (subject !== 'acme-dns') {
          await examine('swept', place, { copies: [0, 0], foreign, journal: 'closed' }, findings);
        }
      } finally {
        await place.close();
      }
      count(task, { faults: 2, ...tallyOf(findings) });
      expect(findings.problems).toEqual([]);
    });
  }
});

/** Every time in every file below the state directory, but for the records of a provider. */
async function writeInFuture({ stateDirectory }: Place): Promise<void> {
  const ahead = Date.now() + THREE_YEARS;
  const entries = await readdir(stateDirectory, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const file = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !file.endsWith('.json') || file.includes('/accounts/')) continue;
    const text = await readFile(file, 'utf8');
    const later = text
      .replaceAll(/\b1[0-9]{12}\b/g, String(ahead))
      .replaceAll(/\b20\d\d-\d\d-\d\dT[\d:.]+Z/g, new Date(ahead).toISOString());
    await writeFile(file, later);
  }
}
