import { createHash, randomBytes } from 'node:crypto';
import { challengeNameOf } from '../challenge/challenge.ts';
import { carryOut, type OrderResult } from '../challenge/order.ts';
import { WHOLE_CONFIG } from '../challenge/principal.ts';
import type { Run } from '../challenge/run.ts';
import { isDns01Error } from '../errors.ts';
import type { Fqdn } from '../names.ts';
import { type Findings, reporterFor } from './finding.ts';

/** Publish a value of no meaning at a zone's challenge name, see it, withdraw it, and tell how long each took. */
export async function* testWrite(zone: Fqdn, run: Run): Findings {
  const report = reporterFor(`zone ${zone}`);
  const value = createHash('sha256').update(randomBytes(32)).digest('base64url');
  const order = { challenges: [{ name: challengeNameOf(zone), value }], principal: WHOLE_CONFIG };
  const started = performance.now();
  const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  const done = async (result: Promise<OrderResult> | undefined) => {
    const outcome = await result;
    if (isDns01Error(outcome)) throw outcome;
  };
  try {
    const { each, all } = carryOut({ ...order, action: 'add', wait: true }, run);
    await done(each[0]);
    yield report.good('write', `published after ${seconds()}`);
    await all;
    yield report.good('write', `shown by every name server after ${seconds()}`);
  } catch (error) {
    yield report.failed('write', error);
  }
  try {
    await done(carryOut({ ...order, action: 'remove' }, run).each[0]);
    yield report.good('write', `withdrawn after ${seconds()}`);
  } catch (error) {
    yield report.failed('write', error);
  }
}
