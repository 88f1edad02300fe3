import { parseReadName } from '../challenge/challenge.ts';
import { isDelegatedZone } from '../challenge/route.ts';
import { seenAt } from '../challenge/target.ts';
import { waitedText, waitUntilVisible } from '../challenge/wait.ts';
import type { Io } from '../output/io.ts';
import { openProgress } from '../output/progress.ts';
import { withRun } from './open-run.ts';
import type { CommonOptions } from './options.ts';
import { printResult } from './output.ts';

/** `dns01 wait-txt`: only the wait. */
export function waitTxt(text: string, value: string, options: CommonOptions, io: Io): Promise<void> {
  return withRun(options, io, async (run) => {
    const name = parseReadName(text, isDelegatedZone(run.config));
    if (options.dryRun)
      return printResult(io, options, `${name}: would wait`, { action: 'wait', name, value, dryRun: true });
    const progress = await openProgress(io, options);
    const values = [{ name: await seenAt(name, run), value }];
    const waited = await waitUntilVisible(values, run, progress.update).finally(progress.clear);
    const line = `${name}: ${waitedText(waited)}`;
    printResult(io, options, line, { action: 'wait', name, value, waitedMs: waited.waitedMs });
  });
}
