import { WHOLE_CONFIG } from '../challenge/principal.ts';
import type { Overrides } from '../challenge/route.ts';
import type { Run } from '../challenge/run.ts';
import { findTarget, type Target } from '../challenge/target.ts';
import type { Authority } from '../dns/authority.ts';
import { followCnames } from '../dns/chain.ts';
import type { Finding, Findings, Reporter } from './finding.ts';
import { checkNameServers, showProviders } from './name-servers.ts';
import type { Wanted } from './wanted.ts';
import { notFollowed, writtenAt } from './way.ts';

/** Whether the account of a name writes where the DNS looks. */
export async function* checkPlace(
  { challenge }: Pick<Wanted, 'challenge'>,
  overrides: Overrides,
  run: Run,
  report: Reporter,
): Findings {
  yield* showProviders(await run.authorities.find(challenge));
  const target = await findTarget(challenge, run, { principal: WHOLE_CONFIG, overrides });
  yield writtenAt(challenge, target.name, target.account, report);
  if (!run.config.followCnames) {
    const chain = await followCnames(challenge, run.authorities, run.deadline.signal, () => {});
    if (chain.length > 1) yield notFollowed(challenge, run.config, report);
  }
  const authority = await run.authorities.find(target.name);
  if (target.name !== challenge) yield* showProviders(authority);
  if (!authority.configured) yield zoneFinding(target, authority, report);
  yield* checkNameServers(target, run, report);
}

function zoneFinding({ name, zone }: Target, { zone: cut }: Authority, report: Reporter): Finding {
  if (zone === undefined || zone === cut) return report.good('delegation', `in the DNS, ${name} is in the zone ${cut}`);
  return report.warning(
    'delegation',
    `in the DNS, ${name} is in the zone ${cut}`,
    `the record would be written into ${zone}, where no resolver looks for it: put ${cut} under zones:`,
  );
}
