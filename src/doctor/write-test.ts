import { createHash, randomBytes } from 'node:crypto';
import { CHALLENGE_LABEL } from '../challenge/name.ts';
import { publish } from '../challenge/publish.ts';
import type { Run } from '../challenge/run.ts';
import { waitUntilVisible } from '../challenge/wait.ts';
import { withdraw } from '../challenge/withdraw.ts';
import type { Fqdn } from '../names.ts';
import { type Findings, reporterFor } from './finding.ts';

/** Publish a value of no meaning at a zone's challenge name, see it, withdraw it, and tell how long each took. */
export async function* testWrite(zone: Fqdn, run: Run): Findings {
  const report = reporterFor(`zone ${zone}`);
  const value = createHash('sha256').update(randomBytes(32)).digest('base64url');
  const canary = { name: `${CHALLENGE_LABEL}.${zone}`, value };
  const started = performance.now();
  const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  try {
    const { target } = await publish(canary, run);
    yield report.good('write', `published after ${seconds()}`);
    await waitUntilVisible([{ name: target, value }], run);
    yield report.good('write', `shown by every name server after ${seconds()}`);
  } catch (error) {
    yield report.failed('write', error);
  }
  try {
    await withdraw(canary, run);
    yield report.good('write', `withdrawn after ${seconds()}`);
  } catch (error) {
    yield report.failed('write', error);
  }
}
