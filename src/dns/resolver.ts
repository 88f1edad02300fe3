import { Dns01Error } from '../errors.ts';
import { firstUseful } from './first-useful.ts';
import { type DnsMessage, isAnswer, type Question } from './message.ts';
import { type QueryResult, query } from './query.ts';
import { formatServerAddress, parseServerAddress, type ServerAddress } from './server-address.ts';

/** Milliseconds for one query to all resolvers together. A first answer may come from far away. */
const TIMEOUT_MS = 4000;
const STAGGER_MS = 1000;

export interface Resolver {
  /**
   * The first answer of a resolver, NXDOMAIN included. Each query is sent once in a run, however many names need it.
   * @throws E_REMOTE when no resolver answers
   */
  resolve(question: Question): Promise<DnsMessage>;
}

export interface ResolverSettings {
  /**
   * Repeat a query that a validating resolver refuses to answer, without validation. For finding name servers, which are
   * then asked themselves: a zone with a bad signature has some too.
   */
  readonly alsoUnchecked?: boolean;
}

/** The caching resolvers of the config or the system: for zones, name servers and addresses, never for a challenge. */
export function openResolver(
  configured: readonly string[],
  signal: AbortSignal,
  { alsoUnchecked = false }: ResolverSettings = {},
): Resolver {
  let servers: ServerAddress[] | undefined;
  const answers = new Map<string, Promise<DnsMessage>>();

  async function resolve(question: Question): Promise<DnsMessage> {
    servers ??= resolversOf(configured);
    const problems = new Map<ServerAddress, string>();
    const message = await firstUseful(
      servers,
      async (server, raceSignal) => {
        const options = { recursive: true, timeoutMs: TIMEOUT_MS, signal: raceSignal };
        const checked = await query(server, question, options);
        const isRefused = checked.kind === 'answer' && checked.message.rcode === 'SERVFAIL';
        const result =
          isRefused && alsoUnchecked ? await query(server, question, { ...options, unchecked: true }) : checked;
        if (result.kind === 'answer' && isAnswer(result.message)) return result.message;
        problems.set(server, problemOf(result));
        return undefined;
      },
      { staggerMs: STAGGER_MS, timeoutMs: TIMEOUT_MS + STAGGER_MS, signal },
    );
    if (message) return message;
    const each = servers.map((server) => `${formatServerAddress(server)}: ${problems.get(server) ?? 'no answer'}`);
    throw new Dns01Error(
      'E_REMOTE',
      `no resolver answers for ${question.name} ${question.type} (${each.join('; ') || 'none is configured'})`,
      { hint: 'set dns.resolvers in the config to resolvers that this machine can reach' },
    );
  }

  return {
    resolve(question) {
      const key = `${question.name} ${question.type}`;
      const answer = answers.get(key) ?? resolve(question);
      answers.set(key, answer);
      // A query that failed is sent again later in a long run.
      answer.catch(() => answers.delete(key));
      return answer;
    },
  };
}

/** The system's resolvers are only looked up when they are needed. */
export function resolversOf(configured: readonly string[]): ServerAddress[] {
  const addresses = configured.length > 0 ? configured : process.getBuiltinModule('node:dns').getServers();
  return addresses.map(parseServerAddress);
}

const problemOf = (result: QueryResult): string => (result.kind === 'answer' ? result.message.rcode : result.reason);
