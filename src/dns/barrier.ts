import { isIPv6 } from 'node:net';
import pLimit from 'p-limit';
import type { Deadline } from '../deadline.ts';
import { asDns01Error, Dns01Error } from '../errors.ts';
import type { Fqdn } from '../names.ts';
import type { AuthorityFinder, NameServer } from './authority.ts';
import { look, type Sight } from './look.ts';
import { formatServerAddress } from './server-address.ts';

export interface AwaitedValue {
  readonly name: Fqdn;
  readonly value: string;
}

export interface BarrierSettings {
  /** Seconds between two rounds of questions. */
  readonly interval: number;
  /** How many full rounds in a row must show everything. */
  readonly settle: number;
  /** Told after every round how many of the questions are answered as wished. */
  progress?(shown: number, asked: number): void;
}

/** All values that are awaited at one name, which one question asks for. */
interface AwaitedName {
  readonly name: Fqdn;
  readonly values: readonly string[];
}

/** One name at one server: what the barrier waits for, many times over. */
interface Watch {
  readonly awaited: AwaitedName;
  readonly server: NameServer;
  readonly authoritative: boolean;
  sight: Sight;
}

/** What was not seen everywhere when the time was up, and why. */
export interface Late {
  readonly names: ReadonlySet<Fqdn>;
  /** E_PROPAGATION with what each server answered; E_REMOTE or E_ZONE where no server could be found to be asked. */
  readonly error: Dns01Error;
}

/** Milliseconds for one question; the next round asks again anyway. */
const QUESTION_TIMEOUT = 1500;

/** The first rounds come quickly, for providers that publish at once. In milliseconds. */
const FIRST_PAUSE = 200;

/** Settling rounds follow quickly: they ask whether every machine behind an address agrees, not whether time helps. */
const SETTLE_SHARE = 0.05;

/** However long the rounds take, the servers have this much of the interval to themselves. */
const LEAST_SHARE = 0.25;

const QUESTIONS_AT_ONCE = 64;

/**
 * Wait until every address of every authoritative server shows every value, several full rounds in a row. A CA asks
 * from several places at once and may meet any of the servers (CA/Browser Forum BR 3.2.2.9).
 * @throws E_PROPAGATION at the deadline, with what each server answered; E_REMOTE and E_ZONE from the look-up of servers
 */
export async function awaitPropagation(
  values: readonly AwaitedValue[],
  finder: AuthorityFinder,
  settings: BarrierSettings,
  deadline: Deadline,
): Promise<void> {
  const late = await awaitMost(values, finder, settings, deadline);
  if (late) throw late.error;
}

/** The same for many values, of which some may fail: what is late is the result, undefined when nothing is. */
export async function awaitMost(
  values: readonly AwaitedValue[],
  finder: AuthorityFinder,
  settings: BarrierSettings,
  deadline: Deadline,
): Promise<Late | undefined> {
  const started = performance.now();
  const { watches, lost } = await watchesFor(byName(values), finder);
  const pace = paceOf(settings);
  let fullRounds = 0;
  while (fullRounds < settings.settle && watches.length > 0) {
    const reached = watches.filter(({ sight }) => sight.state !== 'unreachable');
    const pending = reached.filter(({ sight }) => sight.state !== 'shown');
    // A full round also asks again who could not be reached: a lost packet must not excuse a server for good.
    const isFullRound = pending.length === 0 || pending.length === reached.length;
    const asked = performance.now();
    await askAll(isFullRound ? watches : pending, deadline);
    if (isFullRound) pace.roundTook(performance.now() - asked);
    ignoreUnreachableFamilies(watches);
    const relevant = watches.filter(({ sight }) => sight.state !== 'unreachable');
    const shown = relevant.filter(({ sight }) => sight.state === 'shown').length;
    settings.progress?.(shown, relevant.length);
    const complete = shown === relevant.length && everyNameShown(watches);
    fullRounds = complete && isFullRound ? fullRounds + 1 : 0;
    if (fullRounds === settings.settle) break;
    const pause = complete ? pace.beforeSettling() : pace.beforeAsking();
    if (!(await rest(pause, deadline))) return lateOnes(watches, lost, (performance.now() - started) / 1000);
  }
  return lost[0] && { names: new Set(lost.map(({ name }) => name)), error: lost[0].error };
}

/** False where the time is up before or in the pause: clocks are not exact to the millisecond. */
async function rest(pause: number, deadline: Deadline): Promise<boolean> {
  if (pause >= deadline.remaining()) return false;
  return deadline.sleep(pause).then(
    () => true,
    () => false,
  );
}

function byName(values: readonly AwaitedValue[]): AwaitedName[] {
  const names = new Map<Fqdn, Set<string>>();
  for (const { name, value } of values) names.set(name, (names.get(name) ?? new Set()).add(value));
  return [...names].map(([name, set]) => ({ name, values: [...set] }));
}

/** A name whose servers could not be found. */
interface LostName {
  readonly name: Fqdn;
  readonly error: Dns01Error;
}

async function watchesFor(
  names: readonly AwaitedName[],
  finder: AuthorityFinder,
): Promise<{ watches: Watch[]; lost: LostName[] }> {
  const watches: Watch[] = [];
  const lost: LostName[] = [];
  const limit = pLimit(QUESTIONS_AT_ONCE);
  const look = async (awaited: AwaitedName) => {
    try {
      const { servers, configured } = await finder.find(awaited.name);
      const unasked: Sight = { state: 'silent', detail: 'gave no answer yet' };
      for (const server of servers) watches.push({ awaited, server, authoritative: !configured, sight: unasked });
    } catch (error) {
      lost.push({ name: awaited.name, error: asDns01Error(error) });
    }
  };
  await Promise.all(names.map((awaited) => limit(() => look(awaited))));
  return { watches, lost };
}

/** Milliseconds to pause between rounds. */
interface Pace {
  /** Told how long a full round took. */
  roundTook(milliseconds: number): void;
  beforeAsking(): number;
  beforeSettling(): number;
}

/**
 * Short pauses first, then the interval; less where the rounds themselves take long, so that the wait still ends within
 * about an interval of the last server's showing the last value.
 */
function paceOf({ interval, settle }: BarrierSettings): Pace {
  const longest = interval * 1000;
  const settling = longest * SETTLE_SHARE;
  let round = 0;
  let next = Math.min(FIRST_PAUSE, longest);
  return {
    roundTook(milliseconds) {
      round = milliseconds;
    },
    beforeAsking() {
      const rounds = round + settle * Math.max(0, round - settling);
      const pause = Math.min(next, Math.max(longest - rounds, longest * LEAST_SHARE));
      next = Math.min(longest, next * 2);
      return pause;
    },
    beforeSettling: () => Math.max(0, settling - round),
  };
}

async function askAll(watches: readonly Watch[], deadline: Deadline): Promise<void> {
  const limit = pLimit(QUESTIONS_AT_ONCE);
  const timeout = Math.max(1, Math.min(QUESTION_TIMEOUT, deadline.remaining()));
  await Promise.all(
    watches.map((watch) =>
      limit(async () => {
        const { server, awaited, authoritative } = watch;
        const sight = await look(server, awaited, { timeout, signal: deadline.signal, authoritative });
        // A question that the deadline cut short says less than what the server said before.
        if (sight.state !== 'silent' || !deadline.signal.aborted) watch.sight = sight;
      }),
    ),
  );
}

/**
 * Where no server of an address family answers and those of the other do, this machine has no way there, whatever its
 * routes say: unknown, not missing.
 */
function ignoreUnreachableFamilies(watches: readonly Watch[]): void {
  const families = [
    watches.filter(({ server }) => isIPv6(server.address)),
    watches.filter(({ server }) => !isIPv6(server.address)),
  ];
  const heard = families.map((family) =>
    family.some(({ sight }) => sight.state === 'shown' || sight.state === 'missing'),
  );
  if (!heard.includes(true)) return;
  for (const [index, family] of families.entries()) {
    if (heard[index]) continue;
    for (const watch of family) {
      const detail = 'detail' in watch.sight ? watch.sight.detail : '';
      watch.sight = { state: 'unreachable', detail };
    }
  }
}

/** A name all of whose servers are out of reach is not shown by any. */
function everyNameShown(watches: readonly Watch[]): boolean {
  const shown = new Set(watches.filter(({ sight }) => sight.state === 'shown').map(({ awaited }) => awaited));
  return watches.every(({ awaited }) => shown.has(awaited));
}

/** How many names an error lists with all their servers. */
const NAMES_IN_ERROR = 5;

function lateOnes(watches: readonly Watch[], lost: readonly LostName[], seconds: number): Late {
  const open = watches.filter(({ sight }) => sight.state !== 'shown').map(({ awaited }) => awaited);
  const late = [...new Set(open)];
  const details = late.slice(0, NAMES_IN_ERROR).map((awaited) => {
    const servers = watches.filter((watch) => watch.awaited === awaited).map(describe);
    return `${awaited.name} (${servers.join('; ')})`;
  });
  const more = late.length > NAMES_IN_ERROR ? ` and ${late.length - NAMES_IN_ERROR} more names` : '';
  const error = new Dns01Error(
    'E_PROPAGATION',
    `not shown by every name server after ${seconds.toFixed(0)} s: ${details.join(', ')}${more}`,
    {
      hint: 'a slow provider needs a larger propagation.timeout in the config; a server that never answers has to be mended',
    },
  );
  return { names: new Set([...late, ...lost].map(({ name }) => name)), error };
}

function describe({ server, sight }: Watch): string {
  const address = formatServerAddress(server);
  const who = server.name === address ? address : `${server.name} ${address}`;
  return `${who} ${sight.state === 'shown' ? 'shows it' : sight.detail}`;
}
