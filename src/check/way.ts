import { isPersistName } from '../challenge/persist.ts';
import { WHOLE_CONFIG } from '../challenge/principal.ts';
import { routeAlong } from '../challenge/target.ts';
import type { Config } from '../config/load.ts';
import { followCnames } from '../dns/chain.ts';
import { answersFor } from '../dns/message.ts';
import { asDns01Error } from '../errors.ts';
import { type Fqdn, longestZone, parseName } from '../names.ts';
import { askAll, problemText } from './ask.ts';
import type { CheckContext } from './context.ts';
import type { Finding, Findings, Reporter } from './finding.ts';
import { registeredDomain } from './name-rules.ts';
import { checkSurroundings, madeByWildcard } from './surroundings.ts';
import type { Wanted } from './wanted.ts';

export type WayContext = Pick<CheckContext, 'authorities' | 'resolver' | 'signal' | 'config'>;

/** More values than this at one name are forgotten ones. A CA takes any number, but no client needs so many at once. */
const MANY_VALUES = 20;

/** A name and its CNAMEs. */
interface Way {
  readonly start: Fqdn;
  readonly end: Fqdn;
  /** All names, with both ends. */
  readonly chain: readonly Fqdn[];
}

/** Where a CA finds the value, who writes there, and what is at that name and beside it already. */
export async function* checkWay(wanted: Wanted, context: WayContext, report: Reporter): Findings {
  let chain: readonly Fqdn[];
  try {
    await context.authorities.find(wanted.challenge);
  } catch (error) {
    // Whose fault it is shows where the delegation is checked.
    return yield report.notChecked('cname', asDns01Error(error).message);
  }
  try {
    chain = await followCnames(wanted.challenge, context.authorities, context.signal, () => {});
  } catch (error) {
    return yield report.failed('cname', error);
  }
  const way = { start: wanted.challenge, end: chain.at(-1) ?? wanted.challenge, chain };
  // All is asked at once and shown in order.
  const found = await Promise.all([
    checkEnd(way, context, report),
    context.config ? checkWriter(way, context.config, context, report) : [],
    checkSurroundings(wanted, context, report),
  ]);
  yield* found.flat();
}

/** The end of the CNAMEs: whether it can hold a value, and which it holds. */
async function checkEnd({ start, end, chain }: Way, context: WayContext, report: Reporter): Promise<Finding[]> {
  const { authorities, signal } = context;
  const shown = chain.join(' -> ');
  if (end !== start && (await isUnregistered(end, context))) {
    const hint = `remove the CNAME at ${start}, or register the domain: whoever does can get certificates for yours`;
    return [report.warning('cname', `${shown}: the domain at the end does not exist`, hint)];
  }
  try {
    const authority = await authorities.find(end);
    const question = { name: end, type: 'TXT' } as const;
    const { answers, problems } = await askAll(authority, question, signal);
    if (answers.length > 0) {
      const values = answers.map(({ message }) => answersFor(message, question).map(({ data }) => data));
      const where = end === start ? [] : [report.good('cname', `a CA follows ${shown}`)];
      return [...where, ...(await checkValues(end, values, context, report))];
    }
    const each = problems.map(problemText).join('; ');
    // The servers of the name itself are a matter of the delegation.
    if (end === start) return [report.notChecked('cname', `no name server of ${authority.zone} answers: ${each}`)];
    return [
      problems.some(({ isTheirs }) => isTheirs)
        ? report.bad('cname', `${shown}: no name server of ${authority.zone} answers for ${end}: ${each}`, REPAIR)
        : report.notChecked(
            'cname',
            `${shown}: this machine cannot reach the name servers of ${authority.zone}: ${each}`,
          ),
    ];
  } catch (error) {
    if (end === start) throw error;
    return [report.bad('cname', `${shown}: ${asDns01Error(error).message}`, REPAIR)];
  }
}

/** Whether nobody has registered the domain of a name. A name that only has no records yet is none of these. */
async function isUnregistered(name: Fqdn, { resolver }: WayContext): Promise<boolean> {
  const registered = parseName(registeredDomain(name) ?? '');
  if (registered === undefined) return false;
  return resolver.resolve({ name: registered, type: 'SOA' }).then(
    ({ rcode }) => rcode === 'NXDOMAIN',
    () => false,
  );
}

const REPAIR = 'repair the name servers at the end of the CNAME, or let the CNAME lead elsewhere';

/** Values of earlier orders that nobody has removed. */
async function checkValues(
  end: Fqdn,
  byServer: readonly (readonly string[])[],
  { authorities, signal }: WayContext,
  report: Reporter,
): Promise<Finding[]> {
  if (isPersistName(end)) return [];
  const all = new Set(byServer.flat());
  if (all.size === 0) return [];
  const made = await madeByWildcard(end, await authorities.find(end), signal);
  const own = [...all].filter((value) => !made.some(({ data }) => data === value));
  if (own.length === 0) return [];
  const text = `${end} holds ${own.length} ${own.length === 1 ? 'value' : 'values'} already`;
  if (own.length <= MANY_VALUES) return [report.good('old values', `${text}, which does no harm`)];
  return [
    report.warning('old values', `${text}, so that the answer is long`, 'remove them: dns01 sweep finds its own'),
  ];
}

export function writtenAt(start: Fqdn, end: Fqdn, account: string, report: Reporter): Finding {
  const where = end === start ? `written at ${end}` : `${start} -> ${end}, written`;
  return report.good('target', `${where} by account ${account}`);
}

/** The name has a CNAME that a CA follows. */
export const notFollowed = (start: Fqdn, { file }: Config, report: Reporter): Finding =>
  report.warning(
    'target',
    `${file} says dns.followCnames: false, so dns01 writes ${start}, where no CA sees it`,
    'remove dns.followCnames',
  );

/** Which account of the config writes at the end. Without one, other programs may still. */
async function checkWriter(
  { start, end, chain }: Way,
  config: Config,
  { authorities }: WayContext,
  report: Reporter,
): Promise<Finding> {
  try {
    const { account } = await routeAlong(chain, { config, authorities }, { principal: WHOLE_CONFIG });
    return end === start || config.followCnames
      ? writtenAt(start, end, account, report)
      : notFollowed(start, config, report);
  } catch (error) {
    const { message, hint } = asDns01Error(error);
    const isOurs = config.zones.length === 0 || chain.some((name) => longestZone(config.zones, name) !== undefined);
    return isOurs ? report.warning('target', message, hint) : report.notChecked('target', message, hint);
  }
}
