/** Servers that lag, flap, are lost for a while or for ever, and families that are dead: a wait ends when all of them show the values. */
import pLimit from 'p-limit';
import { expect, it } from 'vitest';
import { type Deadline, startDeadline } from '../../src/deadline.ts';
import { openAuthorityFinder } from '../../src/dns/authority.ts';
import { checkPropagation } from '../../src/dns/propagation.ts';
import { normaliseName } from '../../src/names.ts';
import { HAS_IPV6, zoneOf } from '../dns/support.ts';
import { type FakeDnsServer, startFakeDns } from '../fakes/dns-server.ts';
import { randomFrom, randomValue } from './support/random.ts';
import { count } from './support/tally.ts';

const WAITS = Number(process.env['DNS01_FAULTS_WAITS'] ?? 1000);
const SEED = Number(process.env['DNS01_FAULTS_SEED'] ?? Date.now() % 1_000_000);
const CONCURRENCY = 80;

const NAME = normaliseName('_acme-challenge.example.com');
const SETTLE = 2;
const MAX_ROUNDS_LATE = 2;
/** Servers do what they do within this time. */
const UNREST_MS = 400;
const IN_VAIN_MS = 2000;
const PATIENT_MS = 30_000;
const NEVER = Number.POSITIVE_INFINITY;

/** Milliseconds from the start of the wait. */
interface Behaviour {
  readonly ipv6: boolean;
  /** From when it answers at all. */
  readonly answersFrom: number;
  /** From when it shows each of the values. */
  readonly showsFrom: readonly number[];
  /** Until then two machines answer in turn, of which one shows everything. */
  readonly flaps: boolean;
}

interface Scenario {
  readonly intervalMs: number;
  readonly values: readonly string[];
  readonly servers: readonly Behaviour[];
}

function scenarioFrom(random: () => number): Scenario {
  const moment = () => Math.floor(random() * UNREST_MS);
  const values = Array.from({ length: random() < 0.3 ? 2 : 1 }, () => randomValue(random));
  const isLostForEver = random() < 0.05;
  const deadFamily = HAS_IPV6 && random() < 0.2 ? random() < 0.5 : undefined;
  const servers = Array.from({ length: 1 + Math.floor(random() * 4) }, (_, index): Behaviour => {
    const ipv6 = HAS_IPV6 && random() < 0.4;
    const kind = random();
    const isLost = kind < 0.15;
    const flaps = kind > 0.75;
    const lags = flaps || kind > 0.4;
    const away = ipv6 === deadFamily || (isLostForEver && index === 0) ? NEVER : isLost ? moment() : 0;
    return { ipv6, answersFrom: away, showsFrom: values.map(() => (lags ? moment() : 0)), flaps };
  });
  return { intervalMs: 20 + Math.floor(random() * 60), values, servers };
}

const shownFrom = ({ answersFrom, showsFrom }: Behaviour): number => Math.max(answersFrom, ...showsFrom);

/** The servers that count: a family of which none answers is one that this machine cannot reach. */
function relevantAt(moment: number, { servers }: Scenario): readonly Behaviour[] {
  const heard = servers.filter(({ answersFrom }) => answersFrom <= moment).map(({ ipv6 }) => ipv6);
  return heard.length === 0 ? servers : servers.filter(({ ipv6 }) => heard.includes(ipv6));
}

/** From when on everything is shown everywhere. */
function settledAt({ servers }: Scenario): number {
  const families = servers.filter(({ answersFrom }) => answersFrom < NEVER).map(({ ipv6 }) => ipv6);
  const relevant = families.length === 0 ? servers : servers.filter(({ ipv6 }) => families.includes(ipv6));
  return Math.max(...relevant.map(shownFrom));
}

async function startServer(
  { ipv6, answersFrom, showsFrom, flaps }: Behaviour,
  { values }: Scenario,
  now: () => number,
): Promise<FakeDnsServer> {
  const server = await startFakeDns({ address: ipv6 ? '::1' : '127.0.0.1', zones: [zoneOf('example.com', [])] });
  server.manners = {
    get udp() {
      return now() < answersFrom ? ('silent' as const) : undefined;
    },
  };
  server.show(NAME, (nth) =>
    flaps && nth % 2 === 1 ? values : values.filter((_, index) => now() >= (showsFrom[index] ?? 0)),
  );
  return server;
}

/** How a wait went; times in milliseconds from its start. */
interface Wait {
  readonly succeeded: boolean;
  readonly ended: number;
  readonly rounds: readonly { readonly began: number; readonly pauseBefore: number }[];
}

async function waitThrough(scenario: Scenario, timeoutMs: number): Promise<Wait> {
  let start = performance.now();
  const now = () => performance.now() - start;
  const servers = await Promise.all(scenario.servers.map((behaviour) => startServer(behaviour, scenario, now)));
  try {
    start = performance.now();
    const rounds = [{ began: 0, pauseBefore: 0 }];
    const patient = startDeadline(timeoutMs);
    const deadline: Deadline = {
      ...patient,
      async sleep(pauseBefore) {
        await patient.sleep(pauseBefore);
        rounds.push({ began: now(), pauseBefore });
      },
    };
    const nameservers = [{ zone: normaliseName('example.com'), servers: servers.map(({ at }) => at) }];
    const late = await checkPropagation(
      scenario.values.map((value) => ({ name: NAME, value })),
      openAuthorityFinder({ resolvers: [], nameservers }, deadline.signal),
      { interval: scenario.intervalMs / 1000, settle: SETTLE },
      deadline,
    );
    return { succeeded: late === undefined, ended: now(), rounds };
  } finally {
    await Promise.all(servers.map((server) => server.close()));
  }
}

/** What is wrong with a wait; undefined where nothing is. */
function problemOf(scenario: Scenario, { succeeded, ended, rounds }: Wait): string | undefined {
  const settled = settledAt(scenario);
  const last = rounds.at(-1)?.began ?? 0;
  const missing = relevantAt(last, scenario).filter((server) => shownFrom(server) > ended);
  if (succeeded && missing.length > 0) return `ended early: at ${ended}, while ${JSON.stringify(missing)}`;
  if (!succeeded) return settled === NEVER ? undefined : `did not end although all was shown from ${settled}`;
  const after = rounds.filter(({ began }) => began > settled);
  const pausesMs = after.reduce((sum, { pauseBefore }) => sum + pauseBefore, 0);
  if (after.length - SETTLE <= MAX_ROUNDS_LATE && pausesMs <= MAX_ROUNDS_LATE * scenario.intervalMs) return undefined;
  return `ended ${after.length - SETTLE} rounds and ${pausesMs} ms of pauses late`;
}

it(`${WAITS} waits at random: none ends early, none more than two rounds late`, { timeout: 600_000 }, async ({
  task,
}) => {
  const limit = pLimit(CONCURRENCY);
  const problems: string[] = [];
  let succeeded = 0;
  const one = async (index: number) => {
    const scenario = scenarioFrom(randomFrom(SEED + index * 7919));
    const wait = await waitThrough(scenario, settledAt(scenario) === NEVER ? IN_VAIN_MS : PATIENT_MS);
    if (wait.succeeded) succeeded++;
    const problem = problemOf(scenario, wait);
    if (problem) problems.push(`wait ${index}: ${problem}\n${JSON.stringify(scenario)}`);
  };
  await Promise.all(Array.from({ length: WAITS }, (_, index) => limit(() => one(index))));
  count(task, { faults: WAITS });
  expect(problems, `DNS01_FAULTS_SEED=${SEED}`).toEqual([]);
  expect(succeeded).toBeGreaterThan(WAITS / 2);
});
