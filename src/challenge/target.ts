import type { Config } from '../config/load.ts';
import { followCnames } from '../dns/chain.ts';
import { Dns01Error } from '../errors.ts';
import { type Fqdn, longestZone } from '../names.ts';
import type { RecordHandle } from '../provider.ts';
import type { JournalEntry } from '../state/journal.ts';
import { type Challenge, challengeParts, isChallengeName } from './challenge.ts';
import { isPersistName } from './persist.ts';
import type { Principal } from './principal.ts';
import { allowsZone, hasOverride, isDelegatedZone, type Overrides, type Route, route } from './route.ts';
import type { Run } from './run.ts';
import { zonesToTry } from './zone-search.ts';

/** Where the value of a name is written. */
export interface Target {
  /** The name itself, or the end of its CNAMEs. */
  readonly name: Fqdn;
  readonly account: string;
  /** The zones to try in order; only one where the user named it. */
  readonly zones: readonly Fqdn[];
  /** The zone that the user named. */
  readonly zone: Fqdn | undefined;
}

/** On whose behalf a target is looked up, and what the user set. */
export interface TargetSettings {
  readonly principal: Principal;
  readonly overrides?: Overrides | undefined;
  /** Milliseconds after which the gateway withdraws what is published. */
  readonly leaseMs?: number | undefined;
}

/**
 * Follows the CNAMEs of a challenge name and finds the account at their end.
 * @throws E_ZONE for a chain that leads nowhere, or to a name that may not be written; and as `route` does
 */
export async function findTarget(name: Fqdn, run: Run, settings: TargetSettings): Promise<Target> {
  const chain = await chainFrom(name, run);
  const found = await routeAlong(chain, run, settings);
  const end = chain.at(-1) ?? name;
  return { name: end, ...(await withZones(end, found, run)) };
}

/** What it takes to decide who writes at a name. */
type RouteContext = Pick<Run, 'config' | 'authorities'>;

/**
 * The account that writes at the end of a chain of CNAMEs.
 * @throws E_ZONE for an end that may not be written; and as `route` does
 */
export async function routeAlong(
  chain: readonly Fqdn[],
  context: RouteContext,
  { principal, overrides = {} }: TargetSettings,
): Promise<Route> {
  const [start] = chain;
  const end = chain.at(-1);
  if (start === undefined || end === undefined) throw new Error('a chain without a name');
  // The overrides are about the zone that is written, which is the one at the end.
  const found = routeAtEnd(end, chain, context.config, overrides);
  if (end !== start) await refuseForeignEnd(end, chain, context);
  refuseOthers(end, chain, principal);
  return found;
}

/** Where a value is withdrawn, and what the journal says about it. */
export interface RemovalTarget extends Target {
  readonly entry: JournalEntry | undefined;
  readonly handle: RecordHandle | undefined;
}

/**
 * Config and CNAMEs may have changed since the value was published. The account and name in the journal count, as long
 * as the account still exists and the name may still be written.
 * @param given the handle that a client passed on, used only where it fits the config
 */
export async function findRemovalTarget(
  { name, value }: Challenge,
  run: Run,
  settings: TargetSettings,
  given?: RecordHandle,
): Promise<RemovalTarget> {
  const { config } = run;
  const entry = await run.state.journal.find(name, value);
  const unproven = given && { ...given, proven: false };
  if (hasOverride(settings.overrides ?? {}) || !entry || !Object.hasOwn(config.accounts, entry.account)) {
    const target = await findTarget(name, run, settings);
    const own = entry?.account === target.account && (entry.target ?? name) === target.name ? entry.handle : undefined;
    return { ...target, entry, handle: handleFor(target, own ?? unproven, config) };
  }
  const end = entry.target ?? name;
  if (end !== name && !isOfItsKind(end, [name]) && !isDelegatedZone(config)(end))
    throw foreignEnd([name, end], end, config);
  refuseOthers(end, [name, end], settings.principal);
  const zone = entry.zone ?? entry.handle?.zone;
  const known = zone !== undefined && allowsZone(config, entry.account, end, zone) ? zone : undefined;
  const found = known
    ? { account: entry.account, zone: known, zones: [known] }
    : await withZones(end, route(end, config, isConfigured(end, config) ? { account: entry.account } : {}), run);
  const target = { name: end, ...found };
  return { ...target, entry, handle: handleFor(target, entry.handle ?? unproven, config) };
}

/** False for a name whose zone the config no longer has, or never had: the journal alone opens none. */
const isConfigured = (name: Fqdn, { zones }: Config): boolean =>
  zones.length === 0 || longestZone(zones, name) !== undefined;

function handleFor({ name, account, zone }: Target, handle: RecordHandle | undefined, config: Config) {
  if (!handle || (zone !== undefined && handle.zone !== zone)) return undefined;
  return allowsZone(config, account, name, handle.zone) ? handle : undefined;
}

async function withZones(name: Fqdn, { account, zone }: Route, run: Run): Promise<Omit<Target, 'name'>> {
  if (zone !== undefined) return { account, zone, zones: [zone] };
  const remembered = await run.state.zones.recall(account, name);
  return { account, zone, zones: zonesToTry(name, [remembered, await zoneInDns(name, run)]) };
}

/** Needs no queries of its own: the search for CNAMEs has made them. */
async function zoneInDns(name: Fqdn, { config, authorities }: Run): Promise<Fqdn | undefined> {
  return config.followCnames ? authorities.zoneOf(name) : undefined;
}

/** Where the value of a name is visible: at the end of its CNAMEs. Needs no account. */
export async function seenAt(name: Fqdn, run: Run): Promise<Fqdn> {
  return (await chainFrom(name, run)).at(-1) ?? name;
}

async function chainFrom(name: Fqdn, run: Run): Promise<Fqdn[]> {
  if (!run.config.followCnames) return [name];
  const unanswered = (at: Fqdn, reason: string) =>
    run.log.warn(`${at}: cannot find out whether there is a CNAME, continuing as if there were none: ${reason}`);
  const chain = await followCnames(name, run.authorities, run.deadline.signal, unanswered);
  if (chain.length > 1) run.log.debug('the name is delegated', { chain });
  return chain;
}

/**
 * A user who can write a CNAME in one zone must not be able to choose names in another zone. A chain may leave its zone
 * only into one that is marked `delegated: true`. Inside its zone, it may lead only to another name of its kind.
 * @throws E_ZONE with the line to add to the config
 */
async function refuseForeignEnd(end: Fqdn, chain: readonly Fqdn[], context: RouteContext): Promise<void> {
  if (isDelegatedZone(context.config)(end)) return;
  if (isOfItsKind(end, chain) && (await isSameZone(chain, context))) return;
  throw foreignEnd(chain, end, context.config);
}

/** Whether a name is one that may hold such values itself: the challenge of a name never becomes a lasting record. */
function isOfItsKind(end: Fqdn, [start]: readonly Fqdn[]): boolean {
  return start !== undefined && isPersistName(start) ? isPersistName(end) : isChallengeName(end);
}

/** Whether all names of a chain are in one zone, by the config and by the DNS. */
async function isSameZone(chain: readonly Fqdn[], { config, authorities }: RouteContext): Promise<boolean> {
  const configured = new Set(chain.map((name) => longestZone(config.zones, name)?.zone));
  const shown = new Set(await Promise.all(chain.map((name) => authorities.zoneOf(name))));
  return configured.size === 1 && shown.size === 1 && !shown.has(undefined);
}

function foreignEnd(chain: readonly Fqdn[], end: Fqdn, config: Config): Dns01Error {
  const entry = longestZone(config.zones, end);
  const zone = entry?.zone ?? challengeParts(end)?.domain ?? end.slice(end.indexOf('.') + 1);
  return new Dns01Error('E_ZONE', `${shown(chain)}: the CNAME leads to a name that may not be written`, {
    hint: `if you want this, add to zones: in ${config.fileToEdit}: ${zone}: { account: ${entry?.account ?? 'NAME'}, delegated: true }`,
  });
}

function refuseOthers(end: Fqdn, chain: readonly Fqdn[], principal: Principal): void {
  if (principal.mayWrite(end)) return;
  throw new Dns01Error('E_ZONE', `${shown([...new Set(chain)])}: this user may not write ${end}`);
}

function routeAtEnd(end: Fqdn, chain: readonly Fqdn[], config: Config, overrides: Overrides): Route {
  try {
    return route(end, config, overrides);
  } catch (error) {
    if (!(error instanceof Dns01Error) || chain.length === 1) throw error;
    throw new Dns01Error(error.code, `${shown(chain)}: ${error.message}`, { hint: error.hint });
  }
}

const shown = (chain: readonly Fqdn[]): string => chain.join(' -> ');
