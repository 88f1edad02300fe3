import { checkNames } from '../check/check.ts';
import { openCheckContext } from '../check/context.ts';
import { METHODS, type Method } from '../check/wanted.ts';
import { findConfigIfAny } from '../config/find.ts';
import { loadConfig, withoutConfig } from '../config/load.ts';
import { startDeadline } from '../deadline.ts';
import { PUBLIC_DOH } from '../dns/doh.ts';
import { Dns01Error } from '../errors.ts';
import type { Io } from '../output/io.ts';
import { showFindings } from './findings.ts';
import type { CommonOptions } from './options.ts';

/** Default seconds for all names. */
const CHECK_SECONDS = 120;

export interface CheckOptions extends CommonOptions {
  /** The names that certificates are for. */
  readonly names: readonly string[];
  /** The CA's name in CAA records, e.g. `letsencrypt.org`. */
  readonly issuer: string | undefined;
  /** The URL of the ACME account. */
  readonly accountUri: string | undefined;
  readonly method: string | undefined;
}

/** `dns01 check`: would a CA issue for these names? Needs no config and no account. Returns the exit code. */
export async function check(options: CheckOptions, io: Io): Promise<number> {
  const { names, accountUri } = options;
  const request = { issuer: options.issuer?.toLowerCase(), accountUri, method: methodOf(options.method) };
  const file = findConfigIfAny(options.config, io.env);
  const config = file === undefined ? undefined : loadConfig(file);
  const dns = config ?? withoutConfig();
  // Public operators do not see a private root.
  const doh = dns.doh ?? (dns.roots.length > 0 ? [] : PUBLIC_DOH);
  const { signal } = startDeadline((options.timeout ?? CHECK_SECONDS) * 1000, io.stop);
  const context = openCheckContext({ ...dns, doh }, signal, config, io.env);
  return showFindings('check', checkNames(names, request, context), options, io);
}

function methodOf(text: string | undefined): Method | undefined {
  const found = METHODS.find((method) => method === text);
  if (text === undefined || found) return found;
  throw new Dns01Error('E_USAGE', `there is no method ${JSON.stringify(text)}`, { hint: METHODS.join(', ') });
}
