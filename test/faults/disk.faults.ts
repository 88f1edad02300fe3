import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { examine, noFindings, tallyOf } from './support/examine.ts';
import { isShort } from './support/extent.ts';
import { openPlace, type Place, type StartSettings } from './support/place.ts';
import { SUBJECTS, type SubjectName } from './support/subjects.ts';
import { count } from './support/tally.ts';
import { ADD, REMOVE, SWEEP } from './support/verbs.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;

/** How a state directory can fail. Each makes it so, and says how to run dns01 then; the last one undoes it. */
interface Trouble {
  begin(place: Place): Promise<StartSettings>;
  end?(place: Place): Promise<void>;
}

const TROUBLES: Readonly<Record<string, Trouble>> = {
  'no file can grow': { begin: async () => ({ before: 'ulimit -f 0' }) },
  'read-only': {
    async begin({ stateDirectory }) {
      await chmod(stateDirectory, 0o555);
      return isRoot ? { uid: NOBODY } : {};
    },
    end: ({ stateDirectory }) => chmod(stateDirectory, 0o755),
  },
  'below a file': { begin: async () => ({ env: { DNS01_STATE_DIR: '/dev/null/state' } }) },
  'folders that are files': {
    async begin({ stateDirectory }) {
      for (const folder of FOLDERS) await writeFile(join(stateDirectory, folder), '');
      return {};
    },
    async end({ stateDirectory }) {
      for (const folder of FOLDERS) await rm(join(stateDirectory, folder), { force: true });
    },
  },
  ...(canMount() ? { 'disk full': { begin: fillDisk, end: unmount } } : {}),
};

const FOLDERS = ['journal', 'rate-limits', 'refused', 'locks', 'orders', 'zones'];

/** One that keeps nothing but a journal, one that has to count its requests, one that has to lock. */
const CHOSEN: readonly SubjectName[] = isShort ? ['zoneid'] : ['ispconfig', 'zoneid', 'powerdns'];

let place: Place;
afterEach(() => place.close());

describe.each(CHOSEN)('%s, with a state directory that cannot be written', (subject) => {
  beforeEach(async () => {
    place = await openPlace(SUBJECTS[subject]);
  });

  it.for(Object.entries(TROUBLES))('%s: works all the same, with a warning', async ([, trouble], { task }) => {
    const findings = noFindings();
    const foreign = await place.subject.everything();
    const settings = await trouble.begin(place);
    try {
      const added = await place.start(ADD, settings).ended;
      expect(added.stderr).toMatch(/^dns01: warning: the (journal in|state directory) /m);
      expect(added.code, added.stderr).toBe(0);
      await examine('added', place, { copies: [1, 1], foreign, journal: 'unaware' }, findings);

      const removed = await place.start(REMOVE, settings).ended;
      expect(removed.code, removed.stderr).toBe(0);
      await examine('removed', place, { copies: [0, 0], foreign, journal: 'closed' }, findings);
    } finally {
      await trouble.end?.(place);
    }
    count(task, { faults: 1, ...tallyOf(findings) });
    expect(findings).toEqual(noFindings());
  });

  it('that fails between add and remove: the value is withdrawn, and the sweep finds nothing more', async ({
    task,
  }) => {
    const findings = noFindings();
    const foreign = await place.subject.everything();
    expect((await place.run(ADD)).code).toBe(0);
    const removed = await place.start(REMOVE, { before: 'ulimit -f 0' }).ended;
    expect(removed.code, removed.stderr).toBe(0);
    expect((await place.run(SWEEP)).code).toBe(0);
    await examine('swept', place, { copies: [0, 0], foreign, journal: 'closed' }, findings);
    count(task, { faults: 1, ...tallyOf(findings) });
    expect(findings).toEqual(noFindings());
  });

  it('a journal cut off in the middle: the value is published and withdrawn all the same', async ({ task }) => {
    const findings = noFindings();
    const foreign = await place.subject.everything();
    expect((await place.run(ADD)).code).toBe(0);
    await halve(join(place.stateDirectory, 'journal'));
    expect((await place.run(ADD)).code).toBe(0);
    await examine('added again', place, { copies: [1, 1], foreign, journal: 'unaware' }, findings);
    await halve(join(place.stateDirectory, 'journal'));
    expect((await place.run(REMOVE)).code).toBe(0);
    await examine('removed', place, { copies: [0, 0], foreign, journal: 'closed' }, findings);
    count(task, { faults: 2, ...tallyOf(findings) });
    expect(findings).toEqual(noFindings());
  });
});

async function halve(directory: string): Promise<void> {
  for (const file of await readdir(directory)) {
    const text = await readFile(join(directory, file), 'utf8');
    await writeFile(join(directory, file), text.slice(0, text.length / 2));
  }
}

async function fillDisk({ stateDirectory }: Place): Promise<StartSettings> {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k,mode=755', 'tmpfs', stateDirectory]);
  await mkdir(join(stateDirectory, 'journal'));
  await writeFile(join(stateDirectory, 'filler'), Buffer.alloc(64 * 1024)).catch(() => {});
  return {};
}

async function unmount({ stateDirectory }: Place): Promise<void> {
  execFileSync('umount', [stateDirectory]);
}

/** Only root may, and not in every container. */
function canMount(): boolean {
  if (!isRoot) return false;
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
