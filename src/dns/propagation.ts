import { isIPv6 } from 'node:net';
import pLimit from 'p-limit';
import type { Deadline } from '../deadline.ts';
import { asDns01Error, Dns01Error } from '../errors.ts';
import type { Fqdn } from '../names.ts';
import { listed } from '../output/text.ts';
import type { AuthorityFinder, NameServer } from './authority.ts';
import { formatServerAddress } from './server-address.ts';
import { queryTxt, type TxtResult } from './txt-query.ts';

export interface AwaitedValue {
  readonly name: Fqdn;
  readonly value: string;
}

export interface PropagationSettings {
  /** Seconds between two rounds of queries. */
  readonly interval: number;
  /** How many full rounds in a row must show everything. */
  readonly settle: number;
  /** Give up after this time if no name server of the DNS has answered: something else can be asked then. */
  readonly blockedAfterMs?: number | undefined;
  /** Called after every round. */
  progress?(round: Round): void;
}

/** The results of one round of queries. */
export interface Round {
  /** How many of them show every value. */
  readonly shown: number;
  readonly asked: number;
  /** A server or resolver that does not show every value. */
  readonly lagging: string | undefined;
}

/** All values that are awaited at one name; one query reads them. */
export interface AwaitedName {
  readonly name: Fqdn;
  readonly values: readonly string[];
}

/** One name at one server, with its last result. */
interface Watch {
  readonly awaited: AwaitedName;
  readonly server: NameServer;
  readonly authoritative: boolean;
  result: TxtResult;
}

/** What was not visible everywhere when the time was up, and why. */
export interface Late {
  readonly names: ReadonlySet<Fqdn>;
  /** E_PROPAGATION with the result of each server; E_REMOTE or E_ZONE where no server was found. */
  readonly error: Dns01Error;
  /** Set where it may be this machine's network that keeps all name servers away. */
  readonly blocked?: Blocked | undefined;
}

/** `silent`: no server answers. `rewritten`: all answers are without authority, as those of a resolver are. */
export type Blocked = 'silent' | 'rewritten';

/** Milliseconds. Short, because the next round queries again. */
const QUERY_TIMEOUT_MS = 1500;

/** After less, a server without an answer may only be slow. */
const SILENCE_MS = 1000;

/** The first rounds follow quickly, for providers that publish at once. */
const FIRST_PAUSE_MS = 200;

/** Confirming rounds follow quickly: they check that every machine behind an address agrees, so a pause does not help. */
const SETTLE_SHARE = 0.05;

/** The pause is at least this part of the interval, even if the rounds take long. */
const MIN_PAUSE_SHARE = 0.25;

const CONCURRENCY = 64;

/**
 * Waits until every address of every authoritative server shows every value in several full rounds in a row. A CA
 * queries from several places at once and may use any of the servers (CA/Browser Forum BR 3.2.2.9).
 * @returns what is late at the deadline; undefined when nothing is
 */
export async function checkPropagation(
  values: readonly AwaitedValue[],
  finder: AuthorityFinder,
  settings: PropagationSettings,
  deadline: Deadline,
): Promise<Late | undefined> {
  const started = performance.now();
  const { blockedAfterMs = Number.POSITIVE_INFINITY } = settings;
  const { watches, lost } = await watchesFor(byName(values), finder);
  const pace = paceOf(settings);
  const soFarMs = () => performance.now() - started;
  let fullRounds = 0;
  while (fullRounds < settings.settle && watches.length > 0) {
    const reached = watches.filter(({ result }) => result.state !== 'unreachable');
    const pending = reached.filter(({ result }) => result.state !== 'shown');
    // A full round includes the servers that could not be reached: one lost packet must not exclude a server for good.
    const isFullRound = pending.length === 0 || pending.length === reached.length;
    const startedRound = performance.now();
    const isCut = await askAll(isFullRound ? watches : pending, deadline);
    if (isFullRound) pace.roundTook(performance.now() - startedRound);
    ignoreUnreachableFamilies(watches);
    const relevant = watches.filter(({ result }) => result.state !== 'unreachable');
    const shown = relevant.filter(({ result }) => result.state === 'shown').length;
    const lagging = relevant.find(({ result }) => result.state !== 'shown')?.server.name;
    settings.progress?.({ shown, asked: relevant.length, lagging });
    const complete = !isCut && shown === relevant.length && everyNameShown(watches);
    fullRounds = complete && isFullRound ? fullRounds + 1 : 0;
    if (fullRounds === settings.settle) break;
    const pause = complete ? pace.beforeSettling() : pace.beforeAsking();
    const isHopeless = soFarMs() >= blockedAfterMs && blockedBy(watches, soFarMs()) !== undefined;
    if (isHopeless || !(await rest(pause, deadline))) return lateOnes(watches, lost, settings, soFarMs());
  }
  if (!lost[0]) return undefined;
  const blocked = watches.length === 0 && lost[0].error.code === 'E_REMOTE' ? 'silent' : undefined;
  return { names: new Set(lost.map(({ name }) => name)), error: lost[0].error, blocked };
}

/** Undefined where a server of the DNS has answered, or where the config names the servers. */
function blockedBy(watches: readonly Watch[], elapsedMs: number): Blocked | undefined {
  if (watches.length === 0 || watches.some(({ authoritative }) => !authoritative)) return undefined;
  const answers = watches.flatMap(({ result }) =>
    result.state === 'shown' || result.state === 'missing' ? [result] : [],
  );
  if (answers.length === 0) return elapsedMs >= SILENCE_MS ? 'silent' : undefined;
  return answers.every((result) => result.state === 'missing' && result.lame) ? 'rewritten' : undefined;
}

/** False where the time is up before the pause or in it: clocks are not exact to the millisecond. */
export async function rest(pause: number, deadline: Deadline): Promise<boolean> {
  if (pause >= deadline.remaining()) return false;
  return deadline.sleep(pause).then(
    () => true,
    () => false,
  );
}

export function byName(values: readonly AwaitedValue[]): AwaitedName[] {
  const names = new Map<Fqdn, Set<string>>();
  for (const { name, value } of values) names.set(name, (names.get(name) ?? new Set()).add(value));
  return [...names].map(([name, set]) => ({ name, values: [...set] }));
}

const UNASKED: TxtResult = { state: 'silent', detail: 'gave no answer yet' };

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
  const limit = pLimit(CONCURRENCY);
  const findServers = async (awaited: AwaitedName) => {
    try {
      const { servers, configured } = await finder.find(awaited.name);
      for (const server of servers) watches.push({ awaited, server, authoritative: !configured, result: UNASKED });
    } catch (error) {
      lost.push({ name: awaited.name, error: asDns01Error(error) });
    }
  };
  await Promise.all(names.map((awaited) => limit(() => findServers(awaited))));
  return { watches, lost };
}

/** Milliseconds to pause between rounds. */
interface Pace {
  /** How long a full round took. */
  roundTook(milliseconds: number): void;
  beforeAsking(): number;
  beforeSettling(): number;
}

/**
 * Short pauses first, then the interval, or less where the rounds take long: the wait ends about one interval after the
 * last server shows the last value.
 */
function paceOf({ interval, settle }: PropagationSettings): Pace {
  const longest = interval * 1000;
  const settling = longest * SETTLE_SHARE;
  let round = 0;
  let next = Math.min(FIRST_PAUSE_MS, longest);
  return {
    roundTook(milliseconds) {
      round = milliseconds;
    },
    beforeAsking() {
      const rounds = round + settle * Math.max(0, round - settling);
      const pause = Math.min(next, Math.max(longest - rounds, longest * MIN_PAUSE_SHARE));
      next = Math.min(longest, next * 2);
      return pause;
    },
    beforeSettling: () => Math.max(0, settling - round),
  };
}

/** Whether the deadline has cut queries short: their servers keep the results that they had. */
async function askAll(watches: readonly Watch[], deadline: Deadline): Promise<boolean> {
  const limit = pLimit(CONCURRENCY);
  const timeoutMs = Math.max(1, Math.min(QUERY_TIMEOUT_MS, deadline.remaining()));
  const cuts = await Promise.all(
    watches.map((watch) =>
      limit(async () => {
        const { server, awaited, authoritative } = watch;
        const result = await queryTxt(server, awaited, { timeoutMs, signal: deadline.signal, authoritative });
        const isShorter = deadline.signal.aborted || (timeoutMs < QUERY_TIMEOUT_MS && watch.result !== UNASKED);
        const isCut = isShorter && result.state === 'silent';
        if (!isCut) watch.result = result;
        return isCut;
      }),
    ),
  );
  return cuts.includes(true);
}

/**
 * If no server of one address family answers, and servers of the other do, this machine has no route for that family,
 * whatever its routing table says. The result is then unreachable, not missing.
 */
function ignoreUnreachableFamilies(watches: readonly Watch[]): void {
  const families = [
    watches.filter(({ server }) => isIPv6(server.address)),
    watches.filter(({ server }) => !isIPv6(server.address)),
  ];
  const heard = families.map((family) =>
    family.some(({ result }) => result.state === 'shown' || result.state === 'missing'),
  );
  if (!heard.includes(true)) return;
  for (const [index, family] of families.entries()) {
    if (heard[index]) continue;
    for (const watch of family) {
      const detail = 'detail' in watch.result ? watch.result.detail : '';
      watch.result = { state: 'unreachable', detail };
    }
  }
}

/** A name whose servers are all unreachable counts as not shown. */
function everyNameShown(watches: readonly Watch[]): boolean {
  const shown = shownNames(watches);
  return watches.every(({ awaited }) => shown.has(awaited));
}

const shownNames = (watches: readonly Watch[]): Set<AwaitedName> =>
  new Set(watches.filter(({ result }) => result.state === 'shown').map(({ awaited }) => awaited));

function lateOnes(
  watches: readonly Watch[],
  lost: readonly LostName[],
  { settle }: PropagationSettings,
  elapsedMs: number,
): Late {
  const shown = shownNames(watches);
  const open = watches.filter(
    ({ awaited, result: { state } }) => state !== 'shown' && (state !== 'unreachable' || !shown.has(awaited)),
  );
  // All of them where the time was too short for enough rounds.
  const late = [...new Set((open.length > 0 ? open : watches).map(({ awaited }) => awaited))];
  const what =
    open.length > 0
      ? 'not shown by every name server'
      : `shown by every name server, but not in ${settle} rounds in a row`;
  const details = listed(late, (awaited) => {
    const servers = watches.filter((watch) => watch.awaited === awaited).map(describe);
    return `${awaited.name} (${servers.join('; ')})`;
  });
  const error = new Dns01Error('E_PROPAGATION', `${what} after ${(elapsedMs / 1000).toFixed(0)} s: ${details}`, {
    hint: 'set a larger propagation.timeout in the config for a slow provider; a server that never answers has to be repaired or removed from the NS records',
  });
  return { names: new Set([...late, ...lost].map(({ name }) => name)), error, blocked: blockedBy(watches, elapsedMs) };
}

function describe({ server, result }: Watch): string {
  const address = formatServerAddress(server);
  const who = server.name === address ? address : `${server.name} ${address}`;
  return `${who} ${result.state === 'shown' ? 'shows it' : result.detail}`;
}
