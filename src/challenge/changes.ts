import type { Account } from '../accounts/account.ts';
import { asUnknown, Dns01Error, isDns01Error } from '../errors.ts';
import type { Fqdn } from '../names.ts';
import type { TxtChange, TxtOutcome } from '../provider.ts';
import { createKeyedMutex } from '../toolbox/memory.ts';
import type { Run } from './run.ts';

/** The outcome of a change that succeeded; a failure is thrown. */
export type Done = Extract<TxtOutcome, { state: 'done' }>;

/**
 * The changes of one run at the providers. Changes of one zone that wait at the same time go out in one call, where the
 * provider can do that. Where a change is exclusive, only one process changes the zone at a time.
 */
export interface Changes {
  /**
   * @param beforeWrite called before each write request, after all waiting; throws to stop it
   * @throws what the provider throws; `outcomeUnknown` where the change may have been made
   */
  make(account: Account, zone: Fqdn, change: TxtChange, beforeWrite?: () => Promise<void>): Promise<Done>;
}

interface Waiting {
  readonly change: TxtChange;
  readonly beforeWrite: (() => Promise<void>) | undefined;
  resolve(done: Done): void;
  reject(error: unknown): void;
}

export function openChanges(run: Run): Changes {
  const queues = new Map<string, Waiting[]>();
  const oneByOne = createKeyedMutex();

  function make(account: Account, zone: Fqdn, change: TxtChange, beforeWrite?: () => Promise<void>): Promise<Done> {
    const { changes } = account.definition;
    const { name, value } = change.record;
    const key = `${account.name} ${zone}`;
    if (!changes) {
      // Two changes of one value must not run at the same time: both would find it missing.
      return oneByOne(`${key} ${name} ${value}`, () =>
        account.limit(() =>
          exclusively(account, zone, run, () => checked(account, [beforeWrite], () => single(account, change))),
        ),
      );
    }
    return new Promise<Done>((resolve, reject) => {
      const waiting = queues.get(key);
      if (waiting) return void waiting.push({ change, beforeWrite, resolve, reject });
      const queue: Waiting[] = [{ change, beforeWrite, resolve, reject }];
      queues.set(key, queue);
      // Changes that are requested in the same moment join this one.
      setImmediate(() => void drain(account, zone, key, queue, changes.atMost));
    });
  }

  async function drain(account: Account, zone: Fqdn, key: string, queue: Waiting[], atMost: number): Promise<void> {
    const round = () =>
      account.limit(() => exclusively(account, zone, run, () => changeGroup(account, zone, takeGroup(queue, atMost))));
    const inTurn = () => run.state.locks.turn(account.lockOf(zone), run.deadline, round);
    for (let haveGathered = false; queue.length > 0; haveGathered = true) {
      // While others have their turn, more changes gather here. A first change does not wait for that.
      const done = haveGathered && !account.definition.exclusive ? inTurn() : round();
      await done.catch((error: unknown) => {
        for (const { reject } of queue.splice(0)) reject(error);
      });
    }
    queues.delete(key);
  }

  return { make };
}

/** What has gathered until the moment when the changes can be made goes out together. */
async function changeGroup(account: Account, zone: Fqdn, group: readonly Waiting[]): Promise<void> {
  const changes = group.map(({ change }) => change);
  const checks = group.map(({ beforeWrite }) => beforeWrite);
  const results = await checked(account, checks, () => together(account, zone, changes)).catch((error: unknown) =>
    changes.map(() => ({ error })),
  );
  for (const [index, { resolve, reject }] of group.entries()) {
    const result = results[index];
    if (result && 'state' in result) resolve(result);
    else reject(result?.error);
  }
}

/** Runs the checks now, for providers that send no HTTP requests, and before each request of the task that writes. */
async function checked<Result>(
  account: Account,
  checks: readonly Waiting['beforeWrite'][],
  task: () => Promise<Result>,
): Promise<Result> {
  const all = async () => {
    await Promise.all(checks.map((check) => check?.()));
  };
  await all();
  return account.checkingBeforeWrites(all, task);
}

/** The next changes for one call. Never two of the same value, because their order would be lost. */
function takeGroup(queue: Waiting[], atMost: number): Waiting[] {
  const seen = new Set<string>();
  const group: Waiting[] = [];
  const later: Waiting[] = [];
  for (const waiting of queue.splice(0)) {
    const { name, value } = waiting.change.record;
    const key = `${name} ${value}`;
    if (group.length < atMost && !seen.has(key)) group.push(waiting);
    else later.push(waiting);
    seen.add(key);
  }
  queue.push(...later);
  return group;
}

type Result = Done | { readonly error: unknown };

/** Several changes in one call. A refused one is tried again by itself, so that it does not stop the others. */
async function together(account: Account, zone: Fqdn, changes: readonly TxtChange[]): Promise<Result[]> {
  const alone = async (change: TxtChange): Promise<Result> => single(account, change).catch((error) => ({ error }));
  const [first] = changes;
  if (changes.length === 1 && first) return [await alone(first)];
  const outcomes = await account.use(async (provider) => (await provider.changeTxt?.(zone, changes)) ?? []);
  const results: Result[] = [];
  for (const [index, change] of changes.entries()) {
    const outcome = outcomes[index];
    if (outcome?.state === 'done') results.push(outcome);
    else if (outcome?.state === 'refused' && outcome.error.tryNextZone) results.push({ error: outcome.error });
    else if (outcome?.state === 'refused') results.push(await alone(change));
    else results.push(await afterUnknown(account, change, outcome?.error));
  }
  return results;
}

/** A change with an unknown outcome is looked up before it is made again. */
async function afterUnknown(account: Account, change: TxtChange, error: Dns01Error | undefined): Promise<Result> {
  const { name, value, zone } = change.record;
  const unknown = error ?? new Dns01Error('E_PROTOCOL', 'the provider gave no outcome', { outcomeUnknown: true });
  try {
    const present = (await account.use((provider) => provider.listTxt(name, zone))).includes(value);
    if (present === (change.action === 'add')) return { state: 'done', changed: undefined };
    return await single(account, change);
  } catch (failure) {
    // An earlier attempt may still arrive, even if this one failed.
    return { error: asUnknown(isDns01Error(failure) ? failure : unknown) };
  }
}

async function single(account: Account, { action, record, handle }: TxtChange): Promise<Done> {
  if (action === 'add') {
    const { changed, zone: _, ...added } = await account.use((provider) => provider.addTxt(record));
    return { state: 'done', changed, handle: added };
  }
  const outcome = await account.use((provider) => provider.removeTxt(record, handle));
  return { state: 'done', changed: outcome === 'removed' };
}

/** Only one process writes the zone at a time if the provider rewrites more than the value. */
async function exclusively<Value>(account: Account, zone: Fqdn, run: Run, task: () => Promise<Value>): Promise<Value> {
  const { state, deadline, log, watch } = run;
  await state.check();
  if (!account.definition.exclusive) return task();
  const settings = {
    deadline,
    info(text: string) {
      watch?.lockWait(account.name);
      log.info(`account ${account.name}: ${text}`);
    },
    unusable: (reason: string) =>
      log.warn(`account ${account.name}: cannot keep other processes from writing at the same time: ${reason}`),
  };
  return state.locks.hold(account.lockOf(zone), settings, ({ check }) => account.checkingBeforeWrites(check, task));
}
