import { WHOLE_CONFIG } from '../challenge/principal.ts';
import type { Overrides } from '../challenge/route.ts';
import type { Run } from '../challenge/run.ts';
import { findTarget, type Target } from '../challenge/target.ts';
import type { Authority } from '../dns/authority.ts';
import { openResolver } from '../dns/resolver.ts';
import { checkAccountLabel } from './account-label.ts';
import { checkCaa } from './caa.ts';
import type { IssueRequest } from './caa-rules.ts';
import { type Finding, type Findings, type Reporter, reporterFor, untilFailure } from './finding.ts';
import { checkNameServers, showProviders } from './name-servers.ts';
import { probeZone } from './server-probe.ts';
import { judgeNegativeTtl, judgeServers } from './servers.ts';
import { checkSurroundings } from './surroundings.ts';
import type { Wanted } from './wanted.ts';

export interface NameSettings {
  readonly overrides: Overrides;
  readonly request: Pick<IssueRequest, 'issuer' | 'accountUri'>;
  /** Zones whose servers were already checked in this run. */
  readonly checkedZones: Set<string>;
}

/** What the public DNS says about a name or zone, as far as a challenge depends on it. */
export async function* checkName(wanted: Wanted, settings: NameSettings, run: Run): Findings {
  const report = reporterFor(wanted.subject);
  yield* untilFailure('account', report, checkAccountLabel(wanted, settings.request.accountUri, report));
  yield* untilFailure('dns', report, checkDns(wanted, settings, run, report));
  const context = { resolver: openResolver(run.config.resolvers, run.deadline.signal) };
  yield* untilFailure('caa', report, checkCaa(wanted, { ...settings.request, method: wanted.method }, context, report));
}

async function* checkDns(wanted: Wanted, settings: NameSettings, run: Run, report: Reporter): Findings {
  const { overrides, checkedZones } = settings;
  const once = async function* (authority: Authority): Findings {
    if (checkedZones.has(authority.zone)) return;
    checkedZones.add(authority.zone);
    const states = await probeZone(authority, run.deadline.signal);
    const zoneReport = reporterFor(`zone ${authority.zone}`);
    yield* judgeServers(states, authority.configured, zoneReport);
    const negative = judgeNegativeTtl(authority.zone, states, zoneReport);
    if (negative) yield negative;
    yield* showProviders(authority);
  };
  const authority = await run.authorities.find(wanted.challenge);
  yield* once(authority);
  const target = await findTarget(wanted.challenge, run, { principal: WHOLE_CONFIG, overrides });
  yield checkTarget(wanted, target, report);
  const end = await run.authorities.find(target.name);
  yield* once(end);
  yield checkDelegation(target, end, report);
  yield* checkNameServers(target, run, report);
  const context = { authorities: run.authorities, signal: run.deadline.signal };
  yield* await checkSurroundings(wanted, context, report);
}

function checkTarget({ challenge }: Wanted, { name, account }: Target, report: Reporter): Finding {
  const where = name === challenge ? `written at ${name}` : `${challenge} -> ${name}, written`;
  return report.good('target', `${where} by account ${account}`);
}

function checkDelegation({ name, zone }: Target, { zone: cut, configured }: Authority, report: Reporter): Finding {
  if (configured) return report.notChecked('delegation', `dns.nameservers says which servers to ask for ${cut}`);
  if (zone === undefined) return report.good('delegation', `in the DNS, ${name} is in the zone ${cut}`);
  if (zone === cut) return report.good('delegation', 'the zone is delegated');
  return report.warning(
    'delegation',
    `in the DNS, ${name} is in the zone ${cut}`,
    `the record would be written into ${zone}, where no resolver looks for it: put ${cut} under zones:`,
  );
}
