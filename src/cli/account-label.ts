import { accountLabelOf } from '../challenge/account-label.ts';
import type { Io } from '../output/io.ts';
import type { CommonOptions } from './options.ts';
import { printResult } from './output.ts';

/** `dns01 account-label`: the label before `_acme-challenge` in the names of dns-account-01. Needs no config. */
export function accountLabel(accountUrl: string, options: Pick<CommonOptions, 'json'>, io: Io): void {
  const label = accountLabelOf(accountUrl);
  printResult(io, options, label, { action: 'account-label', accountUrl, label });
}
