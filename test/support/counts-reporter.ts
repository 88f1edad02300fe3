import { appendFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/** Ends a run with one plain line, `N passed, N failed, N skipped`, and adds it to the file in DNS01_TEST_COUNTS. */
export default class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string) => tests.filter((test) => test.result().state === state).length;
    const broken = modules.filter((module) => module.errors().length > 0).length + errors.length;
    const line = `${count('passed')} passed, ${count('failed') + broken} failed, ${count('skipped')} skipped\n`;
    process.stdout.write(`\n${line}`);
    const file = process.env['DNS01_TEST_COUNTS'];
    if (file) appendFileSync(file, line);
  }
}
