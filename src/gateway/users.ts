import { type Principal, userOf } from '../challenge/principal.ts';
import type { ServeConfig, UserConfig } from '../config/serve-config.ts';
import type { Fqdn } from '../names.ts';
import { type Networks, openNetworks } from '../networks.ts';
import type { StoredUser, Users as StoredUsers } from '../state/users.ts';

/** A user of the gateway, ready for use. */
export interface GatewayUser {
  readonly name: string;
  /** Of the password of httpreq clients. */
  readonly hash: string | undefined;
  readonly acmeDns: OwnName | undefined;
  /** Of dynamic updates; the secret is not yet read. */
  readonly tsig: UserConfig['tsig'];
  /** For users in the state, in place of a secret: what their key is made from, together with the config's secret. */
  readonly tsigSalt: string | undefined;
  readonly principal: Principal;
  readonly requestsPerMinute: number;
  /** Whether that number is this user's own: then it counts on all nodes together. */
  readonly hasOwnLimit: boolean;
  /** How many values may be published at the same time; undefined: any number. */
  readonly liveValues: number | undefined;
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
const REQUESTS_PER_MINUTE = 300;

/** Milliseconds after which a user that a command changed is read again. */
const MEMORY_MS = 1000;

/** The same for a name that is not known: a new user is let in at once, and a flood of wrong names is few queries. */
const MISS_MEMORY_MS = 50;

/** Milliseconds after a change in which the users are read again in any case. */
const RECENT_MS = 3000;

/** The users of the config, and those in the state. The config wins on an equal name. */
export interface Users {
  /** @throws where the state cannot be reached and the user is not in the config */
  find(name: string): Promise<GatewayUser | undefined>;
  /** Puts a user into the state. False if it has one of this name. */
  add(user: StoredUser): Promise<boolean>;
  countInState(): Promise<number>;
}

/** @param users those of the config as it is now */
export function openUsers(users: () => ServeConfig['users'], stored: StoredUsers): Users {
  const ready = new WeakMap<UserConfig, GatewayUser>();
  const inState = rememberUsers(stored);
  function readyFor(name: string, user: UserConfig): GatewayUser {
    const known = ready.get(user) ?? readyUser(name, user);
    ready.set(user, known);
    return known;
  }
  return {
    async find(name) {
      const configured = users();
      const user = Object.hasOwn(configured, name)
        ? configured[name]
        : ((await inState.within(MEMORY_MS)).get(name) ?? (await inState.within(MISS_MEMORY_MS)).get(name));
      return user && readyFor(name, user);
    },
    async add(user) {
      const isAdded = await stored.add(user);
      inState.forget();
      return isAdded;
    },
    countInState: async () => (await inState.within(MEMORY_MS)).size,
  };
}

interface RememberedUsers {
  /** The users in the state, at most so many milliseconds old. */
  within(maxAgeMs: number): Promise<ReadonlyMap<string, StoredUser>>;
  /** They are looked at again before they are used. */
  forget(): void;
}

/** The users in the state. They are read again when one was changed. */
function rememberUsers(stored: StoredUsers): RememberedUsers {
  let known: ReadonlyMap<string, StoredUser> = new Map();
  let version: string | undefined;
  let checkedAt = Number.NEGATIVE_INFINITY;
  let changedAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;
  async function read(): Promise<void> {
    const started = performance.now();
    const now = await stored.version();
    if (now !== version) changedAt = started;
    // Two changes in one tick of a clock have the same version.
    if (now !== version || started - changedAt < RECENT_MS) {
      known = new Map((await stored.all()).map((user) => [user.name, user]));
    }
    version = now;
    checkedAt = started;
  }
  return {
    async within(maxAgeMs) {
      if (performance.now() - checkedAt >= maxAgeMs) {
        reading ??= read().finally(() => {
          reading = undefined;
        });
        await reading;
      }
      return known;
    },
    forget() {
      checkedAt = Number.NEGATIVE_INFINITY;
    },
  };
}

function readyUser(name: string, user: UserConfig): GatewayUser {
  const { hash, tsig, tsigSalt, names, acmeDns, networks, limits = {} } = user;
  const own = acmeDns && { ...acmeDns, fqdn: `${acmeDns.subdomain}.${acmeDns.zone}` as Fqdn };
  return {
    name,
    hash,
    acmeDns: own,
    tsig,
    tsigSalt,
    principal: userOf(names, name, own ? [own.fqdn] : []),
    requestsPerMinute: limits.requestsPerMinute ?? REQUESTS_PER_MINUTE,
    hasOwnLimit: limits.requestsPerMinute !== undefined,
    liveValues: limits.liveValues,
    mayComeFrom: networks ? openNetworks(networks) : () => true,
  };
}
