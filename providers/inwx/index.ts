import * as z from 'zod/mini';
import { apiUrl, createRecordVerbs, defineProvider, parseZones, plainName, secret } from '../../src/provider.ts';
import { createInwxClient } from './client.ts';

const ENDPOINT = 'https://api.domrobot.com/jsonrpc';

const options = z.strictObject({
  username: z.string().check(z.minLength(1), z.describe('username')),
  password: secret('password'),
  totpSecret: z.optional(secret('secret of the two-factor authentication in Base32, not a code of six digits')),
  url: apiUrl(ENDPOINT, 'Test system: https://api.ote.domrobot.com/jsonrpc'),
});

/** INWX (Germany), through the JSON-RPC form of its API. */
export default defineProvider({
  type: 'inwx',
  title: 'INWX',
  docs: {
    url: 'https://www.inwx.com/en/help/apidoc',
    rights: [
      'A user of its own with only the role DNS Management. Create it in the INWX web interface under Account, Users. Without two-factor authentication it needs no totpSecret, and logins never wait.',
    ],
    requests: {
      add: '1; 1 more if the value exists; and 1 each to log in and to unlock the account with a TOTP code',
      remove: '2, and 1 each to log in and to unlock',
    },
    tried:
      "Never against the live API. Against a stand-in made from INWX's API documentation (chapters 1 and 2), the answers of its test system that dns-lexicon recorded in 2018, and what lego, acme.sh and Posh-ACME send and expect (all read on 2026-11-21).",
    notes: [
      'INWX accepts each TOTP code only once. A second process, or a second run within 30 seconds, waits for the next code, for up to two minutes in all.',
      'dns01 does not log out, because that would be one more request. INWX ends a session that is no longer used.',
      'The least TTL is 300 seconds; a lower ttl in the config is raised to that.',
      'INWX shows internationalised zones in Unicode. dns01 asks for them in ASCII first.',
    ],
  },
  options,
  http: true,
  nameServerPatterns: [/^ns\d?\.inwx\.(de|eu|com|net)$/],
  usualDelayMs: 30_000,
  create(login, context) {
    const client = createInwxClient(login, context);
    return {
      ...createRecordVerbs({ ...client, createsFirst: true }, context),
      listZones: () => parseZones(client.zones()),
      nameServers: async (zone) => (await client.nameServers(zone)).map(plainName),
    };
  },
});
