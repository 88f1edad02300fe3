/** Anything may become of a file of the state: no start crashes, waits for ever or touches what is not its own. */
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digest } from '../../src/digest.ts';
import { examineForeign, type Findings, noFindings, tallyOf } from './support/examine.ts';
import { isShort } from './support/extent.ts';
import type { Place } from './support/place.ts';
import { randomFrom } from './support/random.ts';
import { openStopPlace, type StopPlace, type StoppedName } from './support/stops.ts';
import { NAME, VALUE, ZONE } from './support/subjects.ts';
import { count } from './support/tally.ts';
import { ADD, REMOVE, SWEEP, sweepUntilQuiet } from './support/verbs.ts';

const STARTS = isShort ? 24 : 1000;
/** Starts at one place, one after the other. */
const TOGETHER = isShort ? 4 : 25;
const SEED = Number(process.env['DNS01_FAULTS_SEED'] ?? Date.now() % 1_000_000);

const PLAYED: readonly StoppedName[] = ['zoneid', 'powerdns', 'ispconfig', 'panelalpha', 'acmesh', 'rfc2136'];

/** Milliseconds: a lock that looks as if it were held is waited for until it is stale. */
const MAX_MS = 25_000;

const VICTIM = 'not a file of dns01';

const DAMAGES: Readonly<Record<string, (file: string, random: () => number, place: Place) => Promise<void>>> = {
  truncated: async (file, random) => {
    const text = await readFile(file, 'utf8').catch(() => '');
    await replaced(file, text.slice(0, Math.floor(text.length * random())));
  },
  'random octets': async (file, random) =>
    replaced(file, Buffer.from(Array.from({ length: 300 }, () => Math.floor(random() * 256)))),
  'other JSON': async (file, random) =>
    replaced(
      file,
      ['[]', 'null', '{"version":1}', '{"starts":"x","names":[],"at":{}}', '0'][Math.floor(random() * 5)] ?? '',
    ),
  'a FIFO': async (file) => {
    await rm(file, { recursive: true });
    execFileSync('mkfifo', [file]);
  },
  'a directory': async (file) => {
    await rm(file, { recursive: true });
    await mkdir(file);
  },
  huge: async (file) => {
    await replaced(file, '{');
    await truncate(file, 3 * 1024 ** 3);
  },
  'a link': async (file, _, { stateDirectory }) => {
    await rm(file, { recursive: true });
    await symlink(victimOf(stateDirectory), file);
  },
  gone: (file) => rm(file, { recursive: true }),
};

async function replaced(file: string, content: string | Buffer): Promise<void> {
  await rm(file, { recursive: true });
  await writeFile(file, content);
}

const victimOf = (stateDirectory: string): string => `${stateDirectory}-victim`;

const VERBS: readonly (readonly string[])[] = [
  ADD,
  REMOVE,
  SWEEP,
  ['hook', '--timeout', '6', 'certbot', 'auth'],
  ['list-txt', NAME],
];

describe.concurrent('a file of the state is damaged', () => {
  for (let part = 0; part < STARTS / TOGETHER; part++) {
    const subject = PLAYED[part % PLAYED.length] ?? 'zoneid';
    it(`${subject}, starts ${part * TOGETHER + 1} to ${(part + 1) * TOGETHER}`, { timeout: 600_000 }, async ({
      task,
    }) => {
      const random = randomFrom(SEED + part * 7919);
      const findings = noFindings();
      const place = await openStopPlace(subject);
      try {
        const foreign = await place.subject.everything();
        await writeFile(victimOf(place.stateDirectory), VICTIM);
        const locks = await locksOf(place);
        for (let start = 0; start < TOGETHER; start++) {
          const { code, stderr } = await place.run(ADD);
          if (code !== 0) findings.problems.push(`the add before fails: ${stderr}`);
          await leaveBehind(place, locks);
          await tryStart(place, foreign, random, findings);
        }
      } finally {
        await place.close();
      }
      count(task, { faults: TOGETHER, ...tallyOf(findings) });
      expect(findings.problems, `DNS01_FAULTS_SEED=${SEED}`).toEqual([]);
    });
  }
});

async function tryStart(place: Place, foreign: readonly string[], random: () => number, findings: Findings) {
  const { problems } = findings;
  const { stateDirectory, subject } = place;
  const files = await filesBelow(stateDirectory);
  const file = files[Math.floor(random() * files.length)] ?? '';
  const [damage, spoil] = Object.entries(DAMAGES)[Math.floor(random() * Object.keys(DAMAGES).length)] ?? [
    '',
    undefined,
  ];
  const verb = VERBS[Math.floor(random() * VERBS.length)] ?? ADD;
  await spoil?.(file, random, place);

  const when = `${verb[0]} with ${relative(stateDirectory, file)} ${damage}`;
  const run = place.start(verb, { env: CERTBOT });
  const tooLong = setTimeout(() => run.child.kill('SIGKILL'), MAX_MS);
  const { code, stderr } = await run.ended;
  clearTimeout(tooLong);
  if (code === -1) problems.push(`${when}: it does not end`);
  if (code === 70 || /^\s+at .*:\d+/m.test(stderr)) problems.push(`${when}: crashed: ${stderr}`);
  examineForeign(when, await subject.everything(), foreign, findings);
  if ((await readFile(victimOf(stateDirectory), 'utf8')) !== VICTIM)
    problems.push(`${when}: it wrote through the link`);

  if (verb === SWEEP && relative(stateDirectory, file).startsWith('journal/') && damage !== 'gone') {
    const isEmpty = (await stat(file).catch(() => undefined))?.size === 0;
    if (code !== 78 && !isEmpty) problems.push(`${when}: exit code ${code}: ${stderr}`);
  }

  // What is known by its name and value comes to its end all the same.
  await rm(file, { recursive: true, force: true });
  const removed = await place.run(REMOVE);
  if (removed.code !== 0) problems.push(`${when}: the removal fails: ${removed.stderr}`);
  if ((await subject.held(NAME)).includes(VALUE)) {
    problems.push(`${when}: the value stays`);
    findings.lost++;
  }
  const swept = await sweepUntilQuiet(place);
  if (swept.code !== 0) problems.push(`${when}: the sweep fails: ${swept.stderr}`);
}

/** One call of an order, with one more to come. */
const CERTBOT = {
  CERTBOT_DOMAIN: ZONE,
  CERTBOT_VALIDATION: VALUE,
  CERTBOT_ALL_DOMAINS: ZONE,
  CERTBOT_REMAINING_CHALLENGES: '1',
};

/** What the locks of this place are called. */
async function locksOf(place: StopPlace): Promise<string[]> {
  const held = await place.hold(0);
  const run = place.start(ADD);
  await Promise.race([held.reached, run.ended]);
  const locks = await readdir(join(place.stateDirectory, 'locks')).catch(() => []);
  await held.letGo();
  await run.ended;
  await place.gate.settled();
  return locks;
}

/** What processes that were killed a minute ago have left: a lock with its holder, and an order. */
async function leaveBehind({ stateDirectory }: Place, locks: readonly string[]): Promise<void> {
  const [lockFolder, orders] = [join(stateDirectory, 'locks'), join(stateDirectory, 'orders')];
  for (const folder of [lockFolder, orders]) await mkdir(folder, { recursive: true });
  await writeFile(join(orders, `${digest(ZONE)}.json`), '{"remaining":2,"challenges":[]}');
  const longAgo = new Date(Date.now() - 60_000);
  for (const name of locks) {
    const file = join(lockFolder, name);
    if (name.endsWith('.holder')) await writeFile(file, '4711 on elsewhere');
    else await mkdir(file, { recursive: true });
    await utimes(file, longAgo, longAgo);
  }
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.map((entry) => join(entry.parentPath, entry.name));
}
