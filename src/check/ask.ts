import type { DnsMessage, Question } from '../dns/message.ts';
import { query } from '../dns/query.ts';
import { type NameServer, QUERY_TIMEOUT_MS } from '../dns/zone-cut.ts';
import { type ProbedZone, serverText } from './server-probe.ts';

/** A usable answer of one server: NOERROR or NXDOMAIN, with authority. */
export interface ServerAnswer {
  /** Its name and address. */
  readonly server: string;
  readonly message: DnsMessage;
}

export interface ServerProblem {
  readonly server: string;
  readonly problem: string;
  /** False where this machine has no way to the server, which says nothing about it. */
  readonly isTheirs: boolean;
}

export interface Answers {
  readonly answers: readonly ServerAnswer[];
  readonly problems: readonly ServerProblem[];
}

/** Asks every server of a zone. Servers that the config names need not be authoritative. */
export async function askAll(
  { servers, configured = false }: Pick<ProbedZone, 'servers' | 'configured'>,
  question: Question,
  signal: AbortSignal,
): Promise<Answers> {
  const each = await Promise.all(servers.map((server) => ask(server, question, !configured, signal)));
  return {
    answers: each.filter((answer) => 'message' in answer),
    problems: each.filter((answer) => 'problem' in answer),
  };
}

export const problemText = ({ server, problem }: ServerProblem): string => `${server}: ${problem}`;

async function ask(
  server: NameServer,
  question: Question,
  authoritative: boolean,
  signal: AbortSignal,
): Promise<ServerAnswer | ServerProblem> {
  const shown = serverText(server);
  const result = await query(server, question, { recursive: false, timeoutMs: QUERY_TIMEOUT_MS, signal });
  if (result.kind !== 'answer') return { server: shown, problem: result.reason, isTheirs: result.kind === 'silent' };
  const { message } = result;
  if (message.rcode !== 'NOERROR' && message.rcode !== 'NXDOMAIN') {
    return { server: shown, problem: `answers ${message.rcode}`, isTheirs: true };
  }
  if (authoritative && !message.authoritative) {
    return { server: shown, problem: 'does not serve the zone', isTheirs: true };
  }
  return { server: shown, message };
}
