import type { Run } from '../challenge/run.ts';
import type { Target } from '../challenge/target.ts';
import { asDns01Error } from '../errors.ts';
import type { Fqdn } from '../names.ts';
import type { Findings, Reporter } from './finding.ts';

/**
 * Whether the world asks the servers of the account that is written to, by the names that the zone's NS records have
 * there. Other names are no proof: a parent zone may call the same servers by names of the customer's own, and some
 * secondaries put themselves in the place of the primary's NS records.
 */
export async function* checkNameServers({ name, account }: Target, run: Run, report: Reporter): Findings {
  const { zone, servers, configured } = await run.authorities.find(name);
  if (configured) return;
  const asked = [...new Set(servers.map((server) => server.name))];
  let written: string[];
  try {
    written = await nameServersAt(account, zone, run);
  } catch (error) {
    const text = `whether ${zone} is delegated to account ${account} could not be seen: ${asDns01Error(error).message}`;
    yield report.warning('delegation', text);
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
      `the world asks ${asked.join(', ')}, but account ${account} writes to ${written.join(', ')}`,
      `change the delegation of ${zone} at its registrar, or give the zone to the account that has these servers; ` +
        'right only where they are secondaries of the account, or other names of the same servers: doctor --write shows it',
    );
  }
}

async function nameServersAt(account: string, zone: Fqdn, run: Run): Promise<string[]> {
  const { use } = await run.account(account);
  const names = await use(async (provider) => (await provider.nameServers?.(zone)) ?? []);
  return [...new Set(names)];
}
