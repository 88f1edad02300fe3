import type { Run } from '../challenge/run.ts';
import { answersFor, endOfAliases } from '../dns/message.ts';
import { query } from '../dns/query.ts';
import { formatServerAddress } from '../dns/server-address.ts';
import type { NameServer } from '../dns/zone-cut.ts';
import { Dns01Error } from '../errors.ts';
import { type Fqdn, parseName } from '../names.ts';

/** What one name server shows at a name. */
export interface ServerRecords {
  readonly server: string;
  readonly values: readonly string[];
}

export interface FoundRecords {
  /** Where the records are: the name, or the end of its CNAMEs. */
  readonly name: Fqdn;
  readonly each: readonly ServerRecords[];
  /** The servers without a usable answer, and why. */
  readonly silent: readonly string[];
}

/** Milliseconds for one question to one server. */
const TIMEOUT_MS = 5000;

const MAX_CNAMES = 8;

/**
 * The TXT records at a name, as each of its own name servers shows them. CNAMEs are followed as a CA's resolver does.
 * @throws E_REMOTE where no server answers; E_ZONE for CNAMEs that lead nowhere
 */
export async function findRecords(name: Fqdn, run: Run): Promise<FoundRecords> {
  const passed: Fqdn[] = [name];
  for (let at = name; ; ) {
    const { zone, servers, configured } = await run.authorities.find(at);
    const answers = await Promise.all(servers.map((server) => ask(server, at, !configured, run)));
    const each = answers.flatMap((answer) => ('values' in answer ? [answer] : []));
    const problems = answers.flatMap((answer) => ('problem' in answer ? [answer] : []));
    const alias = each.find(({ values, end }) => values.length === 0 && end !== at)?.end;
    if (each.length === 0) throw nothingRead(at, zone, problems.map(asText));
    if (alias === undefined) return { name: at, each, silent: problems.filter(({ isTheirs }) => isTheirs).map(asText) };
    const target = parseName(alias);
    if (target === undefined || passed.includes(target) || passed.length > MAX_CNAMES) {
      const chain = [...passed, JSON.stringify(alias)].join(' -> ');
      throw new Dns01Error('E_ZONE', `the CNAMEs lead nowhere: ${chain}`, { hint: 'correct the CNAME records' });
    }
    passed.push(target);
    at = target;
  }
}

const nothingRead = (name: Fqdn, zone: Fqdn, silent: readonly string[]): Dns01Error =>
  new Dns01Error('E_REMOTE', `no name server of ${zone} answers for ${name}: ${silent.join('; ')}`, {
    hint: 'a CA reads nothing either, unless only this machine cannot reach them; dns01 doctor looks at the servers',
  });

type Answered =
  /** `end`: where the CNAMEs in the answer lead; the name itself without any. */
  { readonly server: string; readonly values: readonly string[]; readonly end: string } | Problem;

interface Problem {
  readonly server: string;
  readonly problem: string;
  /** False where this machine has no way to the server, which says nothing about it. */
  readonly isTheirs: boolean;
}

const asText = ({ server, problem }: Problem): string => `${server}: ${problem}`;

async function ask(server: NameServer, name: Fqdn, authoritative: boolean, { deadline }: Run): Promise<Answered> {
  const address = formatServerAddress(server);
  const shown = server.name === address ? address : `${server.name} ${address}`;
  const question = { name, type: 'TXT' } as const;
  const result = await query(server, question, { recursive: false, timeoutMs: TIMEOUT_MS, signal: deadline.signal });
  if (result.kind !== 'answer') return { server: shown, problem: result.reason, isTheirs: result.kind === 'silent' };
  const { message } = result;
  if (message.rcode !== 'NOERROR' && message.rcode !== 'NXDOMAIN') {
    return { server: shown, problem: `answers ${message.rcode}`, isTheirs: true };
  }
  if (authoritative && !message.authoritative)
    return { server: shown, problem: 'does not serve the zone', isTheirs: true };
  const values = answersFor(message, question).map(({ data }) => data);
  return { server: shown, values, end: endOfAliases(message, name) };
}
