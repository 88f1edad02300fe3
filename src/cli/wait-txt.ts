import { seenAt } from '../challenge/delegation.ts';
import { normaliseName } from '../names.ts';
import type { Io } from './io.ts';
import { withRun } from './open-run.ts';
import type { CommonOptions } from './options.ts';
import { printResult } from './output.ts';
import { waitShowingProgress } from './wait.ts';

/** `dns01 wait-txt`: only the wait. */
export function waitTxt(text: string, value: string, options: CommonOptions, io: Io): Promise<void> {
  return withRun(options, io, async (run) => {
    const name = normaliseName(text);
    if (options.dryRun)
      return printResult(io, options, `${name}: would wait`, { action: 'wait', name, value, dryRun: true });
    const waitedMs = await waitShowingProgress([{ name: await seenAt(name, run), value }], run, io, options);
    const line = `${name}: shown by every name server after ${(waitedMs / 1000).toFixed(1)} s`;
    printResult(io, options, line, { action: 'wait', name, value, waitedMs });
  });
}
