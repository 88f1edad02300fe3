import { askAny } from '../dns/ask-any.ts';
import type { Authority } from '../dns/authority.ts';
import { followCnames } from '../dns/chain.ts';
import { explainErrors, hintOf } from '../dns/extended-errors.ts';
import { answersFor, type DnsMessage, type ExtendedError, type Question } from '../dns/message.ts';
import type { VantageAnswer } from '../dns/validating.ts';
import { ownerOf } from '../dns/zone-cut.ts';
import { askSigned, type SignedView, signatureFaults, type ZoneFault } from '../dns/zone-signatures.ts';
import { asDns01Error, type Dns01Error } from '../errors.ts';
import { type Fqdn, isWithin } from '../names.ts';
import { listed } from '../output/text.ts';
import type { CheckContext } from './context.ts';
import type { Finding, Findings, Reporter } from './finding.ts';
import type { Wanted } from './wanted.ts';

export type DnssecContext = Pick<CheckContext, 'authorities' | 'resolver' | 'signal' | 'vantages'>;

/** The answers of all operators to one question. */
interface Asked {
  readonly question: Question;
  readonly answers: readonly VantageAnswer[];
}

/** What the zone's own servers show of its signatures. */
interface ZoneFaults {
  readonly zone: Fqdn;
  readonly found: readonly ZoneFault[];
}

/**
 * Whether a CA's resolver accepts the answers that issuing needs: those for the challenge name, for each CNAME on its way
 * and for the CAA records (CA/Browser Forum BR 3.2.2.4 and 3.2.2.8.1).
 */
export async function* checkDnssec(wanted: Wanted, context: DnssecContext, report: Reporter): Findings {
  const { resolver, signal, vantages } = context;
  const here = await seenFromHere(wanted.challenge, context);
  const along = 'views' in here ? await questionsAlong(here, context) : [];
  const questions = [...along, ...questionsAbove(wanted.domain)];
  const asked = upToCaa(
    await Promise.all(questions.map(async (question) => ({ question, answers: await vantages.ask(question) }))),
  );
  const operators = namesOf(asked.flatMap(({ answers }) => answers.filter(({ state }) => state !== 'failed')));
  if (operators.length === 0) {
    const why = [...(await vantages.unusable()), ...asked.flatMap(({ answers }) => answers.map(failureText))];
    const hint = 'name resolvers that validate and that this machine can reach: dns.doh in the config';
    return yield report.notChecked(
      'dnssec',
      `no resolver that validates answers: ${[...new Set(why)].join('; ')}`,
      hint,
    );
  }
  if ('lost' in here) yield report.notChecked('dnssec', `only CAA records are asked for: ${here.lost.message}`);
  const faults = 'views' in here ? await signatureFaults(here.authority, here.views, resolver, signal) : [];
  const zone = 'views' in here ? here.authority.zone : wanted.domain;
  const problems = problemsIn(asked, { zone, found: faults }, report);
  yield* problems;
  if (problems.length > 0) return;
  const sound =
    'lost' in here ? 'every CAA answer is signed and valid' : 'every answer that a CA needs is signed and valid';
  yield report.good('dnssec', `${unsignedText(asked) ?? sound} (asked: ${listed(operators)})`);
  if (asked.some(({ answers }) => answers.some(({ state }) => state === 'insecure'))) return;
  for (const { text, hint } of faults) yield report.warning('dnssec', text, hint);
}

/** What the zone's own servers show at the end of the CNAMEs. */
interface Seen {
  readonly chain: readonly Fqdn[];
  readonly authority: Authority;
  readonly views: readonly SignedView[];
}

/** `lost`: no name server can be asked, as where port 53 is closed. The operators know the rest. */
async function seenFromHere(
  challenge: Fqdn,
  { authorities, signal }: DnssecContext,
): Promise<Seen | { readonly lost: Dns01Error }> {
  try {
    const chain = await followCnames(challenge, authorities, signal, () => {});
    const end = chain.at(-1) ?? challenge;
    const authority = await authorities.find(end);
    return { chain, authority, views: await askSigned(authority, end, signal) };
  } catch (error) {
    const lost = asDns01Error(error);
    if (lost.code !== 'E_REMOTE') throw error;
    return { lost };
  }
}

/**
 * The challenge name itself is asked for only where the value's name exists: a resolver that caches that it does not may
 * be the CA's. Else each alias is asked for, and the zone's SOA record shows whether its signatures are accepted.
 */
async function questionsAlong(
  { chain, authority: { zone }, views }: Seen,
  context: DnssecContext,
): Promise<Question[]> {
  const [start = zone, end = zone] = [chain[0], chain.at(-1)];
  const values = { name: end, type: 'TXT' } as const;
  const exists = views.some(({ messages }) => messages.some((message) => answersFor(message, values).length > 0));
  if (exists) return [{ name: start, type: 'TXT' }];
  const aliases = await Promise.all(chain.slice(0, -1).map((name) => questionForAlias(name, context)));
  return [...aliases, { name: zone, type: 'SOA' }];
}

/** A CNAME that comes from a DNAME has no signature of its own (RFC 6672 section 5.3.1). */
async function questionForAlias(name: Fqdn, { authorities, signal }: DnssecContext): Promise<Question> {
  const question = { name, type: 'CNAME' } as const;
  const { servers } = await authorities.find(name);
  const message = await askAny(servers, question, { signal, authority: 'preferred' });
  const source = ownerOf(
    message?.answers.find(({ type }) => type === 'DNAME'),
    name,
  );
  return source === undefined ? question : { name: source, type: 'DNAME' };
}

/** A CA asks for CAA records from the domain up to the top level (RFC 8659 section 3). */
function questionsAbove(domain: Fqdn): Question[] {
  const labels = domain.split('.');
  return labels.map((_, index) => ({ name: labels.slice(index).join('.') as Fqdn, type: 'CAA' }));
}

/** A CA does not ask above the first name with CAA records. */
function upToCaa(asked: readonly Asked[]): Asked[] {
  const found = asked.findIndex(
    ({ question, answers }) =>
      question.type === 'CAA' && answers.some(({ message }) => message && answersFor(message, question).length > 0),
  );
  return found < 0 ? [...asked] : asked.slice(0, found + 1);
}

/** One finding for all questions for which the operators say the same. */
function problemsIn(asked: readonly Asked[], faults: ZoneFaults, report: Reporter): Finding[] {
  const groups = new Map<string, Asked[]>();
  for (const each of asked.filter((one) => !isSettled(one))) {
    const key = each.answers.map(({ operator, state }) => `${operator} ${state}`).join('\n');
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()].map((group) => problemOf(group, faults, report));
}

const isSettled = ({ question, answers }: Asked): boolean => {
  const heard = answers.filter(({ state }) => state !== 'failed');
  if (heard.length === 0) return false;
  const isProven = heard.every(({ state }) => state === 'secure') || heard.every(({ state }) => state === 'insecure');
  return isProven && new Set(heard.map(({ message }) => message && contentOf(message, question))).size <= 1;
};

function problemOf(group: readonly Asked[], faults: ZoneFaults, report: Reporter): Finding {
  const what = listed(group.map(({ question }) => `${question.name} ${question.type}`));
  const heard = group.flatMap(({ answers }) => answers.filter(({ state }) => state !== 'failed'));
  if (heard.length === 0) {
    const reasons = new Set(group.flatMap(({ answers }) => answers.map(failureText)));
    return report.warning('dnssec', `no resolver answers for ${what}: ${[...reasons].join('; ')}`);
  }
  const errors = tellingOf(heard.flatMap((answer) => answer.errors));
  const here = group.some(({ question }) => isWithin(question.name, faults.zone)) ? faults.found : [];
  const why = here.map(({ text }) => text).join('; ') || explainErrors(errors);
  const reason = why === '' ? '' : `: ${why}`;
  const states = new Set(heard.map(({ state }) => state));
  const isRefused = [...states].every((state) => state === 'bogus' || state === 'indeterminate');
  if (isRefused && states.has('bogus')) {
    const hint =
      here[0]?.hint ??
      hintOf(errors) ??
      'compare the DS records at the parent with the DNSKEY and RRSIG records of the zone';
    const others = states.has('indeterminate') ? ', or get none' : '';
    return report.bad('dnssec', `resolvers refuse the answer for ${what} as bogus${others}${reason}`, hint);
  }
  if (isRefused) {
    const hint = hintOf(errors) ?? 'repair the name servers: a CA issues nothing without an answer';
    return report.bad('dnssec', `resolvers get no answer for ${what}${reason}`, hint);
  }
  const each = new Set(heard.map(({ operator, state, message }) => `${operator}: ${viewText(state, message)}`));
  const hint = 'wait until caches have expired and run it again; if it stays, compare the name servers with each other';
  return report.warning('dnssec', `resolvers differ for ${what} (${[...each].join('; ')})${reason}`, hint);
}

const viewText = (state: VantageAnswer['state'], message: DnsMessage | undefined): string =>
  message && state !== 'bogus' ? `${state}, ${message.rcode}, ${countText(message.answers.length)}` : state;

const countText = (count: number): string => `${count} ${count === 1 ? 'record' : 'records'}`;

/** What of an answer has to be the same everywhere. An SOA record differs by its serial while a change spreads. */
function contentOf(message: DnsMessage, question: Question): string {
  const records = question.type === 'SOA' ? [] : answersFor(message, question).map(({ data }) => JSON.stringify(data));
  return [message.rcode, ...records.sort()].join('\n');
}

/** Undefined where all is signed. */
function unsignedText(asked: readonly Asked[]): string | undefined {
  const unsigned = asked.filter(({ answers }) => answers.some(({ state }) => state === 'insecure'));
  if (unsigned.length === 0) return undefined;
  const names = [...new Set(unsigned.map(({ question }) => question.name))];
  return `not signed, which a CA accepts: ${listed(names)}`;
}

const namesOf = (answers: readonly VantageAnswer[]): string[] => [...new Set(answers.map(({ operator }) => operator))];
const failureText = ({ operator, reason = '' }: VantageAnswer): string => `${operator}: ${reason}`;

/** "Other" and "bogus" say less than an error that says why. */
function tellingOf(errors: readonly ExtendedError[]): ExtendedError[] {
  const distinct = [...new Map(errors.map((error) => [error.code, error])).values()];
  const telling = distinct.filter(({ code }) => code !== 0 && code !== 6);
  return telling.length > 0 ? telling : distinct;
}
