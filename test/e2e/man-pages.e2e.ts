import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { root } from '../support/paths.ts';
import { missingOf } from './lab/programs.ts';

const missing = missingOf(['mandoc']);

it.skipIf(missing.length > 0)(
  `the man pages are clean${missing.length > 0 ? ' (not installed: mandoc)' : ''}`,
  async () => {
    // Pages that a page refers to are looked up where mandoc runs.
    const cwd = `${root}docs/man`;
    const pages = await readdir(cwd);
    expect(pages.length).toBeGreaterThan(10);
    const lint = promisify(execFile)('mandoc', ['-T', 'lint', ...pages], { cwd }).catch((failure) => failure);
    expect(await lint).toMatchObject({ stdout: '', stderr: '' });
  },
);
