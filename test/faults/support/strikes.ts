import { setTimeout as delay } from 'node:timers/promises';
import { FAULTS, type FaultKind } from '../../fakes/fault-server.ts';
import type { Ended, Place } from './place.ts';

/**
 * Beside what a fake does wrong: `late`, a request that comes to the server only after the client has given it up, and
 * `deadline`, an answer that never comes while the time of the whole verb runs out.
 */
export type StrikeKind = FaultKind | 'late' | 'deadline';

/** One request of a run: what the fake calls it, and its first line. */
export interface Request {
  readonly call: string;
  readonly line: string;
  /** Which of the requests with this line it is, counted from 0. */
  readonly occurrence: number;
  /** Which of all requests, counted from 0. */
  readonly nth: number;
}

export interface Strike extends Request {
  readonly kind: StrikeKind;
  /** Whether the server does what it was asked before the answer goes wrong. */
  readonly effect: 'before' | 'after';
  /** Whether it also hits every later request of that form. */
  readonly again: boolean;
}

type Manner = Pick<Strike, 'kind' | 'effect'>;

/** Every way in which one request can go wrong. */
const MANNERS: readonly Manner[] = [
  ...[...FAULTS, 'deadline' as const].flatMap((kind) =>
    (['before', 'after'] as const).map((effect) => ({ kind, effect })),
  ),
  { kind: 'late' as const, effect: 'after' as const },
  // A 429 says that the request was not looked at: after the write it would be a lie that nobody could see through.
].filter(({ kind, effect }) => kind !== '429' || effect === 'before');

/** For a call that only reads it is all the same whether it was done. */
export const mannersOf = (call: string): readonly Manner[] =>
  isRead(call) ? MANNERS.filter(({ kind, effect }) => effect === 'before' || kind === 'late') : MANNERS;

export const isRead = (call: string): boolean => /^GET |_get$|domain_list|^(SOA|TXT)$/.test(call);

/** Milliseconds that a late request is held up: longer than a hasty client waits for it, and then looks. */
const LATENESS = 700;

/** Seconds for a verb whose deadline ends in the middle. */
const SHORT_TIME = '0.6';

/** From now on the strikes happen to the next run at this place. */
function arm({ gate, subject }: Place, strikes: readonly Strike[]): void {
  const seen = new Map<string, number>();
  gate.guard({
    async request({ line }) {
      const occurrence = seen.get(line) ?? 0;
      seen.set(line, occurrence + 1);
      const strike = strikes.find(
        (each) => each.line === line && (each.again ? occurrence >= each.occurrence : occurrence === each.occurrence),
      );
      if (!strike) return undefined;
      const { kind, call, effect } = strike;
      if (kind === 'late') await delay(LATENESS);
      else subject.server?.inject({ kind: kind === 'deadline' ? 'hang' : kind, call, effect });
      return undefined;
    },
  });
}

/** The run that the strikes happen to. Only one that has to give up is hasty: on a busy machine haste is a fault, too. */
export async function runStruck(place: Place, args: readonly string[], strikes: readonly Strike[]): Promise<Ended> {
  arm(place, strikes);
  const isHasty = strikes.some(({ kind }) => kind === 'hang' || kind === 'late');
  const isShort = strikes.some(({ kind }) => kind === 'deadline');
  const ended = await place.run(
    [...args, ...(isShort ? ['--timeout', SHORT_TIME] : [])],
    isHasty ? 'hasty' : 'patient',
  );
  place.gate.guard({});
  await place.gate.settled();
  // Where all calls have one path, a strike at every later request has also prepared faults for calls that did not come.
  place.subject.server?.clearFaults();
  return ended;
}

/** The requests of a run, found out by doing it. */
export async function requestsOf(
  place: Place,
  args: readonly string[],
  strikes: readonly Strike[],
): Promise<Request[]> {
  const lines: string[] = [];
  place.subject.server?.takeCalls();
  await runStruck(place, args, strikes);
  const calls = place.subject.server?.takeCalls() ?? [];
  const paths = place.subject.server?.requests.slice(-calls.length) ?? [];
  return calls.map((call, nth) => {
    const { method = '', path = '', query = '' } = paths[nth] ?? {};
    const line = `${method} ${path}${query ? `?${query}` : ''}`;
    lines.push(line);
    return { call, line, nth, occurrence: lines.filter((each) => each === line).length - 1 };
  });
}

export const shown = ({ nth, call, kind, effect, again }: Strike): string =>
  `${kind} ${effect} ${call} (request ${nth + 1}${again ? ' and all like it' : ''})`;
