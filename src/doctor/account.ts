import { urlOf } from '../accounts/connection.ts';
import { validAccount } from '../accounts/definition.ts';
import { challengeNameOf } from '../challenge/challenge.ts';
import type { Run } from '../challenge/run.ts';
import { isDns01Error } from '../errors.ts';
import type { Fqdn } from '../names.ts';
import type { DnsProvider } from '../provider.ts';
import { type Finding, type Findings, type Reporter, reporterFor } from './finding.ts';
import { secretPlaces } from './secrets.ts';
import { checkTls } from './tls.ts';

/** Seconds. TSIG allows 300 (RFC 8945 section 10). */
const MOST_SKEW = 120;

/** How many zones are named in a finding; the rest is counted. */
const ZONES_SHOWN = 5;

/** Everything between the config and the provider's zones, for one account. */
export async function* checkAccount(name: string, run: Run): Findings {
  const report = reporterFor(`account ${name}`);
  let valid: Awaited<ReturnType<typeof validAccount>>;
  try {
    valid = await validAccount(name, run);
  } catch (error) {
    yield report.failed('config', error);
    return;
  }
  yield report.good('config', `provider ${valid.definition.type}`);
  for (const { key, place } of secretPlaces(valid.options, run.config.file))
    yield report.good('secret', `${key} ${place}`);
  const url = urlOf(valid.options);
  const { ca, fingerprint } = valid.connection;
  if (url) yield* checkTls(url, ca !== undefined || fingerprint !== undefined, report);
  yield* checkLogin(name, run, report);
}

async function* checkLogin(name: string, run: Run, report: Reporter): Findings {
  const configured = run.config.zones.filter((route) => route.account === name).map(({ zone }) => zone);
  try {
    const account = await run.account(name);
    const listed = await account.use((provider) => zonesOf(provider, configured[0]));
    yield report.good('login', 'accepted');
    if (listed) {
      yield listed.length > 0
        ? report.good('zones', shown(listed))
        : report.warning('zones', 'this login sees no zones', 'check its rights, and that the zones belong to it');
      const missing = configured.filter((zone) => !listed.includes(zone));
      if (missing.length > 0) {
        yield report.bad('zones', `the config names ${missing.join(', ')}, which this login does not see`);
      }
    }
    yield* rightsOf(name, run, report);
    yield* checkClock(account.clockSkew(), report);
    for (const { left, requests, windowMs } of await account.rateLimits())
      yield report.good('rate limit', `${left} of ${requests} requests left in the last ${windowMs / 1000} s`);
  } catch (error) {
    yield report.failed('login', error);
  }
}

/** Certificates, signatures (TSIG) and tokens all end by the clock. */
function* checkClock(skew: number | undefined, report: Reporter): Generator<Finding> {
  if (skew === undefined) return;
  const seconds = Math.round(Math.abs(skew) / 1000);
  if (seconds <= MOST_SKEW) yield report.good('clock', `within ${Math.max(1, seconds)} s of the provider's`);
  else
    yield report.warning(
      'clock',
      `${seconds} s ${skew > 0 ? 'behind' : 'ahead of'} the provider's`,
      'set the clock of this machine, best by NTP',
    );
}

function unlessItCannotList(error: unknown): void {
  if (!isDns01Error(error) || error.code !== 'E_REJECTED') throw error;
}

/** The zones that the login sees; undefined where the API cannot tell, and one of them is looked into instead. */
async function zonesOf(provider: DnsProvider, zone: Fqdn | undefined): Promise<Fqdn[] | undefined> {
  if (!provider.listZones) {
    // Whoever cannot list says so; then only a write would show whether the login is good.
    if (zone) await provider.listTxt(challengeNameOf(zone), zone).catch(unlessItCannotList);
    return undefined;
  }
  const names: Fqdn[] = [];
  for await (const { name } of provider.listZones()) names.push(name);
  return names;
}

async function* rightsOf(name: string, run: Run, report: Reporter): Findings {
  const account = await run.account(name);
  const rights = await account.use(async (provider) => (provider.checkRights ? await provider.checkRights() : []));
  for (const { right, held, hint } of rights) {
    yield held ? report.good('rights', right) : report.bad('rights', `missing: ${right}`, hint);
  }
}

function shown(zones: readonly Fqdn[]): string {
  const more = zones.length > ZONES_SHOWN ? ` and ${zones.length - ZONES_SHOWN} more` : '';
  return `${zones.slice(0, ZONES_SHOWN).join(', ')}${more}`;
}
