import { validAccount } from '../accounts/definition.ts';
import { isServerOf, providersServing } from '../accounts/served-by.ts';
import type { Run } from '../challenge/run.ts';
import type { Target } from '../challenge/target.ts';
import type { Authority } from '../dns/authority.ts';
import { asDns01Error } from '../errors.ts';
import type { Fqdn } from '../names.ts';
import { type Findings, type Reporter, reporterFor } from './finding.ts';

/**
 * Whether the zone is delegated to the servers of the account that writes it, by the zone's NS records at the provider.
 * Other names prove nothing: a parent zone may use the customer's own names for the same servers, and some secondaries
 * replace the primary's NS records with their own.
 */
export async function* checkNameServers({ name, account }: Target, run: Run, report: Reporter): Findings {
  const { zone, servers, configured } = await run.authorities.find(name);
  if (configured) return;
  const asked = namesOf(servers);
  yield* checkProvider(account, zone, asked, run, report);
  let written: string[];
  try {
    written = await nameServersAt(account, zone, run);
  } catch (error) {
    const { message, hint } = asDns01Error(error);
    yield report.notChecked('delegation', `the account's own name servers are not known: ${message}`, hint);
    return;
  }
  if (written.length === 0) return;
  const common = asked.filter((server) => written.includes(server));
  if (common.length === asked.length)
    yield report.good('delegation', `the name servers are the provider's: ${common.join(', ')}`);
  else if (common.length > 0)
    yield report.good('delegation', `of the name servers ${asked.join(', ')}, the provider has ${common.join(', ')}`);
  else {
    yield report.warning(
      'delegation',
      `${zone} is delegated to ${asked.join(', ')}, but account ${account} writes to ${written.join(', ')}`,
      `change the delegation of ${zone} at its registrar, or use the account that has these servers; this is fine only ` +
        'where they are secondaries, or other names of the same servers: dns01 doctor --write shows whether it works',
    );
  }
}

/** Which providers serve a zone, by the names of its servers. */
export async function* showProviders({ zone, servers, configured }: Authority): Findings {
  if (configured) return;
  const found = await providersServing(namesOf(servers));
  if (found.length === 0) return;
  const shown = found.map(({ title, type }) => `${title} (provider: ${type})`).join(' and ');
  yield reporterFor(`zone ${zone}`).good('provider', `${zone} is served by ${shown}`);
}

/** Whether an account writes to another provider than the one that serves the zone. */
async function* checkProvider(
  account: string,
  zone: Fqdn,
  asked: readonly string[],
  run: Run,
  report: Reporter,
): Findings {
  const { definition } = await validAccount(account, run);
  const isOwn = asked.some((name) => isServerOf(definition, name));
  if (isOwn || !definition.nameServerPatterns) return;
  const [serving] = await providersServing(asked);
  if (!serving) return;
  yield report.warning(
    'delegation',
    `${zone} is served by ${serving.title}, but account ${account} writes to ${definition.title}`,
    `use an account with provider: ${serving.type}, or change the delegation of ${zone} at its registrar`,
  );
}

const namesOf = (servers: Authority['servers']): string[] => [...new Set(servers.map(({ name }) => name))];

async function nameServersAt(account: string, zone: Fqdn, run: Run): Promise<string[]> {
  const { use } = await run.account(account);
  const names = await use(async (provider) => (await provider.nameServers?.(zone)) ?? []);
  return [...new Set(names)];
}
