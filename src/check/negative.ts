import { followCnames } from '../dns/chain.ts';
import { answersFor, readSoa } from '../dns/message.ts';
import type { VantageAnswer } from '../dns/validating.ts';
import type { Fqdn } from '../names.ts';
import { askAll } from './ask.ts';
import type { CheckContext } from './context.ts';
import { type Finding, type Findings, type Reporter, reporterFor } from './finding.ts';
import type { ProbedZone } from './server-probe.ts';
import { judgeNegativeTtl } from './servers.ts';
import type { Wanted } from './wanted.ts';

/** For how long resolvers may hold that the value is not there (RFC 2308), and which hold it now although it is there. */
export async function* checkNegative({ challenge }: Wanted, context: CheckContext, report: Reporter): Findings {
  const { authorities, signal } = context;
  const chain = await followCnames(challenge, authorities, signal, () => {}).catch(() => [challenge]);
  const end = chain.at(-1) ?? challenge;
  const zones = await Promise.all(
    [...new Set([challenge, end])].map((name) => authorities.find(name).catch(() => undefined)),
  );
  for (const zone of zones) {
    if (!zone) continue;
    const states = await context.probe(zone);
    const finding = judgeNegativeTtl(zone.zone, states, reporterFor(`zone ${zone.zone}`));
    if (finding) yield finding;
  }
  yield* await staleAnswers(challenge, end, zones.at(-1), context, report);
}

/** A resolver is only asked for a name that is there: otherwise it would remember that it is not. */
async function staleAnswers(
  challenge: Fqdn,
  end: Fqdn,
  zone: ProbedZone | undefined,
  { vantages, signal }: CheckContext,
  report: Reporter,
): Promise<Finding[]> {
  if (!zone) return [];
  const question = { name: end, type: 'TXT' } as const;
  const { answers } = await askAll(zone, question, signal);
  const isShown = answers.length > 0 && answers.every(({ message }) => answersFor(message, question).length > 0);
  if (!isShown) return [];
  const views = await vantages.ask({ name: challenge, type: 'TXT' });
  return views.flatMap((view) => {
    const leftS = negativeFor(view, challenge);
    if (leftS === undefined) return [];
    const text = `${view.operator} still holds, for ${leftS} s, that there is no value at ${challenge}`;
    return [report.warning('negative answers', text, 'wait that long: the resolver of a CA may hold it too')];
  });
}

/** The seconds that are left of a negative answer; undefined for every other one. */
function negativeFor({ message }: VantageAnswer, name: Fqdn): number | undefined {
  const soa = message?.authorities.find(({ type }) => type === 'SOA');
  if (!message || !soa || answersFor(message, { name, type: 'TXT' }).length > 0) return undefined;
  return readSoa(soa).negativeTtlS;
}
