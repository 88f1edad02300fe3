import { guard } from '../challenge/challenge.ts';
import { preview } from '../challenge/preview.ts';
import { withdraw } from '../challenge/withdraw.ts';
import type { Io } from './io.ts';
import { withRun } from './open-run.ts';
import type { CommonOptions } from './options.ts';
import { printResult } from './output.ts';

/** `dns01 remove-txt`: withdraw exactly this value; nothing there is a success. */
export function removeTxt(name: string, value: string, options: CommonOptions, io: Io): Promise<void> {
  return withRun(options, io, async (run) => {
    const challenge = guard({ name, value }, run.config, run.log.warn);
    if (options.dryRun) {
      const { account, provider, zone, present } = await preview(challenge, run, options);
      const what = present ? 'would be withdrawn' : 'is not there, nothing to do';
      const document = { action: 'remove', ...challenge, account, provider, zone, changed: present, dryRun: true };
      return printResult(io, options, `${challenge.name}: ${what} through account ${account} (${provider})`, document);
    }
    const { account, provider, zone, changed } = await withdraw(challenge, run, options);
    const document = { action: 'remove', ...challenge, account, provider, zone, changed, waitedMs: 0 };
    const what = changed ? 'withdrawn' : 'was not there any more';
    printResult(io, options, `${challenge.name}: ${what} through account ${account} (${provider})`, document);
  });
}
