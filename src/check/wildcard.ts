import { randomBytes } from 'node:crypto';
import { challengeNameOf } from '../challenge/challenge.ts';
import type { Run } from '../challenge/run.ts';
import type { Authority } from '../dns/authority.ts';
import { query } from '../dns/query.ts';
import type { Fqdn } from '../names.ts';
import type { Findings, Reporter } from './finding.ts';
import { TIMEOUT_MS } from './server-probe.ts';

/** A wildcard TXT record answers at every challenge name without a value, with values that are not ours. */
export async function* checkWildcard(domain: Fqdn, { servers }: Authority, run: Run, report: Reporter): Findings {
  const nowhere = challengeNameOf(`dns01-${randomBytes(6).toString('hex')}.${domain}`);
  const options = { recursive: false, timeoutMs: TIMEOUT_MS, signal: run.deadline.signal };
  for (const server of servers) {
    const result = await query(server, { name: nowhere, type: 'TXT' }, options);
    if (result.kind !== 'answer') continue;
    const made = result.message.answers.find(({ type }) => type === 'TXT' || type === 'CNAME');
    if (!made) return;
    yield report.warning(
      'wildcard',
      `a wildcard ${made.type} record answers at names that do not exist`,
      `it does not show at a name below ${domain} that holds a value, but resolvers may remember it from before`,
    );
    return;
  }
}
