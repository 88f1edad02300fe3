import { accountLabelOf } from '../challenge/account-label.ts';
import { countLeftovers, type Leftover, type Swept, scan, sweep } from '../challenge/sweep.ts';
import { Dns01Error, isDns01Error } from '../errors.ts';
import type { Io } from '../output/io.ts';
import { hasProgressLine, openProgress } from '../output/progress.ts';
import { oneColumn } from '../output/text.ts';
import { withRun } from './open-run.ts';
import { type CommonOptions, parseDuration } from './options.ts';
import { MAX_LINES_TOGETHER, printLines } from './output.ts';

export interface SweepOptions extends CommonOptions {
  readonly olderThan: string;
  readonly scan: boolean;
  /** The URL of an ACME account, whose dns-account-01 names are scanned as well. */
  readonly accountUri?: string;
}

/** `dns01 sweep`: withdraws what dns01 published and never withdrew; with `--scan` it only lists unknown values. */
export function sweepLeftovers(options: SweepOptions, io: Io): Promise<void> {
  const seconds = parseDuration(options.olderThan, '--older-than');
  const accountLabel = options.accountUri === undefined ? undefined : accountLabelOf(options.accountUri);
  if (accountLabel !== undefined && !options.scan) throw new Dns01Error('E_USAGE', '--account-uri is only for --scan');
  return withRun(options, io, async (run) => {
    if (options.scan) {
      const accounts = options.account === undefined ? Object.keys(run.config.accounts) : [options.account];
      for await (const leftover of scan(run, accounts, accountLabel))
        io.stdout(options.json ? jsonLine(leftover) : leftoverLine(leftover));
      return;
    }
    const failures: Dns01Error[] = [];
    let count = 0;
    // Nothing is waited for in a dry run, which may list a million values.
    const lines = printLines(io, options.dryRun ? MAX_LINES_TOGETHER : 1);
    const progress = await openProgress(io, options);
    const total = hasProgressLine(io, options) ? await countLeftovers(run.state.journal, seconds * 1000) : undefined;
    try {
      for await (const swept of sweep(run, seconds, options.dryRun)) {
        count++;
        progress.count(count, total);
        if (isDns01Error(swept.outcome)) failures.push(swept.outcome);
        lines.add(options.json ? jsonLine(document(swept)) : sweptLine(swept));
      }
    } finally {
      progress.clear();
      lines.flush();
    }
    if (count === 0) run.log.info('nothing to remove');
    const [first] = failures;
    if (!first) return;
    const message = `${failures.length} of the values could not be withdrawn; the first: ${first.message}`;
    throw new Dns01Error(first.code, message, { hint: first.hint, cause: first });
  });
}

const jsonLine = (document: object): string => `${JSON.stringify(document)}\n`;

function sweptLine({ entry, outcome }: Swept): string {
  const { name, value, account, since } = entry;
  const what = isDns01Error(outcome) ? `failed (${outcome.code})` : outcome;
  return `${[what, name, value, account, `since ${since}`].map(oneColumn).join('\t')}\n`;
}

function document({ entry, outcome }: Swept): object {
  const { name, value, account, since } = entry;
  const failure = isDns01Error(outcome) ? { code: outcome.code, message: outcome.message } : undefined;
  return {
    ok: !failure,
    action: 'sweep',
    name,
    value,
    account,
    since,
    ...(failure ? { error: failure } : { outcome }),
  };
}

const leftoverLine = ({ account, name, value }: Leftover): string => `not ours\t${name}\t${value}\t${account}\n`;
