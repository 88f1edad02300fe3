import { randomUUID } from 'node:crypto';
import pLimit from 'p-limit';
import * as z from 'zod/mini';
import type { ServeConfig } from '../config/serve-config.ts';
import { type Fqdn, parseName } from '../names.ts';
import { type Networks, openNetworks } from '../networks.ts';
import { parseJson } from '../output/text.ts';
import type { StoredUser } from '../state/users.ts';
import { acmeDnsError } from './acme-dns.ts';
import { type Answer, refuse, tooMany } from './answer.ts';
import type { Audit } from './audit.ts';
import { createGate } from './gate.ts';
import { newAcmeDnsLogin } from './new-user.ts';
import type { Users } from './users.ts';

/** `POST /register` of acme-dns. */
export interface Registration {
  /** Whether the client of this address may register. */
  isOpenTo(address: string): boolean;
  /** Counts a registration. An answer where there are too many. */
  admit(key: string): Answer | undefined;
  /** @param text the body. @param from the client's address */
  register(text: string, from: string): Promise<Answer>;
}

/** In a minute. */
const MAX_PER_ADDRESS = 10;
const MAX_FOR_ALL = 60;

/** Users in the state. */
const MAX_USERS = 10_000;

/** Nobody chose these users: what they can do is enough for one certificate that is renewed. */
const LIMITS = { liveValues: 20, requestsPerMinute: 60 };

const MAX_NETWORKS = 100;

/** @param config the registration as the config has it now, with its networks; undefined where nobody may register */
export function openRegistration(
  config: () => { readonly zone: Fqdn; readonly isOpenTo: Networks } | undefined,
  users: Users,
  audit: Audit,
): Registration {
  const byAddress = createGate(MAX_PER_ADDRESS);
  const all = createGate(MAX_FOR_ALL);
  // A hash takes one of the threads that file reads need; Node has four.
  const oneByOne = pLimit(1);
  return {
    isOpenTo: (address) => config()?.isOpenTo(address) ?? false,
    admit(key) {
      const waitMs = Math.max(byAddress.wait(key), all.wait(''));
      if (waitMs > 0) return tooMany(waitMs);
      byAddress.count(key);
      all.count('');
      return undefined;
    },
    async register(text, from) {
      const started = performance.now();
      const zone = config()?.zone;
      const networks = readNetworks(text);
      if (typeof networks === 'string') return acmeDnsError(400, networks);
      if (zone === undefined || (await users.countInState()) >= MAX_USERS)
        return refuse(503, 'no more users are possible');
      const name = randomUUID();
      const { made: acmeDns, password } = await oneByOne(() => newAcmeDnsLogin(zone));
      const { subdomain } = acmeDns;
      const fulldomain = parseName(`${subdomain}.${zone}`);
      if (fulldomain === undefined) return acmeDnsError(500, 'the domain for new names is too long');
      const user: StoredUser = { name, names: [], acmeDns, limits: LIMITS, registered: new Date().toISOString() };
      await users.add(networks.length > 0 ? { ...user, networks } : user);
      audit(
        { user: name, from, front: 'acme-dns', action: 'register', name: fulldomain, account: '-', outcome: 'done' },
        performance.now() - started,
      );
      const body = { username: name, password, fulldomain, subdomain, allowfrom: networks };
      return { status: 201, body: JSON.stringify(body), user: name, name: fulldomain };
    },
  };
}

const bodySchema = z.object({
  allowfrom: z.optional(z.array(z.string().check(z.maxLength(64))).check(z.maxLength(MAX_NETWORKS))),
});

/** The networks that the client limits its user to, or acme-dns's word for what is wrong. */
function readNetworks(text: string): string[] | string {
  const parsed = z.safeParse(bodySchema, text === '' ? {} : parseJson(text));
  if (!parsed.success) return 'malformed_json_payload';
  const networks = (parsed.data.allowfrom ?? []).map((network) => network.replace(/[[\]]/g, ''));
  if (!networks.every((network) => network.includes('/') && isNetwork(network))) return 'invalid_allowfrom_cidr';
  return networks;
}

function isNetwork(text: string): boolean {
  try {
    openNetworks([text]);
    return true;
  } catch {
    return false;
  }
}

export const registrationOf = (register: ServeConfig['register']) =>
  register && { zone: register.zone, isOpenTo: openNetworks(register.networks) };
