import { Dns01Error } from '../errors.ts';
import { ask, type Reply } from './ask.ts';
import type { DnsMessage, Question } from './message.ts';
import { formatServerAddress, parseServerAddress, type ServerAddress } from './server-address.ts';

/** Milliseconds for one question to one resolver. */
const TIMEOUT = 4000;

export interface Resolver {
  /**
   * Ask the resolvers one after the other until one has an answer, NXDOMAIN included. Each question is asked once,
   * however many names need it.
   * @throws E_REMOTE when none has
   */
  resolve(question: Question): Promise<DnsMessage>;
}

/** The caching resolvers of the config or of the system: for zones, name servers and addresses, never for a challenge. */
export function openResolver(configured: readonly string[], signal: AbortSignal): Resolver {
  let servers: ServerAddress[] | undefined;
  const answers = new Map<string, Promise<DnsMessage>>();

  async function resolve(question: Question): Promise<DnsMessage> {
    const refusals: string[] = [];
    servers ??= resolversOf(configured);
    for (const server of servers) {
      const reply = await ask(server, question, { recursive: true, timeout: TIMEOUT, signal });
      if (reply.kind === 'answer' && isAnswer(reply.message)) return reply.message;
      refusals.push(`${formatServerAddress(server)}: ${problem(reply)}`);
      if (signal.aborted) break;
    }
    throw new Dns01Error(
      'E_REMOTE',
      `no resolver answers for ${question.name} ${question.type} (${refusals.join('; ') || 'none is configured'})`,
      { hint: 'set dns.resolvers in the config to resolvers that this machine can reach' },
    );
  }

  return {
    resolve(question) {
      const key = `${question.name} ${question.type}`;
      const answer = answers.get(key) ?? resolve(question);
      answers.set(key, answer);
      // A long run must not give up for good what has failed once.
      answer.catch(() => answers.delete(key));
      return answer;
    },
  };
}

/** The system's are looked up only where they are asked. */
function resolversOf(configured: readonly string[]): ServerAddress[] {
  const addresses = configured.length > 0 ? configured : process.getBuiltinModule('node:dns').getServers();
  return addresses.map(parseServerAddress);
}

const isAnswer = ({ rcode }: DnsMessage): boolean => rcode === 'NOERROR' || rcode === 'NXDOMAIN';

const problem = (reply: Reply): string => (reply.kind === 'answer' ? reply.message.rcode : reply.reason);
