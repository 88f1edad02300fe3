import pLimit from 'p-limit';
import { Dns01Error } from '../errors.ts';
import type { Fqdn } from '../names.ts';
import type { DnsSettings } from './authority.ts';
import { openDoh } from './doh.ts';
import { explainErrors, hintOf, saysBogus } from './extended-errors.ts';
import { firstUseful } from './first-useful.ts';
import { type DnsMessage, type ExtendedError, isAnswer, type Question } from './message.ts';
import { type QueryResult, query } from './query.ts';
import { type Resolver, resolversOf } from './resolver.ts';
import { formatServerAddress } from './server-address.ts';

/**
 * `secure`: the operator has validated the answer. `insecure`: there is nothing to validate, because the zone is not
 * signed. `bogus`: the operator has an answer and refuses it. `indeterminate`: it gets no answer itself. `failed`: it
 * does not answer, or not this question.
 */
export type VantageState = 'secure' | 'insecure' | 'bogus' | 'indeterminate' | 'failed';

/** What one operator's validating resolver says. */
export interface VantageAnswer {
  readonly operator: string;
  readonly state: VantageState;
  /** The answer, validated or not; undefined where there is none. */
  readonly message?: DnsMessage | undefined;
  readonly errors: readonly ExtendedError[];
  /** Why it failed. */
  readonly reason?: string | undefined;
}

/** Validating resolvers of several operators. */
export interface Vantages {
  /** One answer for each operator, the system's resolver first; each question is asked once in a run. */
  ask(question: Question): Promise<VantageAnswer[]>;
  /** The resolvers that do not validate or do not answer, and so are not asked, each with the reason. */
  unusable(): Promise<readonly string[]>;
}

/** A resolver before it is known whether it validates. */
interface Operator {
  readonly name: string;
  ask(question: Question, unchecked: boolean, signal: AbortSignal): Promise<QueryResult>;
}

/** Milliseconds for one query. A first answer may come from far away. */
const TIMEOUT_MS = 4000;
const PROBE_TIMEOUT_MS = 2500;
const PROBE_STAGGER_MS = 300;

/** Queries to one operator at the same time. */
const CONCURRENCY = 8;

/** The root is signed, so a resolver that validates sets AD on its SOA record. */
const ROOT: Question = { name: '' as Fqdn, type: 'SOA' };

/** @throws E_CONFIG where the environment names a proxy that is none */
export function openVantages(
  { resolvers, doh = [] }: DnsSettings,
  signal: AbortSignal,
  env: Readonly<Record<string, string | undefined>>,
): Vantages {
  const local = resolversOf(resolvers).map(overUdp);
  const remote = doh.map((url) => overHttps(openDoh(url, env)));
  const problems = new Map<Operator, string>();
  const answers = new Map<string, Promise<VantageAnswer[]>>();
  let finding: Promise<Operator[]> | undefined;

  const validates = async (operator: Operator, probeSignal: AbortSignal): Promise<Operator | undefined> => {
    const result = await operator.ask(ROOT, false, probeSignal);
    if (result.kind === 'answer' && result.message.authenticated && isAnswer(result.message)) return operator;
    if (!probeSignal.aborted) problems.set(operator, result.kind === 'answer' ? 'does not validate' : result.reason);
    return undefined;
  };

  async function find(): Promise<Operator[]> {
    const probeSignal = AbortSignal.any([AbortSignal.timeout(PROBE_TIMEOUT_MS), signal]);
    const race = { staggerMs: PROBE_STAGGER_MS, timeoutMs: PROBE_TIMEOUT_MS, signal };
    const found = await Promise.all([
      firstUseful(local, validates, race),
      ...remote.map((operator) => validates(operator, probeSignal)),
    ]);
    return found.filter((operator) => operator !== undefined);
  }

  const operators = () => {
    finding ??= find();
    return finding;
  };

  return {
    async ask(question) {
      const key = `${question.name} ${question.type}`;
      const answer =
        answers.get(key) ?? operators().then((all) => Promise.all(all.map((each) => judge(each, question, signal))));
      answers.set(key, answer);
      return answer;
    },
    async unusable() {
      const usable = await operators();
      // One of the system's resolvers is enough: the others are not asked to the end.
      const isEnough = local.some((each) => usable.includes(each));
      const others = [...local, ...remote].filter((each) => !usable.includes(each));
      const known = others.filter((each) => problems.has(each) || !(isEnough && local.includes(each)));
      return known.map((each) => `${each.name}: ${problems.get(each) ?? 'no answer in time'}`);
    },
  };
}

const overUdp = (server: ReturnType<typeof resolversOf>[number]): Operator => ({
  name: formatServerAddress(server),
  ask: (question, unchecked, signal) =>
    query(server, question, { recursive: true, dnssec: true, unchecked, timeoutMs: TIMEOUT_MS, signal }),
});

function overHttps(resolver: ReturnType<typeof openDoh>): Operator {
  const limit = pLimit(CONCURRENCY);
  return {
    name: resolver.operator,
    ask: (question, unchecked, signal) =>
      limit(() =>
        resolver.query(question, { recursive: true, dnssec: true, unchecked, timeoutMs: TIMEOUT_MS, signal }),
      ),
  };
}

/** Asks without CD, and with CD where that fails: only validation can be what is in between. */
async function judge(operator: Operator, question: Question, signal: AbortSignal): Promise<VantageAnswer> {
  const checked = await operator.ask(question, false, signal);
  const first = read(operator, checked);
  if (first.state !== 'indeterminate' || saysBogus(first.errors)) return first;
  const unchecked = await operator.ask(question, true, signal);
  if (unchecked.kind !== 'answer' || !isAnswer(unchecked.message)) return first;
  // Meanwhile a slow name server may have answered: only a second failure shows that it is the validation.
  const again = read(operator, await operator.ask(question, false, signal));
  return again.state === 'indeterminate' ? { ...again, state: 'bogus', message: unchecked.message } : again;
}

function read({ name: operator }: Operator, result: QueryResult): VantageAnswer {
  if (result.kind !== 'answer') return { operator, state: 'failed', errors: [], reason: result.reason };
  const { message } = result;
  const { rcode, errors, authenticated } = message;
  if (isAnswer(message)) return { operator, state: authenticated ? 'secure' : 'insecure', message, errors };
  if (rcode !== 'SERVFAIL') return { operator, state: 'failed', errors, reason: `answers ${rcode}` };
  return { operator, state: saysBogus(errors) ? 'bogus' : 'indeterminate', errors };
}

/** Most useful first. One that refuses an answer, or gets none, says less than one that has it: where they differ, DNSSEC warns. */
const BY_USE: readonly (readonly VantageState[])[] = [['secure', 'insecure'], ['bogus'], ['indeterminate']];

/** The first operator's answers where one validates, else those of the other resolver. */
export function validatingResolver(vantages: Vantages, other: Resolver): Resolver {
  return {
    async resolve(question) {
      const answers = await vantages.ask(question);
      const [first] = BY_USE.flatMap((states) => answers.find(({ state }) => states.includes(state)) ?? []);
      if (!first) return other.resolve(question);
      const { operator, state, message, errors } = first;
      if (message && state !== 'bogus') return message;
      const why = [`${operator} answers SERVFAIL`, explainErrors(errors)].filter((text) => text !== '').join(': ');
      throw new Dns01Error('E_REMOTE', `no answer for ${question.name} ${question.type}: ${why}`, {
        hint: hintOf(errors),
      });
    },
  };
}
