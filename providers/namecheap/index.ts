import { isIPv4 } from 'node:net';
import * as z from 'zod/mini';
import { apiUrl, defineProvider, parseZones, secret } from '../../src/provider.ts';
import { createVerbs } from './changes.ts';
import { createNamecheapClient } from './client.ts';

const options = z.strictObject({
  user: z.string().check(z.minLength(1), z.maxLength(20), z.describe('Namecheap user name')),
  apiKey: secret('API key from Profile > Tools > API Access'),
  clientIp: z
    .string()
    .check(
      z.refine(isIPv4, 'expected an IPv4 address like 203.0.113.5'),
      z.describe('public IPv4 address of this machine, which is among the Whitelisted IPs'),
    ),
  url: apiUrl('https://api.namecheap.com/xml.response'),
});

/** Namecheap, for domains with its own name servers. */
export default defineProvider({
  type: 'namecheap',
  title: 'Namecheap',
  docs: {
    url: 'https://www.namecheap.com/support/api/methods/',
    rights: [
      'API Access turned on under Profile > Tools > Business & Dev Tools. Namecheap asks for 20 domains, 50 USD on the account, or 50 USD spent within the last 2 years.',
      'The public IPv4 address of the machine among the Whitelisted IPs there.',
      'The key can do everything that the API can, such as registering domains at your expense. There are no keys for DNS only.',
    ],
    requests: {
      add: '3; 1 if the value exists; 3 for up to 100 changes of a zone',
      remove: '2; 1 if the value is not there; the same for up to 100 changes of a zone',
    },
    tried:
      "Never against the live API. Against a stand-in made from Namecheap's API documents and its go-namecheap-sdk (read on 2026-11-21), and recorded answers in the tests of lego and lexicon.",
    notes: [
      'Read this before you use it: the API can only replace all records of a domain at once. dns01 reads them and writes all of them back with its own change. After an add, it reads them again. If a record is missing, dns01 fails and names it.',
      'What another program or a person changes between the read and the write is lost, because the API has no way to notice it. This is less than a second, and dns01 processes with the same state directory take turns. Export your records now and then.',
      'A safer way: let a CNAME at the challenge name lead into a zone that another account serves.',
      'dns01 changes nothing in a domain with Dynamic DNS records, because each change through the API turns them into plain records.',
      'The API does not show SRV records. It is not documented whether replacing the others keeps them.',
      'The API key is sent in the body of requests only, never in a URL.',
      'A zone is a registered domain, like example.com or example.co.uk. Domains with name servers elsewhere are refused.',
    ],
  },
  options,
  http: true,
  exclusive: true,
  // README of Namecheap's go-namecheap-sdk, "Rate limiting & retries".
  rateLimits: [
    { requests: 20, windowMs: 60_000, per: 'credential' },
    { requests: 700, windowMs: 3_600_000, per: 'credential' },
    { requests: 8000, windowMs: 86_400_000, per: 'credential' },
  ],
  changes: { atMost: 100, atomic: true },
  nameServerPatterns: [/^(?:p?dns[12]|freedns[1-5])\.registrar-servers\.com$/],
  usualDelayMs: 60_000,
  create(settings, context) {
    const client = createNamecheapClient(settings, context);
    return {
      ...createVerbs(client, context),
      listZones: () => parseZones(client.zones()),
      nameServers: (zone) => client.nameServers(zone),
    };
  },
});
