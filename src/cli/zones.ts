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
    const rows: ZoneRow[] = [];
    for (const account of accounts) {
      for await (const row of zonesOf(account, run)) {
        rows.push(row);
        if (!options.json) io.stdout(`${row.account}\t${row.zone}${row.active ? '' : '\tinactive'}\n`);
      }
    }
    if (options.json) io.stdout(`${JSON.stringify({ ok: true, action: 'zones', zones: rows })}\n`);
  });
}

async function* zonesOf(name: string, run: Run): AsyncGenerator<ZoneRow> {
  const account = await run.account(name);
  const { type: provider } = account.definition;
  const found = await account.use(async (dns) => {
    if (!dns.listZones) return undefined;
    const all: ZoneRow[] = [];
    for await (const { name: zone, active = true } of dns.listZones())
      all.push({ account: name, provider, zone, active });
    return all;
  });
  if (found) yield* found;
  else yield* configuredZones(name, provider, run);
}

/** Some APIs cannot tell; then what the config says is all there is. */
function configuredZones(account: string, provider: string, { config, log }: Run): ZoneRow[] {
  const known = config.zones.filter((route) => route.account === account);
  log.info(`account ${account} (${provider}): the API cannot list zones, ${known.length} known from the config`);
  return known.map(({ zone }) => ({ account, provider, zone, active: true }));
}
