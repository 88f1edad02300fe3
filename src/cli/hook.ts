import { type Challenge, guard } from '../challenge/challenge.ts';
import { type Published, publish } from '../challenge/publish.ts';
import type { Run } from '../challenge/run.ts';
import { withdraw } from '../challenge/withdraw.ts';
import type { AwaitedValue } from '../dns/barrier.ts';
import { asDns01Error, type Dns01Error } from '../errors.ts';
import { clientCalling, clientNamed } from '../hooks/clients.ts';
import type { HookAdd, HookClient, HookRemove } from '../hooks/hook-call.ts';
import { openOrders } from '../state/orders.ts';
import type { Io } from './io.ts';
import { withRun } from './open-run.ts';
import type { CommonOptions } from './options.ts';
import { waitShowingProgress } from './wait.ts';

export interface HookOptions extends CommonOptions {
  /** Overrides what is right for the client. */
  readonly wait?: boolean | undefined;
}

/** `dns01 hook CLIENT …`: everything after the client's name is the client's. The result is the exit code. */
export async function hook(name: string, args: readonly string[], options: HookOptions, io: Io): Promise<number> {
  if (name === 'acme.sh' && args[0] === '--install' && args.length <= 2) {
    const { installAcmeSh } = await import('./install-acme-sh.ts');
    await installAcmeSh(args[1], io);
    return 0;
  }
  const client = clientNamed(name);
  const call = client.translate(args, io.env);
  if (call.action === 'skip') return call.exitCode;
  if (call.action === 'add') await add(call, client, options, io);
  else await remove(call, client, options, io);
  return 0;
}

/** `dns01-hook …`: the same, for clients that take one path without arguments. */
export function hookByVerb(args: readonly string[], options: HookOptions, io: Io): Promise<number> {
  return hook(clientCalling(args), args, options, io);
}

async function add(call: HookAdd, client: HookClient, options: HookOptions, io: Io): Promise<void> {
  try {
    await withRun(options, io, (run) => publishAndWait(call, client, run, options, io));
  } catch (error) {
    const note = client.failureNote?.(call.challenges.map(({ name }) => name).join(', '));
    if (note) io.stderr(`dns01: ${note}\n`);
    throw error;
  }
}

async function publishAndWait(
  call: HookAdd,
  client: HookClient,
  run: Run,
  options: HookOptions,
  io: Io,
): Promise<void> {
  const challenges = call.challenges.map((challenge) => guard(challenge, run.config, run.log.warn));
  const published: Published[] = [];
  try {
    for (const challenge of challenges) {
      const done = await publish(challenge, run, options);
      published.push(done);
      if (client.output) io.stdout(`${client.output(challenge, done.handle)}\n`);
    }
    const awaited = (options.wait ?? client.waits) ? await valuesToAwait(call, published, run) : [];
    if (awaited.length > 0) await waitShowingProgress(awaited, run, io, options);
  } catch (error) {
    if (client.undoesFailedAdd) await undo(published, challenges, run);
    throw error;
  }
}

/** One wait for the whole order, in the call that the client says is the last; without such a word every call waits. */
async function valuesToAwait(
  { order }: HookAdd,
  published: readonly Published[],
  run: Run,
): Promise<readonly AwaitedValue[]> {
  const own = published.map(({ target, value }) => ({ name: target, value }));
  const orders = openOrders(run.stateDirectory);
  if (!order || !orders) return own;
  try {
    const soFar = await orders.append(order.key, order.remaining, own);
    return order.remaining === 0 ? soFar : [];
  } catch (error) {
    run.log.warn(`the order cannot be kept, waiting for each name on its own: ${(error as Error).message}`);
    return own;
  }
}

/** The client will not call for the removal: what this call has published, or may have, is withdrawn here. */
async function undo(published: readonly Published[], challenges: readonly Challenge[], run: Run): Promise<void> {
  for (const challenge of challenges) {
    const { name, value } = challenge;
    const wasWritten = published.some((done) => done.changed && done.name === name && done.value === value);
    if (!wasWritten && !(await run.journal.find(name, value))) continue;
    await withdraw(challenge, run).catch((error: unknown) =>
      run.log.warn(`${name}: what this call published stays until dns01 sweep: ${asDns01Error(error).message}`),
    );
  }
}

/** How often a removal is tried again for a client that must not be failed, and the pause before, in milliseconds. */
const REMOVE_AGAIN = 2;
const PAUSE_BEFORE_AGAIN = 2000;

/** Try again what may go better a little later, while there is time. */
async function insisting<Result>(task: () => Promise<Result>, again: number, run: Run): Promise<Result> {
  try {
    return await task();
  } catch (error) {
    const { retryable } = asDns01Error(error);
    if (again === 0 || !retryable || run.deadline.remaining() < 2 * PAUSE_BEFORE_AGAIN) throw error;
    await run.deadline.sleep(PAUSE_BEFORE_AGAIN);
    return insisting(task, again - 1, run);
  }
}

async function remove(call: HookRemove, client: HookClient, options: HookOptions, io: Io): Promise<void> {
  await withRun(options, io, async (run) => {
    const failures: Dns01Error[] = [];
    for (const given of call.challenges) {
      try {
        const challenge = guard(given, run.config, run.log.warn);
        const again = client.forgivesFailedRemove ? REMOVE_AGAIN : 0;
        await insisting(() => withdraw(challenge, run, options, call.handle), again, run);
      } catch (error) {
        failures.push(asDns01Error(error));
      }
    }
    const [first] = failures;
    if (!first) return;
    if (!client.forgivesFailedRemove) throw first;
    for (const { message } of failures) run.log.warn(`a value stays until dns01 sweep: ${message}`);
  });
}
