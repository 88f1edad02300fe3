import type { Fqdn } from '../names.ts';
import type { Challenge } from './challenge.ts';
import { findTarget } from './delegation.ts';
import type { RouteWishes } from './route.ts';
import type { Run } from './run.ts';

export interface Preview {
  readonly account: string;
  readonly provider: string;
  readonly zone: string | undefined;
  /** Where the value would stand: the name itself, or where its CNAMEs lead. */
  readonly target: Fqdn;
  /** Whether the value is there now. */
  readonly present: boolean;
}

/** Who would be written to, and whether the value is there: asks the provider, writes nothing. */
export async function preview({ name, value }: Challenge, run: Run, wishes: RouteWishes): Promise<Preview> {
  const { name: target, account: accountName, zone } = await findTarget(name, run, wishes);
  const account = await run.account(accountName);
  const values = await account.use((provider) => provider.listTxt(target, zone));
  return { account: account.name, provider: account.definition.type, zone, target, present: values.includes(value) };
}
