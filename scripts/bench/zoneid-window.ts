import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from '../../test/support/paths.ts';

/**
 * The ZoneID provider as a third party's module with a shorter window than a minute, so that the bench does not wait for
 * minutes. Nothing else is different.
 * @param seconds the window's length
 * @returns the module's path, for `provider` of an account
 */
export async function zoneidWithWindow(directory: string, seconds: number): Promise<string> {
  const outfile = join(directory, `zoneid-${seconds}-s.mjs`);
  await build({
    stdin: {
      contents: `import zoneid from './providers/zoneid/index.ts';
export default { ...zoneid, rateLimits: zoneid.rateLimits.map((limit) => ({ ...limit, windowMs: ${seconds * 1000} })) };`,
      resolveDir: root,
      loader: 'ts',
    },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
  });
  return outfile;
}
