import pLimit from 'p-limit';
import type { Deadline } from '../deadline.ts';
import { Dns01Error } from '../errors.ts';
import type { Fqdn } from '../names.ts';
import { listed } from '../output/text.ts';
import { siblingOf } from './chain.ts';
import { type DohResolver, openDoh } from './doh.ts';
import { explainErrors } from './extended-errors.ts';
import { answersFor, isAnswer, readSoa } from './message.ts';
import {
  type AwaitedName,
  type AwaitedValue,
  byName,
  type Late,
  type PropagationSettings,
  rest,
} from './propagation.ts';
import type { QueryResult } from './query.ts';

export interface DohWaitSettings extends PropagationSettings {
  readonly doh: readonly string[];
  /** May name a proxy. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called before the first pause, which is shorter than the caches last where less time is left. */
  announce(operators: string, pauseS: number, cachedS: number): void;
}

/** What one operator shows of one name. */
interface View {
  readonly awaited: AwaitedName;
  readonly operator: string;
  /** `silent`: the operator does not answer, which says nothing about the value. */
  readonly state: 'shown' | 'missing' | 'silent';
  readonly detail: string;
  /** For how long the operator repeats that the value is missing. */
  readonly cachedMs: number;
}

const QUERY_TIMEOUT_MS = 4000;
const CONCURRENCY = 16;

/** Where no operator says for how long it caches that a name does not exist. */
const DEFAULT_CACHED_MS = 300_000;

/** How many names the operators are asked about before the first pause. Most names share a zone. */
const MAX_SAMPLED = 20;

/** What is kept of the time for a last round, so that a long cache time does not end the wait without a query. */
const MAX_RESERVE_MS = 5000;
const RESERVE_SHARE = 0.25;

/** Milliseconds between the confirming rounds. */
const SETTLE_PAUSE_MS = 1000;

/**
 * The wait where this machine cannot ask the name servers: all operators that answer, at least one, show every value in
 * several rounds in a row. They may have cached that a name does not exist (RFC 2308), so the first query comes after that
 * time, and each further one after the answer before it has left the cache.
 */
export async function waitByDoh(
  values: readonly AwaitedValue[],
  settings: DohWaitSettings,
  deadline: Deadline,
): Promise<Late | undefined> {
  const started = performance.now();
  const reserveMs = Math.min(MAX_RESERVE_MS, deadline.remaining() * RESERVE_SHARE);
  const intervalMs = settings.interval * 1000;
  const operators = settings.doh.map((url) => openDoh(url, settings.env));
  const names = byName(values);
  const beside = names.slice(0, MAX_SAMPLED).map(({ name }) => siblingOf(name));
  const times = (await askAll(beside, operators, deadline)).map(({ result }) => cacheTimeOf(result));
  const known = times.filter((time) => time !== undefined);
  const cachedMs = known.length > 0 ? Math.max(...known) : DEFAULT_CACHED_MS;
  let pauseMs = Math.min(cachedMs, Math.max(0, deadline.remaining() - reserveMs));
  const [pauseS = 0, cachedS = 0] = [pauseMs, cachedMs].map((time) => Math.ceil(time / 1000));
  settings.announce(listed(operators.map(({ operator }) => operator)), pauseS, cachedS);
  let views: readonly View[] = [];
  let fullRounds = 0;
  while (await rest(pauseMs, deadline)) {
    const asked = await askAll(
      names.map(({ name }) => name),
      operators,
      deadline,
    );
    views = asked.flatMap(({ name, operator, result }) =>
      names.filter((awaited) => awaited.name === name).map((awaited) => viewOf(awaited, operator, result)),
    );
    const heard = views.filter(({ state }) => state !== 'silent');
    const shown = heard.filter(({ state }) => state === 'shown');
    const lagging = heard.find(({ state }) => state !== 'shown')?.operator;
    settings.progress?.({ shown: shown.length, asked: heard.length, lagging });
    const isComplete =
      shown.length === heard.length && names.every((each) => shown.some(({ awaited }) => awaited === each));
    fullRounds = isComplete ? fullRounds + 1 : 0;
    if (fullRounds === settings.settle) return undefined;
    const leftMs = deadline.remaining() - reserveMs;
    if (isComplete) pauseMs = Math.min(intervalMs, SETTLE_PAUSE_MS);
    else if (leftMs <= 0) break;
    else pauseMs = Math.min(leftMs, Math.max(intervalMs, ...heard.map((view) => view.cachedMs)));
  }
  return lateAfter(names, views, (performance.now() - started) / 1000);
}

interface Asked {
  readonly name: Fqdn;
  readonly operator: string;
  readonly result: QueryResult;
}

async function askAll(names: readonly Fqdn[], operators: readonly DohResolver[], deadline: Deadline): Promise<Asked[]> {
  const limit = pLimit(CONCURRENCY);
  const timeoutMs = Math.max(1, Math.min(QUERY_TIMEOUT_MS, deadline.remaining()));
  const options = { recursive: true, timeoutMs, signal: deadline.signal };
  return Promise.all(
    names.flatMap((name) =>
      operators.map((each) =>
        limit(async () => ({
          name,
          operator: each.operator,
          result: await each.query({ name, type: 'TXT' }, options),
        })),
      ),
    ),
  );
}

function viewOf(awaited: AwaitedName, operator: string, result: QueryResult): View {
  const view = (state: View['state'], detail: string): View => ({
    awaited,
    operator,
    state,
    detail,
    cachedMs: state === 'missing' ? (cacheTimeOf(result) ?? 0) : 0,
  });
  if (result.kind !== 'answer') return view('silent', result.reason);
  const { message } = result;
  if (!isAnswer(message))
    return view(
      'missing',
      [`answers ${message.rcode}`, explainErrors(message.errors)].filter((text) => text !== '').join(': '),
    );
  const found = answersFor(message, { name: awaited.name, type: 'TXT' }).map(({ data }) => data);
  if (awaited.values.every((value) => found.includes(value))) return view('shown', 'shows it');
  return view('missing', message.rcode === 'NXDOMAIN' ? 'answers NXDOMAIN' : 'does not show it');
}

/** For how long an answer stays in the operator's cache; undefined where it does not say. */
function cacheTimeOf(result: QueryResult): number | undefined {
  if (result.kind !== 'answer' || !isAnswer(result.message)) return undefined;
  const { answers, authorities } = result.message;
  const soas = authorities.filter(({ type }) => type === 'SOA').map((record) => readSoa(record).negativeTtlS);
  const times = soas.length > 0 ? soas : answers.map(({ ttl }) => ttl);
  return times.length > 0 ? Math.max(...times) * 1000 : undefined;
}

function lateAfter(names: readonly AwaitedName[], views: readonly View[], seconds: number): Late {
  const isShown = (awaited: AwaitedName): boolean => {
    const heard = views.filter((view) => view.awaited === awaited && view.state !== 'silent');
    return heard.length > 0 && heard.every(({ state }) => state === 'shown');
  };
  const open = names.filter((awaited) => !isShown(awaited));
  // All of them where the time was too short for enough rounds.
  const late = open.length > 0 ? open : names;
  const details = listed(late, (awaited) => {
    const own = views.filter((view) => view.awaited === awaited);
    return `${awaited.name} (${own.map(({ operator, detail }) => `${operator} ${detail}`).join('; ') || 'not asked'})`;
  });
  return {
    names: new Set(late.map(({ name }) => name)),
    error: new Dns01Error(
      'E_PROPAGATION',
      `not shown by every resolver of dns.doh after ${seconds.toFixed(0)} s: ${details}`,
      { hint: 'set a larger propagation.timeout in the config: resolvers cache that a record does not exist' },
    ),
  };
}
