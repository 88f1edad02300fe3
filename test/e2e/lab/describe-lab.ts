import { describe } from 'vitest';
import { missingPrograms } from './programs.ts';

/**
 * A suite that needs the laboratory. Where its programs could have been installed (CI, root) their absence is a failure,
 * on other machines the suite is skipped with the reason in its title.
 */
export function describeLab(title: string, suite: () => void): void {
  const missing = missingPrograms();
  if (missing.length === 0) {
    describe(title, suite);
    return;
  }
  const reason = `missing programs: ${missing.join(', ')}; run: sudo bash test/e2e/install.sh`;
  if (process.env['CI'] === 'true' || process.getuid?.() === 0) throw new Error(reason);
  console.warn(`${title}: skipped, ${reason}`);
  describe.skip(`${title} (cannot run, ${reason})`, suite);
}
