import { execFileSync } from 'node:child_process';
import { root } from './paths.ts';

/** The processes that the tests start run the bundle: it must be the one of this source. */
export default function buildOnce(): void {
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: 'inherit' });
}
