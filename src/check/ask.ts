import type { Authority } from '../dns/authority.ts';
import type { DnsMessage, Question } from '../dns/message.ts';
import { query } from '../dns/query.ts';
import { formatServerAddress } from '../dns/server-address.ts';
import type { NameServer } from '../dns/zone-cut.ts';

/** Milliseconds for one question to one server. */
const TIMEOUT_MS = 3000;

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
  { servers, configured }: Pick<Authority, 'servers' | 'configured'>,
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
  const result = await query(server, question, { recursive: false, timeoutMs: TIMEOUT_MS, signal });
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

/** A server by name and address, or by the address alone where it has no name. */
function serverText(server: NameServer): string {
  const address = formatServerAddress(server);
  return server.name === address ? address : `${server.name} ${address}`;
}
