import { query } from '../dns/query.ts';
import { QUERY_TIMEOUT_MS } from '../dns/zone-cut.ts';
import type { Fqdn } from '../names.ts';
import type { CheckContext } from './context.ts';
import type { Findings, Reporter } from './finding.ts';
import type { ServerState } from './server-probe.ts';

/** Whether the values at a name can be read: many old ones make an answer that is too long for UDP. */
export async function* checkAnswerSize(
  name: Fqdn,
  states: readonly ServerState[],
  { signal }: CheckContext,
  report: Reporter,
): Findings {
  const question = { name, type: 'TXT' } as const;
  const each = await Promise.all(
    states.map(async ({ state, server, address }) => {
      if (state !== 'good') return [];
      const options = { recursive: false, timeoutMs: QUERY_TIMEOUT_MS, signal };
      const short = await query(address, question, { ...options, transport: 'udp' });
      if (short.kind !== 'answer') return [];
      if (!short.message.truncated) return [{ server, isRead: true }];
      const whole = await query(address, question, { ...options, transport: 'tcp' });
      return [{ server, isRead: whole.kind === 'answer' }];
    }),
  );
  const heard = each.flat();
  const unread = heard.filter(({ isRead }) => !isRead);
  if (unread.length === 0) return;
  yield report[unread.length === heard.length ? 'bad' : 'warning'](
    'name server',
    `the values at ${name} are too many for UDP, and there is no TCP: ${unread.map(({ server }) => server).join(', ')}`,
    'open port 53 for TCP, and remove old values from that name (dns01 sweep lists them)',
  );
}
