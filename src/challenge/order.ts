import pLimit from 'p-limit';
import { asDns01Error, type Dns01Error, isDns01Error } from '../errors.ts';
import type { RecordHandle } from '../provider.ts';
import { type Challenge, parseChallenge } from './challenge.ts';
import type { Principal } from './principal.ts';
import { isDelegatedZone, type Overrides } from './route.ts';
import type { Run } from './run.ts';
import { type Changed, type Prepared, preparePublishing, prepareWithdrawing } from './value.ts';
import { type AwaitedValue, NO_WAIT, type Waited, type WaitProgress, waitUntilVisible } from './wait.ts';

/** The order of a verb, a hook, a line of a batch or a request of the gateway. */
export interface Order {
  readonly action: 'add' | 'remove';
  /** As they were given; `carryOut` checks them. */
  readonly challenges: readonly GivenChallenge[];
  readonly principal: Principal;
  readonly overrides?: Overrides | undefined;
  /** Wait until the values are visible. */
  readonly wait?: boolean | undefined;
  /** This order is one part of a larger one. Only the last part waits, for the values of all parts. */
  readonly part?: { readonly key: string; readonly remaining: number } | undefined;
  /** Withdraw the published values if a part of the order fails. */
  readonly undo?: boolean | undefined;
  /** Repeat a removal that fails. */
  readonly insist?: boolean | undefined;
  /** Milliseconds after which the gateway withdraws what is published; default: never. */
  readonly leaseMs?: number | undefined;
  /** The handle that a client passed on from the add; a hint. */
  readonly handle?: RecordHandle | undefined;
  readonly progress?: WaitProgress | undefined;
}

export interface GivenChallenge {
  readonly name: string;
  readonly value: string;
}

export type OrderResult = Changed | Dns01Error;

export interface OrderResults {
  /** One for each challenge, in order. Each resolves as soon as its result is known. */
  readonly each: readonly Promise<OrderResult>[];
  /** Resolves when everything is done. @throws the first failure */
  readonly all: Promise<Waited>;
}

/** How many targets are looked up at the same time. */
const MAX_TARGETS_AT_ONCE = 32;

/** Milliseconds since the last change became ready, after which those that are ready no longer wait for the others. */
const GATHER_MS = 500;

/** Milliseconds for the whole undo. */
const UNDO_MS = 60_000;

/** How often a removal is repeated, and the pause before each. */
const MAX_REPEATS = 2;
const REPEAT_PAUSE_MS = 2000;

/** Every order takes this path: check, find the targets, change, wait, and undo after a failure. */
export function carryOut(order: Order, run: Run): OrderResults {
  const gathering = gather(order.challenges.length);
  const targets = pLimit(MAX_TARGETS_AT_ONCE);
  const each = order.challenges.map(async (given): Promise<OrderResult> => {
    try {
      const change = await targets(() => prepare(order, given, run)).finally(gathering.ready);
      await gathering.complete;
      return await (order.insist ? insisting(change, MAX_REPEATS, run) : change());
    } catch (error) {
      return asDns01Error(error);
    }
  });
  const all = finish(order, each, run);
  all.catch(() => {});
  return { each, all };
}

export function check(given: GivenChallenge, { config, log }: Run): Challenge {
  return parseChallenge(given, isDelegatedZone(config), log.warn);
}

async function prepare(order: Order, given: GivenChallenge, run: Run): Promise<Prepared> {
  const challenge = check(given, run);
  const { principal, overrides, leaseMs } = order;
  const settings = { principal, overrides, leaseMs };
  return order.action === 'add'
    ? preparePublishing(challenge, run, settings)
    : prepareWithdrawing(challenge, run, settings, order.handle);
}

/**
 * Completes when `count` are ready, so that they share calls, or when no more become ready for a while, so that one name
 * with silent servers does not delay the others.
 */
function gather(count: number): { ready(): void; readonly complete: Promise<void> } {
  let missing = count;
  let done = () => {};
  const complete = new Promise<void>((resolve) => {
    done = resolve;
  });
  let patience: NodeJS.Timeout | undefined;
  return {
    ready() {
      missing--;
      clearTimeout(patience);
      if (missing > 0) patience = setTimeout(done, GATHER_MS);
      else done();
    },
    complete,
  };
}

async function finish(order: Order, each: readonly Promise<OrderResult>[], run: Run): Promise<Waited> {
  const results = await Promise.all(each);
  try {
    const failure = results.find(isDns01Error);
    if (failure) throw failure;
    if (order.action === 'remove') return NO_WAIT;
    const values = await valuesToAwait(order, results as readonly Changed[], run);
    return values.length > 0 ? await waitUntilVisible(values, run, order.progress) : NO_WAIT;
  } catch (error) {
    if (order.undo && order.action === 'add') await undo(order, results, run);
    throw error;
  }
}

/** One wait for the whole order, in the part that the client says is the last. */
async function valuesToAwait(
  { wait, part }: Order,
  published: readonly Changed[],
  run: Run,
): Promise<readonly AwaitedValue[]> {
  if (!wait) return [];
  const own = published.map(({ target, value }) => ({ name: target, value }));
  const { orders } = run.state;
  if (!part || !orders) return own;
  try {
    const soFar = await orders.append(part.key, part.remaining, own);
    return part.remaining === 0 ? soFar : [];
  } catch (error) {
    run.log.warn(`cannot store the order, waiting for each name by itself: ${(error as Error).message}`);
    return own;
  }
}

/** Withdraws what this order published or may have published: the client makes no call for the removal. */
async function undo({ challenges, principal }: Order, results: readonly OrderResult[], run: Run): Promise<void> {
  const published = results.filter((result): result is Changed => !isDns01Error(result));
  await run.afterwards(UNDO_MS, async (later) => {
    for (const [index, given] of challenges.entries()) {
      const result = results[index];
      // Refused by the check, so nothing was written, and the check would stop the undoing of the others.
      if (isDns01Error(result) && result.code === 'E_USAGE') continue;
      const { name, value } = check(given, { ...later, log: { ...later.log, warn: () => {} } });
      const wasWritten = published.some((done) => done.changed === true && done.name === name && done.value === value);
      const isOpen = (await later.state.journal.find(name, value))?.state === 'intent';
      if (!wasWritten && !isOpen) continue;
      const { each } = carryOut({ action: 'remove', challenges: [given], principal }, later);
      const [outcome] = await Promise.all(each);
      if (isDns01Error(outcome)) later.log.warn(`${name}: the value stays until dns01 sweep: ${outcome.message}`);
    }
  });
}

/** Repeat what may succeed a little later, while there is time. */
async function insisting<Result>(task: () => Promise<Result>, again: number, run: Run): Promise<Result> {
  try {
    return await task();
  } catch (error) {
    const { retryable } = asDns01Error(error);
    if (again === 0 || !retryable || run.deadline.remaining() < 2 * REPEAT_PAUSE_MS) throw error;
    await run.deadline.sleep(REPEAT_PAUSE_MS);
    return insisting(task, again - 1, run);
  }
}
