import type { Run } from '../challenge/run.ts';
import type { Io } from './io.ts';
import { withRun } from './open-run.ts';
import type { CommonOptions } from './options.ts';

interface ZoneRow {
  readonly account: string;
  readonly provider: string;
  readonly zone: string;
  readonly active: boolean;
}

/** `dns01 zones`: what each account can write, one zone a line. */
export function zones(options: CommonOptions, io: Io): Promise<void> {
  return withRun(options, io, async (run) => {
    const accounts = options.account === undefined ? Object.keys(run.config.accounts) : [options.account];
    const results = await Promise.allSettled(accounts.map((account) => zonesOf(account, run)));
    const rows = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []));
    // One account that fails hides nothing of the others; the first failure decides the exit code.
    for (const failure of failures.slice(1)) run.log.warn(failure.message);
    if (!options.json) for (const row of rows) io.stdout(asLine(row));
    if (failures[0]) throw failures[0];
    if (options.json) io.stdout(`${JSON.stringify({ ok: true, action: 'zones', zones: rows })}\n`);
  });
}

const asLine = ({ account, zone, active }: ZoneRow): string => `${account}\t${zone}${active ? '' : '\tinactive'}\n`;

async function zonesOf(name: string, run: Run): Promise<ZoneRow[]> {
  const account = await run.account(name);
  const { type: provider } = account.definition;
  return account.use(async (dns) => {
    if (!dns.listZones) return configuredZones(name, provider, run);
    const rows: ZoneRow[] = [];
    for await (const { name: zone, active = true } of dns.listZones())
      rows.push({ account: name, provider, zone, active });
    return rows;
  });
}

/** Some APIs cannot tell; then what the config says is all there is. */
function configuredZones(account: string, provider: string, { config, log }: Run): ZoneRow[] {
  const known = config.zones.filter((route) => route.account === account);
  log.info(`account ${account} (${provider}): the API cannot list zones, ${known.length} known from the config`);
  return known.map(({ zone }) => ({ account, provider, zone, active: true }));
}
