import { execFileSync } from 'node:child_process';
import { root } from './paths.ts';

/** The processes that tests start run the bundle, so it has to be built from this source. */
export default function buildOnce(): void {
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: 'inherit' });
}
