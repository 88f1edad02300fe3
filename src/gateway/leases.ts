import type { Run } from '../challenge/run.ts';
import { withdrawOld } from '../challenge/withdraw-old.ts';
import { startDeadline } from '../deadline.ts';
import { asDns01Error, isDns01Error } from '../errors.ts';
import type { Log } from '../output/log.ts';
import type { JournalEntry } from '../state/journal.ts';
import type { State } from '../state/state.ts';
import type { Audit } from './audit.ts';
import type { SharedRun } from './shared-run.ts';
import type { Work } from './work.ts';

export interface LeaseSettings {
  readonly state: State;
  readonly runs: SharedRun;
  readonly work: Work;
  readonly log: Log;
  leaseMs(): number;
  readonly audit: Audit;
}

export interface LeaseKeeper {
  /** Resolves when the pass under way is done. */
  stop(): Promise<void>;
}

/** Between two passes. */
const MAX_PAUSE_MS = 60_000;

/** How many values are withdrawn in one order, so that those of one zone go out in few requests. */
const MAX_TOGETHER = 250;

/** Milliseconds to wait for the lock of another node, which withdraws values or died while it did. */
const LOCK_PATIENCE_MS = 20_000;

/**
 * Withdraws values whose lease has ended, at once and then regularly: those of any node, and those of a process that was
 * killed. A value that cannot be withdrawn is tried again.
 */
export function keepLeases(settings: LeaseSettings): LeaseKeeper {
  const { log, state, leaseMs } = settings;
  let timer: NodeJS.Timeout | undefined;
  const stopping = new AbortController();
  let pass: Promise<void> = Promise.resolve();

  function begin(): void {
    pass = state.locks
      .hold('leases', { deadline: startDeadline(LOCK_PATIENCE_MS, stopping.signal) }, () =>
        withdrawEnded(settings, stopping.signal),
      )
      .catch((error: unknown) => {
        const { code, message } = asDns01Error(error);
        if (code !== 'E_LOCK' && !stopping.signal.aborted)
          log.warn(`serve: values whose lease has ended stay: ${message}`);
      })
      .finally(() => {
        if (!stopping.signal.aborted) timer = setTimeout(begin, Math.min(MAX_PAUSE_MS, leaseMs() / 4));
      });
  }

  begin();
  return {
    stop() {
      stopping.abort();
      clearTimeout(timer);
      return pass;
    },
  };
}

async function withdrawEnded(settings: LeaseSettings, stopped: AbortSignal): Promise<void> {
  let group: JournalEntry[] = [];
  for await (const entry of settings.state.journal.list({ leaseEnded: true })) {
    if (stopped.aborted) return;
    group.push(entry);
    if (group.length < MAX_TOGETHER) continue;
    await withdraw(group, settings, stopped);
    group = [];
  }
  if (group.length > 0 && !stopped.aborted) await withdraw(group, settings, stopped);
}

async function withdraw(
  entries: readonly JournalEntry[],
  settings: LeaseSettings,
  stopped: AbortSignal,
): Promise<void> {
  const { work, runs } = settings;
  const keys = entries.map(({ name, value }) => `${name} ${value}`);
  await work.enter('', keys, () => runs.use((run) => withdrawInRun(entries, run, settings, stopped)));
}

async function withdrawInRun(
  entries: readonly JournalEntry[],
  run: Run,
  { log, audit }: LeaseSettings,
  stopped: AbortSignal,
): Promise<void> {
  const started = performance.now();
  const { begun, each } = withdrawOld(entries, run, startDeadline(LOCK_PATIENCE_MS, stopped));
  await begun;
  for (const [index, { name, by = '-', account }] of entries.entries()) {
    const result = await each[index];
    if (result === undefined) continue;
    const outcome = isDns01Error(result) ? result.code : 'done';
    const what = { user: by, from: '-', front: 'lease', action: 'remove', name, account, outcome } as const;
    audit(what, performance.now() - started);
    if (isDns01Error(result)) log.warn(`serve: ${name}: the value stays published after its lease: ${result.message}`);
  }
}
