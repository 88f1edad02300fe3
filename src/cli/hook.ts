import { carryOut, type Order } from '../challenge/order.ts';
import { WHOLE_CONFIG } from '../challenge/principal.ts';
import type { Run } from '../challenge/run.ts';
import { isDns01Error } from '../errors.ts';
import { clientCalling, clientNamed, knownCalls } from '../hooks/clients.ts';
import type { HookAdd, HookChallenge, HookClient, HookRemove, HookRemoveAll } from '../hooks/hook-call.ts';
import type { Io } from '../output/io.ts';
import { openProgress } from '../output/progress.ts';
import { entriesIn } from '../state/journal.ts';
import { withRun } from './open-run.ts';
import { type CommonOptions, noDryRun } from './options.ts';

export interface HookOptions extends CommonOptions {
  /** Overrides the client's default. */
  readonly wait?: boolean | undefined;
}

/** `dns01 hook CLIENT …`: all arguments after the client's name come from the client. Returns the exit code. */
export async function hook(name: string, args: readonly string[], options: HookOptions, io: Io): Promise<number> {
  if (name === 'acme.sh' && args[0] === '--install' && args.length <= 2) {
    const { installAcmeSh } = await import('./install-acme-sh.ts');
    await installAcmeSh(args[1], io);
    return 0;
  }
  const client = clientNamed(name);
  if (options.dryRun) throw noDryRun('hook');
  const call = client.translate(args, io.env);
  if (call.action === 'skip') return call.exitCode;
  if (call.action === 'add') await add(call, client, options, io);
  else await remove(call, client, options, io);
  return 0;
}

/** `dns01-hook …`: the same, for clients that take one path without arguments. */
export async function hookByVerb(args: readonly string[], options: HookOptions, io: Io): Promise<number> {
  if (args[0] === '--help' || args[0] === '-h') {
    const calls = knownCalls().map((call) => `  ${call.replace(/^\S+/, '$&: dns01-hook')}\n`);
    io.stdout(`Usage: an ACME client calls this program\n${calls.join('')}\nOther clients: dns01 hook --help\n`);
    return 0;
  }
  return hook(clientCalling(args), args, options, io);
}

async function add({ challenges, order: part }: HookAdd, client: HookClient, options: HookOptions, io: Io) {
  const progress = await openProgress(io, options);
  const order: Order = {
    action: 'add',
    challenges,
    principal: WHOLE_CONFIG,
    overrides: options,
    wait: options.wait ?? client.waits,
    part,
    undo: client.undoesFailedAdd,
    progress: progress.update,
  };
  try {
    await withRun(options, io, async (run) => {
      const { each, all } = carryOut(order, run);
      for (const outcome of each) {
        const published = await outcome;
        if (!client.output || isDns01Error(published) || !published.handle) continue;
        io.stdout(`${client.output(published, published.handle)}\n`);
      }
      await all.finally(progress.clear);
    });
  } catch (error) {
    const note = client.failureNote?.(challenges.map(({ name }) => name).join(', '));
    if (note) io.stderr(`dns01: ${note}\n`);
    throw error;
  }
}

async function remove(call: HookRemove | HookRemoveAll, client: HookClient, options: HookOptions, io: Io) {
  const insist = client.forgivesFailedRemove;
  await withRun(options, io, async (run) => {
    const { challenges, handle } =
      call.action === 'remove' ? call : { challenges: await publishedAt(call.name, run), handle: undefined };
    const order: Order = { action: 'remove', challenges, principal: WHOLE_CONFIG, overrides: options, insist, handle };
    const failures = (await Promise.all(carryOut(order, run).each)).filter(isDns01Error);
    const [first] = failures;
    if (!first) return;
    if (!client.forgivesFailedRemove || io.stop.aborted) throw first;
    for (const { message } of failures) run.log.warn(`a value stays until dns01 sweep: ${message}`);
  });
}

/** What the journal has at this name, except values of the gateway's users. */
async function publishedAt(name: string, { state }: Run): Promise<HookChallenge[]> {
  const entries = await entriesIn(state.journal, { name });
  return entries.filter(({ by }) => by === undefined);
}
