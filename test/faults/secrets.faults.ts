import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { isShort } from './support/extent.ts';
import { openPlace, type Place } from './support/place.ts';
import { SUBJECTS, type SubjectName } from './support/subjects.ts';
import { ADD, REMOVE, SWEEP } from './support/verbs.ts';

const LOUDNESS = isShort ? [['--verbose']] : [[], ['--quiet'], ['--verbose'], ['--json', '--verbose']];

describe.concurrent('secrets stand nowhere', () => {
  for (const subject of Object.keys(SUBJECTS) as SubjectName[]) {
    it(`${subject}: not in what is printed, not in state files, not in the arguments of any process`, async () => {
      const place = await openPlace(SUBJECTS[subject]);
      try {
        for (const loudness of LOUDNESS) {
          for (const verb of [ADD, REMOVE, SWEEP]) {
            const seen = await runWatched(place, [...verb, ...loudness]);
            for (const secret of place.subject.secrets) expect(seen).not.toContain(secret);
          }
        }
        expect(place.outputs.join('')).toContain('published through account it');
        expect(await place.secretsInTheOpen()).toEqual([]);
      } finally {
        await place.close();
      }
    });
  }
});

/** The arguments of the process and of its children, as everybody on the machine sees them while it waits. */
async function runWatched(place: Place, args: readonly string[]): Promise<string> {
  const seen: string[] = [];
  const asked = place.subject.server?.requests.length;
  const { child, ended } = place.start(args);
  place.gate.guard({
    async request() {
      seen.push(await argumentsOf(child.pid ?? 0));
      return undefined;
    },
  });
  expect((await ended).code).toBe(0);
  const isWatched = place.subject.server?.requests.length !== asked;
  if (isWatched) expect(seen.join('')).toContain(args[0]);
  return seen.join('');
}

async function argumentsOf(pid: number): Promise<string> {
  const own = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')).trim();
  const others = children === '' ? [] : await Promise.all(children.split(' ').map((each) => argumentsOf(Number(each))));
  return [own, ...others].join('\n');
}
