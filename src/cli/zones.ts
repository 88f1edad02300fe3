import type { Run } from '../challenge/run.ts';
import { asDns01Error, type Dns01Error } from '../errors.ts';
import type { Io } from '../output/io.ts';
import { withRun } from './open-run.ts';
import type { CommonOptions } from './options.ts';

interface ZoneRow {
  readonly account: string;
  readonly provider: string;
  readonly zone: string;
  readonly active: boolean;
}

/** `dns01 zones`: the zones that each account can write, one a line as they arrive; as JSON in one document. */
export function zones(options: CommonOptions, io: Io): Promise<void> {
  return withRun(options, io, async (run) => {
    const accounts = options.account === undefined ? Object.keys(run.config.accounts) : [options.account];
    const rows: ZoneRow[] = [];
    const failures: Dns01Error[] = [];
    for (const listed of accounts.map((account) => begun(zonesOf(account, run)))) {
      try {
        for await (const row of listed) {
          if (options.json) rows.push(row);
          else io.stdout(asLine(row));
        }
      } catch (error) {
        failures.push(asDns01Error(error));
      }
    }
    // A failing account does not hide the others; the first failure decides the exit code.
    for (const failure of failures.slice(1)) run.log.warn(failure.message);
    if (failures[0]) throw failures[0];
    if (options.json) io.stdout(`${JSON.stringify({ ok: true, action: 'zones', zones: rows })}\n`);
  });
}

const asLine = ({ account, zone, active }: ZoneRow): string => `${account}\t${zone}${active ? '' : '\tinactive'}\n`;

/** The same rows, with the first one requested at once: the accounts log in at the same time and print in order. */
async function* drain<Row>(first: Promise<IteratorResult<Row, void>>, rest: AsyncGenerator<Row, void>) {
  for (let step = await first; !step.done; step = await rest.next()) yield step.value;
}

function begun<Row>(rows: AsyncGenerator<Row, void>): AsyncGenerator<Row, void> {
  const first = rows.next();
  // The error is reported when it is this account's turn.
  first.catch(() => {});
  return drain(first, rows);
}

async function* zonesOf(name: string, run: Run): AsyncGenerator<ZoneRow, void> {
  const account = await run.account(name);
  const { type: provider } = account.definition;
  const listed = await account.use(async (dns) => dns.listZones?.()[Symbol.asyncIterator]());
  if (!listed) return yield* configuredZones(name, provider, run);
  for (;;) {
    const step = await account.use(() => listed.next());
    if (step.done) return;
    const { name: zone, active = true } = step.value;
    yield { account: name, provider, zone, active };
  }
}

/** Some APIs cannot list zones; then only the config's are known. */
function configuredZones(account: string, provider: string, { config, log }: Run): ZoneRow[] {
  const known = config.zones.filter((route) => route.account === account);
  log.info(`account ${account} (${provider}): the API cannot list zones, ${known.length} known from the config`);
  return known.map(({ zone }) => ({ account, provider, zone, active: true }));
}
