import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from '../../test/support/paths.ts';

/**
 * The ZoneID provider as a third party's module whose 60 requests are for a shorter window than a minute, so that
 * nobody has to wait for minutes. Nothing else of it is changed.
 * @param seconds the window's length
 * @returns the module's path, as an account names its provider
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
