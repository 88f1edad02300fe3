import { guard } from '../challenge/challenge.ts';
import { publish } from '../challenge/publish.ts';
import type { Run } from '../challenge/run.ts';
import { withdraw } from '../challenge/withdraw.ts';
import type { AwaitedValue } from '../dns/barrier.ts';
import { Dns01Error } from '../errors.ts';
import { certbotAuth, certbotCleanup, certbotOutput } from '../hooks/certbot.ts';
import type { HookAdd, HookRemove } from '../hooks/hook-call.ts';
import { openOrders } from '../state/orders.ts';
import type { Io } from './io.ts';
import { withRun } from './open-run.ts';
import type { CommonOptions } from './options.ts';
import { waitShowingProgress } from './wait.ts';

/** `dns01 hook CLIENT …`: everything after the client's name is the client's. */
export function hook(client: string, args: readonly string[], options: CommonOptions, io: Io): Promise<void> {
  if (client !== 'certbot') {
    throw new Dns01Error('E_USAGE', `there is no hook for "${client}"`, { hint: 'known clients: certbot' });
  }
  const [phase] = args;
  if (phase === 'auth') return certbotAdd(certbotAuth(io.env), options, io);
  if (phase === 'cleanup') return certbotRemove(certbotCleanup(io.env), options, io);
  throw new Dns01Error('E_USAGE', `certbot's hook is called with auth or cleanup, not with "${args.join(' ')}"`, {
    hint: "--manual-auth-hook 'dns01 hook certbot auth' --manual-cleanup-hook 'dns01 hook certbot cleanup'",
  });
}

async function certbotAdd(call: HookAdd, options: CommonOptions, io: Io): Promise<void> {
  try {
    await withRun(options, io, async (run) => {
      const challenge = guard(call.challenge, run.config, run.log.warn);
      const { handle, target } = await publish(challenge, run, options);
      io.stdout(`${certbotOutput(challenge, handle)}\n`);
      const awaited = await challengesToAwait(call, { ...challenge, name: target }, run);
      if (awaited.length > 0) await waitShowingProgress(awaited, run, io, options);
    });
  } catch (error) {
    // certbot ignores the exit code of this hook and lets the CA look: whoever reads its log should know.
    io.stderr(`dns01: FAILED for ${call.challenge.name}; certbot goes on all the same, the CA will refuse it\n`);
    throw error;
  }
}

/** One wait for the whole order, in the call that certbot says is the last; without such a word every call waits. */
async function challengesToAwait(call: HookAdd, challenge: AwaitedValue, run: Run): Promise<readonly AwaitedValue[]> {
  const orders = openOrders(run.stateDirectory);
  if (!call.order || !orders) return [challenge];
  const soFar = await orders.append(call.order.key, call.order.remaining, challenge).catch((error: Error) => {
    run.log.warn(`the order cannot be kept, waiting for each name on its own: ${error.message}`);
    return undefined;
  });
  if (!soFar) return [challenge];
  return call.order.remaining === 0 ? soFar : [];
}

async function certbotRemove(call: HookRemove, options: CommonOptions, io: Io): Promise<void> {
  await withRun(options, io, async (run) => {
    const challenge = guard(call.challenge, run.config, run.log.warn);
    await withdraw(challenge, run, options, call.handle);
  });
}
