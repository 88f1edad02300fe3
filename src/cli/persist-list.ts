import { BOULDER, persistNameOf, readPersist } from '../challenge/persist.ts';
import { valuesAt } from '../challenge/preview.ts';
import { WHOLE_CONFIG } from '../challenge/principal.ts';
import { findTarget } from '../challenge/target.ts';
import type { Io } from '../output/io.ts';
import { oneColumn } from '../output/text.ts';
import { withRun } from './open-run.ts';
import type { PersistFlags } from './persist-commands.ts';

/** A record as it is listed; `problem` where no CA can read it. */
interface Listed {
  readonly value: string;
  readonly issuer?: string | undefined;
  readonly accountUri?: string;
  readonly wildcard?: boolean;
  /** RFC 3339, or the number where it is no time; undefined: without end. */
  readonly until?: string | undefined;
  readonly expired?: boolean;
  readonly problem?: string;
  /** This machine published it. */
  readonly ours: boolean;
}

/** `dns01 persist list`: what the provider holds, one record a line. */
export async function persistList(domain: string, flags: PersistFlags, io: Io): Promise<void> {
  const name = persistNameOf(domain);
  await withRun(flags, io, async (run) => {
    const target = await findTarget(name, run, { principal: WHOLE_CONFIG, overrides: flags });
    const account = await run.account(target.account);
    const { values } = await valuesAt(target, account);
    const records: Listed[] = [];
    for (const value of values.sort()) {
      const ours = (await run.state.journal.find(name, value)) !== undefined;
      records.push({ ...describe(value, Date.now()), ours });
    }
    const { type: provider } = account.definition;
    const document = { ok: true, action: 'list', name, account: account.name, provider, records };
    io.stdout(flags.json ? `${JSON.stringify(document)}\n` : records.map(asLine).join(''));
    if (records.length === 0) run.log.info(`${name}: no TXT record at account ${account.name} (${provider})`);
  });
}

function describe(value: string, now: number): Omit<Listed, 'ours'> {
  const read = readPersist(value, BOULDER);
  if ('problem' in read) return { value, issuer: read.issuer, problem: read.problem };
  const { issuer, accountUri, policy, until } = read.record;
  const wildcard = policy.toLowerCase() === 'wildcard';
  if (until === undefined) return { value, issuer, accountUri, wildcard };
  const end = new Date(Number(until) * 1000);
  const shown = Number.isNaN(end.getTime()) ? String(until) : end.toISOString().replace('.000Z', 'Z');
  return { value, issuer, accountUri, wildcard, until: shown, expired: Number(until) * 1000 < now };
}

function asLine({ value, issuer, accountUri, wildcard, until, expired, problem, ours }: Listed): string {
  if (problem !== undefined) return `malformed\t${oneColumn(value)}\t${problem}\n`;
  const end = until === undefined ? 'no end' : `${expired ? 'expired' : 'until'} ${until}`;
  const scope = wildcard ? 'with wildcards' : 'no wildcards';
  return `${[issuer, accountUri, scope, end, ours ? 'ours' : 'not ours'].join('\t')}\n`;
}
