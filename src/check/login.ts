import type { Account } from '../accounts/account.ts';
import { valuesAt } from '../challenge/preview.ts';
import type { Run } from '../challenge/run.ts';
import { isDns01Error } from '../errors.ts';
import type { Fqdn } from '../names.ts';
import type { RightCheck } from '../provider.ts';
import type { Finding, Findings, Reporter } from './finding.ts';
import { wantedZone } from './wanted.ts';

/** TSIG allows 300 (RFC 8945 section 10). */
const MAX_SKEW_S = 120;

/** How many zones a finding names; the rest is counted. */
const MAX_ZONES_SHOWN = 5;

/** A credential gets a warning this long before its end. */
const SOON_DAYS = 30;
const DAY_MS = 86_400_000;

/** A name at the end of its CNAMEs, and the zones that may hold it. */
export interface NameToAsk {
  readonly name: Fqdn;
  readonly zones: readonly Fqdn[];
}

export interface LoginSettings {
  readonly names: readonly NameToAsk[];
  /** False for a provider that needs no login, because it runs on this machine. */
  readonly hasSecrets: boolean;
}

/** What the provider answers to requests that change nothing. */
export async function* checkLogin(name: string, settings: LoginSettings, run: Run, report: Reporter): Findings {
  const configured = run.config.zones.filter((route) => route.account === name).map(({ zone }) => zone);
  try {
    const account = await run.account(name);
    const listed = await listedZones(account);
    const accepted = report.good('login', settings.hasSecrets ? 'accepted' : 'not needed, and the provider answers');
    if (listed) {
      yield accepted;
      yield* checkZones(listed, configured, settings.names, report);
    } else {
      const [first] = configured;
      const names = settings.names.length > 0 || !first ? settings.names : [namedBy(first)];
      yield* askForNames(account, names, accepted, report);
    }
    for (const right of await account.use(async (provider) => (await provider.checkRights?.()) ?? []))
      yield aboutRight(right, report);
    yield* checkClock(account.clockSkew(), report);
    for (const { left, requests, windowMs } of await account.rateLimits())
      yield report.good('rate limit', `${left} of ${requests} requests left in the last ${windowMs / 1000} s`);
  } catch (error) {
    yield report.failed('login', error);
  }
}

function namedBy(zone: Fqdn): NameToAsk {
  return { name: wantedZone(zone).challenge, zones: [zone] };
}

/** Undefined where the API cannot tell. */
function listedZones(account: Account): Promise<Fqdn[] | undefined> {
  return account.use(async (provider) => {
    if (!provider.listZones) return undefined;
    const zones: Fqdn[] = [];
    for await (const { name } of provider.listZones()) zones.push(name);
    return zones;
  });
}

function* checkZones(
  listed: readonly Fqdn[],
  configured: readonly Fqdn[],
  names: readonly NameToAsk[],
  report: Reporter,
): Generator<Finding> {
  yield listed.length > 0
    ? report.good('zones', shown(listed))
    : report.warning('zones', 'this login sees no zones', 'check its rights, and that the zones belong to it');
  const missing = configured.filter((zone) => !listed.includes(zone));
  if (missing.length > 0) {
    yield report.bad('zones', `the config names ${missing.join(', ')}, which this login does not see`);
  }
  for (const { name, zones } of names) {
    if (zones.some((zone) => listed.includes(zone) || missing.includes(zone))) continue;
    yield report.bad('zones', `this login sees no zone that holds ${name}`);
  }
}

/** An API that cannot list its zones is asked for the values at names. */
async function* askForNames(
  account: Account,
  names: readonly NameToAsk[],
  accepted: Finding,
  report: Reporter,
): Findings {
  if (names.length === 0) {
    const text = 'no zone is under zones: and no name was given, so nothing could be asked';
    yield report.notChecked('login', text, 'name a domain that needs a certificate: dns01 doctor NAME');
  }
  let answered = false;
  for (const each of names) {
    try {
      const { zone } = await valuesAt(each, account);
      if (!answered) yield accepted;
      answered = true;
      yield report.good('zones', zone);
    } catch (error) {
      if (!isDns01Error(error)) throw error;
      const isAnswer = error.status !== undefined;
      if (error.code === 'E_ZONE') yield report.failed('zones', error);
      else if (error.code !== 'E_REJECTED' || isAnswer) throw error;
      else {
        const { text } = report.failed('login', error);
        yield report.notChecked('login', text, 'only a write can show whether it works: dns01 doctor --write NAME');
        return;
      }
    }
  }
}

function aboutRight({ right, held, hint, until }: RightCheck, report: Reporter): Finding {
  if (!held) return report.bad('rights', `missing: ${right}`, hint);
  if (until === undefined) return report.good('rights', right);
  const text = `${right}, until ${until.toISOString().slice(0, 10)}`;
  const daysLeft = (until.getTime() - Date.now()) / DAY_MS;
  if (daysLeft < 0) return report.bad('rights', `ended: ${text}`, hint);
  return daysLeft < SOON_DAYS ? report.warning('rights', text, hint) : report.good('rights', text);
}

/** The clock decides when certificates, signatures (TSIG) and tokens end. */
function* checkClock(skew: number | undefined, report: Reporter): Generator<Finding> {
  if (skew === undefined) return;
  const seconds = Math.round(Math.abs(skew) / 1000);
  if (seconds <= MAX_SKEW_S) yield report.good('clock', `within ${Math.max(1, seconds)} s of the provider's`);
  else
    yield report.warning(
      'clock',
      `${seconds} s ${skew > 0 ? 'behind' : 'ahead of'} the provider's`,
      'set the clock of this machine, e.g. by NTP',
    );
}

function shown(zones: readonly Fqdn[]): string {
  const more = zones.length > MAX_ZONES_SHOWN ? ` and ${zones.length - MAX_ZONES_SHOWN} more` : '';
  return `${zones.slice(0, MAX_ZONES_SHOWN).join(', ')}${more}`;
}
