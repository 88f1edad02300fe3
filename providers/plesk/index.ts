import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import {
  createRecordVerbs,
  defineProvider,
  httpUrl,
  isSameName,
  parseZones,
  plainName,
  relativeName,
  secret,
} from '../../src/provider.ts';
import { createPleskClient } from './client.ts';

const options = z
  .strictObject({
    url: httpUrl('address of Plesk, e.g. https://server1.example.com:8443'),
    apiKey: z.optional(secret('secret key of the XML API, instead of username and password')),
    username: z.optional(z.string().check(z.minLength(1), z.describe('Plesk username; not with apiKey'))),
    password: z.optional(secret('password of this user; not with apiKey')),
  })
  .check(
    z.refine(
      ({ apiKey, username, password }) =>
        apiKey === undefined
          ? username !== undefined && password !== undefined
          : username === undefined && password === undefined,
      'expected either apiKey, or username and password',
    ),
  );

/** Plesk's XML API, which customers may use as well: its REST API is for administrators only. */
export default defineProvider({
  type: 'plesk',
  title: 'Plesk',
  docs: {
    url: 'https://docs.plesk.com/en-US/obsidian/api-rpc/about-xml-api/reference/managing-dns.34756/',
    rights: [
      'As a customer or reseller: the username and password that you log in to Plesk with. Your subscription needs the permissions "DNS zone management" and "Ability to use remote API": if dns01 says that the user may not do that, ask your hosting company for both.',
      'As the administrator of the server, instead: a secret key from its command line, `plesk bin secret_key --create -ip-address 192.0.2.1 -description dns01`, with the address of the machine that runs dns01. Plesk shows it once; it is `apiKey`. It works from this address only, and can do everything. A key that can do what one customer can do is made by the XML API itself (secret_key, create, with the login of the customer).',
      '`url` is the address of Plesk, mostly with port 8443.',
    ],
    requests: {
      add: '1; 1 more if the value exists; 1 more if the zone is not in the cache',
      remove: '2; 1 more if the zone is not in the cache',
    },
    tried:
      "Never against a live panel. Against a stand-in made from Plesk's documents (XML API: managing DNS, retrieving and deleting DNS records, filters, handling errors, reduced list of error codes, secret keys), from answers of XML API 1.6.9.1 that were recorded for lexicon, and from lego's recorded answers (all read on 2026-11-21). acme.sh and lexicon publish and remove through the same stand-in.",
    notes: [
      'A wrong password several times in a row can lock the user or block the address of your machine (fail2ban).',
      'The XML API has no TTL for a record, so the ttl of the config has no effect: the TTL of the zone counts.',
      'Error 1007 says that a record exists already, and the add then changes nothing. If a version accepts a second, equal record instead, a removal deletes both.',
      'The zone must be served by this Plesk, with its DNS switched on for the domain.',
    ],
  },
  options,
  http: true,
  create({ url, apiKey, username = '', password = '' }, context) {
    const login = apiKey === undefined ? { http_auth_login: username, http_auth_passwd: password } : { key: apiKey };
    if (!Object.values(login).every((text) => /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text))) {
      throw new Dns01Error('E_CONFIG', 'the login has letters that Plesk cannot take in the header of a request', {
        hint: 'use a password of letters, digits and ASCII punctuation, without line breaks',
      });
    }
    const client = createPleskClient(url, login, context);
    return {
      ...createRecordVerbs(
        {
          createsFirst: true,
          async *list(zone) {
            for (const { id, type, host, value } of await client.records(zone)) {
              if (type === 'TXT') yield { id, name: host, value };
            }
          },
          create: ({ name, zone, value }) => client.add(zone, relativeName(name, zone, ''), value),
          remove: (_zone, id) => client.remove(id),
        },
        context,
      ),
      listZones: () => parseZones(client.sites()),
      async nameServers(zone) {
        const records = await client.records(zone);
        return records
          .filter(({ type, host }) => type === 'NS' && isSameName(host, zone, zone))
          .map(({ value }) => plainName(value));
      },
    };
  },
});
