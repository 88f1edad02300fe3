import { isDns01Error } from '../errors.ts';
import type { Fqdn } from '../names.ts';
import type { Account } from './account.ts';
import type { Challenge } from './challenge.ts';
import { findTarget } from './delegation.ts';
import type { Overrides } from './route.ts';
import type { Run } from './run.ts';

export interface Preview {
  readonly account: string;
  readonly provider: string;
  readonly zone: string | undefined;
  /** Where the value would stand: the name itself, or where its CNAMEs lead. */
  readonly target: Fqdn;
  /** Whether the value is there now; undefined where the provider cannot tell. */
  readonly present: boolean | undefined;
}

/** Who would be written to, and whether the value is there: asks the provider, writes nothing. */
export async function preview({ name, value }: Challenge, run: Run, overrides: Overrides): Promise<Preview> {
  const { name: target, account: accountName, zone } = await findTarget(name, run, overrides);
  const account = await run.account(accountName);
  const values = await valuesAt(target, zone, account);
  const present = values?.includes(value);
  return { account: account.name, provider: account.definition.type, zone, target, present };
}

/** The values at a name, as the provider holds them; undefined where it cannot list. */
export async function valuesAt(name: Fqdn, zone: Fqdn | undefined, account: Account): Promise<string[] | undefined> {
  try {
    return await account.use((provider) => provider.listTxt(name, zone));
  } catch (error) {
    if (isDns01Error(error) && error.code === 'E_REJECTED') return undefined;
    throw error;
  }
}
