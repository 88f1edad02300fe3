import { noSuchAccount } from '../accounts/definition.ts';
import type { Config } from '../config/load.ts';
import { Dns01Error } from '../errors.ts';
import { type Fqdn, isWithin, longestZone, normaliseName } from '../names.ts';

export interface Route {
  readonly account: string;
  /** The zone, where the user named one. */
  readonly zone: Fqdn | undefined;
}

/** What the user set on the command line, over the config. */
export interface Overrides {
  readonly account?: string | undefined;
  readonly zone?: string | undefined;
}

export const hasOverride = ({ account, zone }: Overrides): boolean => account !== undefined || zone !== undefined;

/**
 * The account of a name: that of the longest zone in the config that holds it. A single account needs no zones.
 * @throws E_ZONE with the zones that were looked at; E_USAGE for overrides that contradict the config or the name
 */
export function route(name: Fqdn, config: Config, overrides: Overrides = {}): Route {
  const zone = overrides.zone === undefined ? undefined : normaliseName(overrides.zone);
  if (zone !== undefined && !isWithin(name, zone)) {
    throw new Dns01Error('E_USAGE', `${name} is not in the zone ${zone}`);
  }
  const accounts = Object.keys(config.accounts);
  if (overrides.account !== undefined && !accounts.includes(overrides.account)) {
    throw noSuchAccount(overrides.account, config);
  }
  const candidates = config.zones.filter(
    ({ account }) => overrides.account === undefined || overrides.account === account,
  );
  const known = longestZone(candidates, name);
  if (known) return { account: known.account, zone: zone ?? known.zone };
  const [only] = accounts;
  const account = overrides.account ?? (accounts.length === 1 && config.zones.length === 0 ? only : undefined);
  if (account !== undefined) return { account, zone };
  throw new Dns01Error('E_ZONE', `no account is configured for ${name} (${lookedAt(config)})`, {
    hint: `add its zone under zones: in ${config.fileToEdit}, or name the account with --account`,
  });
}

/** True where the config allows names without the challenge label. */
export function isDelegatedZone(config: Config): (name: Fqdn) => boolean {
  return (name) => longestZone(config.zones, name)?.delegated ?? false;
}

/**
 * Whether the config lets an account write a name in this zone. A handle's zone has to pass this check, because the
 * handle may come from a client's environment.
 */
export function allowsZone({ zones }: Config, account: string, name: Fqdn, zone: Fqdn): boolean {
  const own = zones.filter((entry) => entry.account === account);
  return isWithin(name, zone) && (own.length === 0 || own.some((entry) => entry.zone === zone));
}

function lookedAt({ zones, accounts }: Config): string {
  if (zones.length > 0) return `zones: ${zones.map(({ zone }) => zone).join(', ')}`;
  return `no zones, and several accounts: ${Object.keys(accounts).join(', ')}`;
}
