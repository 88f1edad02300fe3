import { accountLabelOf } from '../challenge/account-label.ts';
import { challengeNameOf } from '../challenge/challenge.ts';
import type { Findings, Reporter } from './finding.ts';
import type { Wanted } from './wanted.ts';

/** The CA looks only at the name with the label of the account that asks. */
export async function* checkAccountLabel(
  { domain, accountLabel }: Wanted,
  accountUri: string | undefined,
  report: Reporter,
): Findings {
  if (accountLabel === undefined || accountUri === undefined) return;
  const right = accountLabelOf(accountUri);
  if (right === accountLabel) return;
  yield report.bad(
    'account',
    `${accountLabel} is not the label of the account ${accountUri}`,
    `use ${challengeNameOf(domain, right)}`,
  );
}
