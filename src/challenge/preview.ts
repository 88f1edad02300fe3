import type { Account } from '../accounts/account.ts';
import { isDns01Error } from '../errors.ts';
import type { Fqdn } from '../names.ts';
import type { Challenge } from './challenge.ts';
import type { Run } from './run.ts';
import { findTarget, type Target, type TargetSettings } from './target.ts';
import { inFirstZone } from './zone-search.ts';

export interface Preview {
  readonly account: string;
  readonly provider: string;
  readonly zone: Fqdn | undefined;
  /** Where the value belongs: the name itself, or the end of its CNAMEs. */
  readonly target: Fqdn;
  /** Whether the value is there now; undefined where the provider cannot tell. */
  readonly present: boolean | undefined;
}

/** Finds the account, and whether the value is there. Reads from the provider and writes nothing. */
export async function preview({ name, value }: Challenge, run: Run, settings: TargetSettings): Promise<Preview> {
  const target = await findTarget(name, run, settings);
  const account = await run.account(target.account);
  const listed = await valuesIfKnown(() => valuesAt(target, account));
  return {
    account: account.name,
    provider: account.definition.type,
    zone: target.zone ?? listed?.zone,
    target: target.name,
    present: listed?.values.includes(value),
  };
}

/** The values that the provider holds at a name, and the zone that they are in. */
export async function valuesAt(
  { name, zones }: Pick<Target, 'name' | 'zones'>,
  account: Account,
): Promise<{ values: string[]; zone: Fqdn }> {
  const tried = account.definition.anyZone ? zones.slice(0, 1) : zones;
  return inFirstZone(name, tried, async (zone) => ({
    values: await account.use((provider) => provider.listTxt(name, zone)),
    zone,
  }));
}

/** Undefined where the provider cannot list. */
export async function valuesIfKnown<Result>(list: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await list();
  } catch (error) {
    if (isDns01Error(error) && error.code === 'E_REJECTED') return undefined;
    throw error;
  }
}
