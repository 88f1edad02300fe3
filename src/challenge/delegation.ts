import type { Config } from '../config/load.ts';
import { followCnames } from '../dns/chain.ts';
import { Dns01Error } from '../errors.ts';
import { type Fqdn, longestZone } from '../names.ts';
import { isChallengeName } from './name.ts';
import { isDelegatedZone, type Route, type Overrides, route } from './route.ts';
import type { Run } from './run.ts';

/** Where a value for a name is really written. */
export interface Target extends Route {
  /** Where the zone is not known: where it was last time, else where the DNS shows the name. */
  readonly likelyZone: Fqdn | undefined;
  /** The name itself, or where its CNAMEs lead. */
  readonly name: Fqdn;
}

/**
 * Follow the delegation of a challenge name and find the account at its end.
 * @throws E_ZONE for a chain that leads nowhere, or to a name that may not be written; and as `route` does
 */
export async function findTarget(name: Fqdn, run: Run, overrides: Overrides = {}): Promise<Target> {
  const chain = await chainFrom(name, run);
  const end = chain.at(-1) ?? name;
  if (end === name) return withLikelyZone(name, route(name, run.config, overrides), run);
  refuseForeignName(end, chain, run.config);
  // The options speak of the zone that is written, which is the one at the end.
  return withLikelyZone(end, routeAtEnd(end, chain, run, overrides), run);
}

async function withLikelyZone(name: Fqdn, known: Route, run: Run): Promise<Target> {
  if (known.zone !== undefined) return { name, ...known, likelyZone: undefined };
  const remembered = await run.zones.recall(known.account, name);
  return { name, ...known, likelyZone: remembered ?? (await zoneInDns(name, run)) };
}

/** Costs nothing: the search for CNAMEs has asked already. */
async function zoneInDns(name: Fqdn, { config, authorities }: Run): Promise<Fqdn | undefined> {
  if (!config.followCnames) return undefined;
  return authorities.find(name).then(
    ({ zone }) => zone,
    () => undefined,
  );
}

/** Where the value of a name is to be seen: the same way, with no account needed. */
export async function seenAt(name: Fqdn, run: Run): Promise<Fqdn> {
  return (await chainFrom(name, run)).at(-1) ?? name;
}

async function chainFrom(name: Fqdn, run: Run): Promise<Fqdn[]> {
  if (!run.config.followCnames) return [name];
  const unanswered = (at: Fqdn, reason: string) =>
    run.log.warn(`${at}: whether there is a CNAME could not be seen, going on as if there were none: ${reason}`);
  const chain = await followCnames(name, run.authorities, run.deadline.signal, unanswered);
  if (chain.length > 1) run.log.debug('the name is delegated', { chain });
  return chain;
}

/**
 * Whoever can write a CNAME in one zone shall not thereby choose which names are written in another.
 * @throws E_ZONE for an end that is neither a challenge name nor in a zone marked `delegated`
 */
export function refuseForeignName(end: Fqdn, chain: readonly Fqdn[], config: Config): void {
  if (isChallengeName(end) || isDelegatedZone(config)(end)) return;
  const zone = longestZone(config.zones, end)?.zone ?? end.slice(end.indexOf('.') + 1);
  throw new Dns01Error('E_ZONE', `${shown(chain)}: the CNAME leads to a name that may not be written`, {
    hint: `if that is meant, mark the zone in ${config.file}: ${zone}: { account: NAME, delegated: true }`,
  });
}

function routeAtEnd(end: Fqdn, chain: readonly Fqdn[], { config }: Run, overrides: Overrides): Route {
  try {
    return route(end, config, overrides);
  } catch (error) {
    if (!(error instanceof Dns01Error)) throw error;
    throw new Dns01Error(error.code, `${shown(chain)}: ${error.message}`, { hint: error.hint });
  }
}

const shown = (chain: readonly Fqdn[]): string => chain.join(' -> ');
