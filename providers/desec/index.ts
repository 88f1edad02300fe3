import * as z from 'zod/mini';
import { isDns01Error } from '../../src/errors.ts';
import { apiUrl, defineProvider, parseZones, plainName, secret } from '../../src/provider.ts';
import { createClient } from './client.ts';
import { createRecords } from './records.ts';

const options = z.strictObject({
  token: secret('API token, from desec.io → Token Management'),
  url: apiUrl('https://desec.io/api/v1'),
});

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** "Token Field Reference". A duration is `[DD] [HH:[MM:]]ss[.uuuuuu]`. */
const token = z.object({
  created: z.string(),
  last_used: z.nullable(z.string()),
  max_age: z.nullable(z.string()),
  max_unused_period: z.nullable(z.string()),
});
type Token = z.output<typeof token>;

/** deSEC, also where one runs its server oneself. */
export default defineProvider({
  type: 'desec',
  title: 'deSEC',
  docs: {
    url: 'https://desec.readthedocs.io/en/latest/dns/rrsets.html',
    rights: [
      'An API token without further permissions (desec.io → Token Management). Without policies it can change every record of every domain of the account.',
      'The least right is a token with two policies. Create them with a token that has perm_manage_tokens: `POST /auth/tokens/ID/policies/rrsets/` with `{"domain": null, "subname": null, "type": null}`, which forbids everything, then with `{"domain": "example.com", "subname": "_acme-challenge", "type": "TXT", "perm_write": true}`. Each challenge name needs such a policy of its own, e.g. the subname `_acme-challenge.www`.',
      'allowed_subnets of the token can be set to the address of this machine.',
    ],
    requests: {
      add: '1; 4 if the name has other TXT values; 2 if the value exists; the same for many changes of a zone at once',
      remove: '2; 1 if the value is not there',
    },
    tried:
      "Never against the live API. Against a stand-in made from deSEC's documentation and from the source of its server (desec-io/desec-stack, commit d7ccaf7c, read on 2026-11-21), and from the recorded answers in the tests of lego.",
    notes: [
      'deSEC allows few writes: 2 a second, 15 a minute, 100 an hour and 300 a day for a domain, and it counts refused ones too. dns01 waits when a limit is reached. Changes that are sent together count as one.',
      'The TTL is at least the minimum of the domain, usually 3,600 seconds. Existing records keep their TTL.',
      'The API replaces all TXT values of a name at once, and has no way to do that only if they are unchanged. Only one dns01 process at a time changes a zone, it reads right before an add and after it, and it repeats an add that another program undid. What another program writes in the moment between reading and writing can still be lost. The first value of a name is safe: it is created, never replaced.',
      'A token that ends after a time without use (max_unused_period) is kept alive by each renewal.',
    ],
  },
  options,
  http: true,
  exclusive: true,
  // "Bulk Operations are performed atomically". The array of a request may be long; 200 keep the answer small.
  changes: { atMost: 200, atomic: true },
  // "Rate Limits", and DEFAULT_THROTTLE_RATES of the server: reads (dns_api_cheap) and everything (user) for the account,
  // writes (dns_api_per_domain_expensive) for the domain. Only the calls that write name their zone, so only they count
  // there. Writes also count as reads here, which slows nothing down: fewer of them are allowed anyway.
  rateLimits: [
    { requests: 10, windowMs: 1000, per: 'credential' },
    { requests: 50, windowMs: 60_000, per: 'credential' },
    { requests: 2000, windowMs: DAY_MS, per: 'credential' },
    { requests: 2, windowMs: 1000, per: 'zone' },
    { requests: 15, windowMs: 60_000, per: 'zone' },
    { requests: 100, windowMs: HOUR_MS, per: 'zone' },
    { requests: 300, windowMs: DAY_MS, per: 'zone' },
  ],
  nameServerPatterns: [/^ns[12]\.desec\.(io|org)$/],
  usualDelayMs: 10_000,
  create(settings, context) {
    const client = createClient(settings, context);
    return {
      ...createRecords(client, context),
      listZones: () => parseZones(client.list('/domains/', z.object({ name: z.string() }))),
      nameServers: async (zone) => (await client.atApex(zone, 'NS')).map(plainName),
      async checkRights() {
        try {
          const tokens = [];
          for await (const one of client.list('/auth/tokens/', token)) tokens.push(one);
          return [{ right: 'API token', held: true, until: endOf(tokens) }];
        } catch (error) {
          // A token may see itself only with perm_manage_tokens, which it should not have.
          if (isDns01Error(error) && error.status === 403) return [{ right: 'API token', held: true }];
          throw error;
        }
      },
    };
  },
});

/** When the token ends that was used last, which is the one of the request that listed them. */
function endOf(tokens: readonly Token[]): Date | undefined {
  const lastUse = ({ last_used }: Token) => Date.parse(last_used ?? '') || 0;
  const own = [...tokens].sort((a, b) => lastUse(b) - lastUse(a))[0];
  if (!own) return undefined;
  const ends = [
    Date.parse(own.created) + durationMs(own.max_age),
    lastUse(own) + durationMs(own.max_unused_period),
  ].filter(Number.isFinite);
  return ends.length > 0 ? new Date(Math.min(...ends)) : undefined;
}

/** Not a number where there is none. */
function durationMs(text: string | null): number {
  const [, days = 0, hours = 0, minutes = 0, seconds] =
    /^(?:(\d+) )?(?:(?:(\d+):)?(\d+):)?(\d+)(?:\.\d+)?$/.exec(text ?? '') ?? [];
  return (((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}
