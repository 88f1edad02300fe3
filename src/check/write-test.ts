import { createHash, randomBytes } from 'node:crypto';
import { carryOut, type OrderResult } from '../challenge/order.ts';
import { WHOLE_CONFIG } from '../challenge/principal.ts';
import type { Overrides } from '../challenge/route.ts';
import type { Run } from '../challenge/run.ts';
import type { Changed } from '../challenge/value.ts';
import { isDns01Error } from '../errors.ts';
import { type Findings, reporterFor } from './finding.ts';
import type { Wanted } from './wanted.ts';

/** For the withdrawal after the time limit or a stop signal. */
const WITHDRAWAL_MS = 60_000;

/** Publishes a random value at a challenge name, sees it and withdraws it, and reports the time of each step. */
export async function* testWrite({ subject, challenge }: Wanted, overrides: Overrides, run: Run): Findings {
  const report = reporterFor(subject);
  const value = createHash('sha256').update(randomBytes(32)).digest('base64url');
  const order = { challenges: [{ name: challenge, value }], principal: WHOLE_CONFIG, overrides };
  const started = performance.now();
  const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  try {
    const { each, all } = carryOut({ ...order, action: 'add', wait: true }, run);
    const { target, account, zone } = await done(each);
    yield report.good(
      'write',
      `published ${value} at ${target} in zone ${zone} by account ${account} after ${seconds()}`,
    );
    const { shownBy } = await all;
    yield report.good('write', `shown by ${shownBy} after ${seconds()}`);
  } catch (error) {
    yield report.failed('write', error);
  }
  const withdraw = (later: Run) => done(carryOut({ ...order, action: 'remove' }, later).each);
  try {
    await (run.deadline.signal.aborted ? run.afterwards(WITHDRAWAL_MS, withdraw) : withdraw(run));
    yield report.good('write', `withdrawn after ${seconds()}`);
  } catch (error) {
    yield report.failed('write', error);
  }
}

async function done([only]: readonly Promise<OrderResult>[]): Promise<Changed> {
  const outcome = await only;
  if (!outcome || isDns01Error(outcome)) throw outcome;
  return outcome;
}
