import { type Deadline, within } from '../deadline.ts';
import { type AwaitedValue, type Blocked, checkPropagation, type Late, type Round } from '../dns/propagation.ts';
import { Dns01Error } from '../errors.ts';
import type { Run } from './run.ts';

export type { AwaitedValue };

/** How far a wait has come. */
export interface WaitState extends Round {
  readonly elapsedMs: number;
  /** Until the wait gives up. */
  readonly leftMs: number;
}

/** Called after every round of queries. */
export type WaitProgress = (state: WaitState) => void;

/** A wait that has ended well. */
export interface Waited {
  /** Milliseconds. */
  readonly waitedMs: number;
  readonly shownBy: 'every name server' | 'every resolver of dns.doh';
}

export const NO_WAIT: Waited = { waitedMs: 0, shownBy: 'every name server' };

export const waitedText = ({ waitedMs, shownBy }: Waited): string =>
  `shown by ${shownBy} after ${(waitedMs / 1000).toFixed(1)} s`;

/** Without an answer from any name server for this long, the resolvers of `dns.doh` are asked instead. */
const BLOCKED_AFTER_MS = 5000;
const BLOCKED_SHARE = 0.25;

/** For finding out why a wait ended in vain. */
const EXPLAIN_MS = 3000;

/**
 * Waits until every authoritative server shows every value.
 * @throws E_PROPAGATION with what each server answered
 */
export async function waitUntilVisible(
  values: readonly AwaitedValue[],
  run: Run,
  progress?: WaitProgress,
): Promise<Waited> {
  const { late, ...waited } = await waitForMost(values, run, progress);
  if (late) throw late.error;
  return waited;
}

/** The same for many values. Some of them may be late. */
export async function waitForMost(
  values: readonly AwaitedValue[],
  run: Run,
  report: WaitProgress = () => {},
): Promise<Waited & { readonly late: Late | undefined }> {
  const { config, deadline, authorities } = run;
  const started = performance.now();
  const limit = within(deadline, config.propagation.timeout * 1000);
  const progress = (round: Round) =>
    report({ ...round, elapsedMs: performance.now() - started, leftMs: limit.remaining() });
  const hasOther = config.doh !== undefined && config.doh.length > 0;
  const blockedAfterMs = hasOther ? Math.min(BLOCKED_AFTER_MS, limit.remaining() * BLOCKED_SHARE) : undefined;
  const settings = { ...config.propagation, progress, blockedAfterMs };
  const direct = await checkPropagation(values, authorities, settings, limit);
  const isBlocked = direct?.blocked !== undefined && hasOther && !limit.signal.aborted;
  const late = isBlocked
    ? await waitElsewhere(values, direct, run, limit, progress)
    : direct && (await explained(direct, run));
  return {
    late,
    waitedMs: Math.round(performance.now() - started),
    shownBy: isBlocked ? 'every resolver of dns.doh' : 'every name server',
  };
}

/** Where the name servers cannot be asked from here. */
async function waitElsewhere(
  values: readonly AwaitedValue[],
  { names, blocked, error }: Late,
  { config, env, log }: Run,
  limit: Deadline,
  progress: (round: Round) => void,
): Promise<Late | undefined> {
  const { waitByDoh } = await import('../dns/doh-wait.ts');
  const late = values.filter(({ name }) => names.has(name));
  const announce = (operators: string, pauseS: number, cachedS: number) => {
    const when =
      pauseS < cachedS
        ? `near the end of the time, though their caches expire only in ${cachedS} s`
        : 'when their caches have expired';
    log.info(`${BLOCKED_TEXTS[blocked ?? 'silent']}: asking ${operators} instead, in ${pauseS} s, ${when}`);
  };
  const settings = { ...config.propagation, doh: config.doh ?? [], env, progress, announce };
  const stillLate = await waitByDoh(late, settings, limit);
  return stillLate && because(stillLate, [{ text: `from here: ${error.message}` }]);
}

const BLOCKED_TEXTS: Readonly<Record<Blocked, string>> = {
  silent: 'no name server can be asked from here',
  rewritten:
    'no answer comes from a server of the zone, so something else answers in their place, or none of them serves it',
};

/** The same error, with what else the name servers show. Not after a stop signal, and never another error code. */
async function explained(late: Late, { config, authorities, deadline }: Run): Promise<Late> {
  const { error, blocked, names } = late;
  const signal = untilStopped(deadline.signal, EXPLAIN_MS);
  if (error.code !== 'E_PROPAGATION' || signal.aborted) return late;
  if (blocked) return because(late, [{ text: BLOCKED_TEXTS[blocked], hint: UNBLOCK }]);
  const { whyLate } = await import('../dns/why-late.ts');
  return because(late, await whyLate(names, authorities, config.resolvers, signal));
}

const UNBLOCK =
  'let this machine send UDP and TCP to port 53 of any address, or name resolvers over HTTPS in dns.doh of the config';

/** Aborts after this time, or where the run is stopped, but not where its own time is up. */
function untilStopped(run: AbortSignal, milliseconds: number): AbortSignal {
  const stop = new AbortController();
  const check = () => {
    if (!(run.reason instanceof Error && run.reason.name === 'TimeoutError')) stop.abort();
  };
  if (run.aborted) check();
  else run.addEventListener('abort', check, { once: true });
  return AbortSignal.any([stop.signal, AbortSignal.timeout(milliseconds)]);
}

function because(late: Late, faults: readonly { readonly text: string; readonly hint?: string | undefined }[]): Late {
  if (faults.length === 0) return late;
  const { code, message, hint } = late.error;
  const text = [message, ...faults.map((fault) => fault.text)].join('; ');
  const hints = [...faults.map((fault) => fault.hint), hint].filter((each) => each !== undefined);
  return { ...late, error: new Dns01Error(code, text, { hint: hints.join('; '), cause: late.error }) };
}
