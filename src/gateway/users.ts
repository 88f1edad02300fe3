import { type Principal, userOf } from '../challenge/principal.ts';
import type { ServeConfig, UserConfig, UserLimits } from '../config/serve-config.ts';
import type { Fqdn } from '../names.ts';
import { type Networks, openNetworks } from '../networks.ts';

/** A user of the gateway, ready for use. */
export interface GatewayUser {
  readonly name: string;
  /** Of the password of httpreq clients. */
  readonly hash: string | undefined;
  readonly acmeDns: OwnName | undefined;
  /** Of dynamic updates; the secret is not yet read. */
  readonly tsig: UserConfig['tsig'];
  readonly principal: Principal;
  readonly limits: Required<UserLimits>;
  /** Whether the user may send requests from an IP address. */
  mayComeFrom: Networks;
}

/** The login of acme-dns clients, and the one name that it is for. */
export interface OwnName {
  readonly hash: string;
  readonly subdomain: string;
  readonly fqdn: Fqdn;
}

/** A certificate has at most 100 names, each with two requests. */
const DEFAULT_LIMITS = { liveValues: 1000, requestsPerMinute: 300 };

export interface Users {
  find(name: string): Promise<GatewayUser | undefined>;
}

/** The users of a config. Each is made ready once. */
export function openUsers({ users }: Pick<ServeConfig, 'users'>): Users {
  const ready = new Map<string, GatewayUser>();
  return {
    async find(name) {
      const config = Object.hasOwn(users, name) ? users[name] : undefined;
      if (!config) return undefined;
      const user = ready.get(name) ?? readyUser(name, config);
      ready.set(name, user);
      return user;
    },
  };
}

function readyUser(name: string, { hash, tsig, names, acmeDns, networks, limits }: UserConfig): GatewayUser {
  const own = acmeDns && { ...acmeDns, fqdn: `${acmeDns.subdomain}.${acmeDns.zone}` as Fqdn };
  return {
    name,
    hash,
    acmeDns: own,
    tsig,
    principal: userOf(names, name, own ? [own.fqdn] : []),
    limits: { ...DEFAULT_LIMITS, ...limits } as Required<UserLimits>,
    mayComeFrom: networks ? openNetworks(networks) : () => true,
  };
}
