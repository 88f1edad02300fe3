import type { Reporter, TestModule } from 'vitest/node';
import { emptyTally, type Tally } from './tally.ts';

/** Ends a run with what its tests have counted, a line each. */
export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const sum = emptyTally();
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        for (const [key, number] of Object.entries(test.meta().tally ?? {})) sum[key as keyof Tally] += number;
      }
    }
    process.stdout.write(
      `\nfaults tried: ${sum.faults}\nkills survived: ${sum.kills}\nprocesses at once: ${sum.crowd}\n` +
        `records lost: ${sum.lost}\nforeign records touched: ${sum.touched}\n`,
    );
  }
}
