import type { CheckContext } from './context.ts';
import { type Findings, reporterFor } from './finding.ts';
import { judgeNegativeTtl } from './servers.ts';
import type { Wanted } from './wanted.ts';

/** For how long a CA's resolver may still hold that the value is not there (RFC 2308). */
export async function* checkNegative({ challenge }: Wanted, context: CheckContext): Findings {
  const { zones, failure } = await context.delegations.find(challenge);
  const zone = zones.at(-1);
  if (!zone || failure) return;
  const finding = judgeNegativeTtl(zone.zone, await context.probe(zone), reporterFor(`zone ${zone.zone}`));
  if (finding) yield finding;
}
