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
    for (const lines of [FAULTS, ATTACKS]) {
      if (!lines.some(([key]) => sum[key] > 0)) continue;
      process.stdout.write(`\n${lines.map(([key, label]) => `${label}: ${sum[key]}\n`).join('')}`);
    }
  }
}

type Line = readonly [key: keyof Tally, label: string];

const FAULTS: readonly Line[] = [
  ['faults', 'faults tried'],
  ['kills', 'kills survived'],
  ['crowd', 'processes at once'],
  ['lost', 'records lost'],
  ['touched', 'foreign records touched'],
];

const ATTACKS: readonly Line[] = [
  ['names', 'hostile names'],
  ['messages', 'hostile DNS messages'],
  ['answers', 'hostile provider answers'],
  ['redactions', 'redactions'],
  ['escapes', 'escapes'],
];
