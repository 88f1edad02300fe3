import { domainToUnicode } from 'node:url';
import { type Fqdn, isWithin } from '../names.ts';
import { type CheckContext, configuredZone } from './context.ts';
import type { Finding, Findings, Reporter } from './finding.ts';
import { registeredDomain } from './name-rules.ts';
import type { Wanted } from './wanted.ts';

/** Whether the registered domain of a name exists. The name itself need not. */
export async function* checkDomain({ domain }: Wanted, context: CheckContext, report: Reporter): Findings {
  if (configuredZone(domain, context)) return;
  const registered = registeredDomain(domain) as Fqdn | undefined;
  if (registered === undefined) return yield report.notChecked('name', `${domain} is below no public suffix`);
  const { rcode, failure } = await context.delegations.find(registered);
  const isUnknown = failure !== undefined && !isWithin(failure.zone, registered);
  if (isUnknown) yield await askResolver(domain, registered, context, report);
  else if (rcode === 'NXDOMAIN' && (await isPrivate(registered, context)))
    yield report.warning('name', `${registered} is not in the public DNS, so only a CA of your own issues for it`);
  else yield judge(domain, registered, rcode ?? 'NOERROR', report);
}

async function isPrivate(registered: Fqdn, { resolver, asConfigured }: CheckContext): Promise<boolean> {
  if (!asConfigured) return false;
  return resolver.resolve({ name: registered, type: 'SOA' }).then(
    ({ rcode }) => rcode === 'NOERROR',
    () => false,
  );
}

/** Where this machine cannot ask the servers above the domain. */
async function askResolver(
  domain: Fqdn,
  registered: Fqdn,
  { resolver }: CheckContext,
  report: Reporter,
): Promise<Finding> {
  try {
    return judge(domain, registered, (await resolver.resolve({ name: registered, type: 'SOA' })).rcode, report);
  } catch {
    return report.notChecked('name', `${inUnicode(domain)}whether ${registered} exists is not known`);
  }
}

function judge(domain: Fqdn, registered: Fqdn, rcode: string, report: Reporter): Finding {
  if (rcode !== 'NXDOMAIN') return report.good('name', `${inUnicode(domain)}${registered} exists`);
  return report.bad(
    'name',
    `${registered} does not exist in the DNS`,
    'check the spelling and the registration: a domain that has expired or is on hold does not exist either',
  );
}

/** An internationalised name in both forms: the CA gets the one in ASCII. */
function inUnicode(domain: Fqdn): string {
  const unicode = domainToUnicode(domain);
  return unicode === domain || unicode === '' ? '' : `${domain} is ${unicode}; `;
}
