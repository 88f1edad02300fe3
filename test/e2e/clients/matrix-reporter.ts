import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';
import { root } from '../../support/paths.ts';
import { isComplete, matrixText } from './matrix.ts';

/**
 * Ends a run with the matrix of clients and scenarios, if any of it was run. With DNS01_CLIENTS_MATRIX set, a complete
 * one also becomes docs/clients-matrix.md; otherwise tests change nothing in the work tree.
 */
export default class MatrixReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const cells = modules
      .flatMap((module) => [...module.children.allTests('passed')])
      .flatMap((test) => test.meta().clientsMatrix ?? []);
    if (cells.length === 0) return;
    const text = matrixText(cells);
    process.stdout.write(`\n${text}\n`);
    if (!process.env['DNS01_CLIENTS_MATRIX']) return;
    if (isComplete(cells)) writeFileSync(`${root}docs/clients-matrix.md`, `# Clients and scenarios\n\n${text}\n`);
    else process.stdout.write('\nthe matrix is not complete and was not written\n');
  }
}
