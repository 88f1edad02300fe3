import { join } from 'node:path';
import { build } from 'esbuild';
import zoneid from '../../providers/zoneid/index.ts';
import { root } from '../../test/support/paths.ts';

/**
 * A provider as a third party's module with other rate limits, so that the bench does not wait for minutes. Nothing else
 * is different.
 * @returns the module's path, for `provider` of an account
 */
export async function providerWithLimits(
  directory: string,
  type: string,
  rateLimits: readonly object[],
): Promise<string> {
  const outfile = join(directory, `${type}-with-other-limits.mjs`);
  await build({
    stdin: {
      contents: `import provider from './providers/${type}/index.ts';
export default { ...provider, rateLimits: ${JSON.stringify(rateLimits)} };`,
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

/** @param seconds in place of the minute */
export const zoneidWithWindow = (directory: string, seconds: number): Promise<string> =>
  providerWithLimits(
    directory,
    'zoneid',
    (zoneid.rateLimits ?? []).map((limit) => ({ ...limit, windowMs: seconds * 1000 })),
  );
