import { domainToUnicode } from 'node:url';
import * as z from 'zod/mini';
import { isDns01Error } from '../../src/errors.ts';
import {
  createApi,
  createRecordVerbs,
  defineProvider,
  type Fqdn,
  type HttpAnswer,
  httpUrl,
  parseZones,
  plainName,
  type Refusal,
  refusalBody,
  refusalError,
  relativeName,
  secret,
  shownId,
} from '../../src/provider.ts';

const options = z.strictObject({
  url: httpUrl('address of Froxlor, e.g. https://panel.example.com/froxlor, without api.php'),
  apiKey: secret('API key'),
  apiSecret: secret('secret of the API key'),
});

const entries = z.object({
  data: z.object({
    list: z.array(z.object({ id: shownId, record: z.string(), type: z.string(), content: z.string() })),
  }),
});
const zoneFile = z.object({ data: z.array(z.string()) });
const added = zoneFile;
const deleted = z.object({ data: z.literal(true) });
const flag = z.union([z.string(), z.number()]);
const domains = z.object({
  data: z.object({
    list: z.array(
      z.object({
        domain: z.string(),
        parentdomainid: flag,
        isbinddomain: flag,
        deactivated: z.optional(z.nullable(flag)),
      }),
    ),
  }),
});

const errorSchema = z.object({ message: z.string() });
const messageOf = (answer: HttpAnswer): string | undefined => refusalBody(answer, errorSchema)?.message;

/** Messages of errors are in the language of the user, except for those that are asked for here. */
function refusalOf(answer: HttpAnswer): Refusal | undefined {
  const { status } = answer;
  const message = messageOf(answer);
  if (status === 401 || status === 403) {
    return {
      code: 'E_AUTH',
      text: 'the API key was refused',
      loginRefused: true,
      hint: 'check apiKey and apiSecret; also that the key has not ended, that the address of this machine is in its "Allowed from", and that the user is allowed to use the API',
    };
  }
  if (message === undefined && status < 500) {
    return {
      code: 'E_PROTOCOL',
      text: 'there is no Froxlor API at this address',
      hint: 'set url to the address of the Froxlor login page, without index.php and api.php; it must be Froxlor 2.0 or later',
    };
  }
  if (status === 400 && /^api is not enabled/i.test(message ?? '')) {
    return {
      code: 'E_AUTH',
      text: 'the API of this Froxlor is switched off',
      hint: 'ask the administrator to enable it: Settings → Froxlor API',
    };
  }
  if (status === 405) {
    return {
      code: 'E_AUTH',
      text: 'this user may not change DNS records',
      hint: 'ask the administrator to enable the nameserver and the DNS editor (Settings → Nameserver settings), and the DNS editor for this customer',
    };
  }
  if (status === 404) return { code: 'E_ZONE', text: 'this user has no such domain in Froxlor' };
  if (status === 406 && /main domain/i.test(message ?? '')) {
    return { code: 'E_ZONE', text: 'this is a subdomain in Froxlor, and not a zone' };
  }
  // Also the answer for a domain that has no nameserver, in the language of the user.
  if (status === 400) return { code: 'E_REJECTED', tryNextZone: true };
  return {
    code: 'E_REJECTED',
    hint: 'check the name in the DNS editor of Froxlor: no TXT record is possible beside a CNAME record, and a name has at most 63 characters before the zone',
  };
}

/** Froxlor. */
export default defineProvider({
  type: 'froxlor',
  title: 'Froxlor',
  docs: {
    url: 'https://docs.froxlor.org/latest/api-guide/',
    rights: [
      'The administrator enables three things once: Settings → Froxlor API, the nameserver and its DNS editor (Settings → Nameserver settings), and for the customer "DNS editor" and "Allow API access" (Customers → the customer).',
      'The key, as the customer: your name at the top right → API keys → Add new key. Copy the key and its secret. "Allowed from" can be the address of the machine with dns01; leave "Valid until" empty.',
      'A key of a customer sees the domains of this customer only, but can change everything that the customer can. There are no keys for DNS only. A key of an administrator works too.',
    ],
    requests: {
      add: '2; 1 if the value exists; 1 more for each name that is tried as a zone, once a day',
      remove: '2',
    },
    tried:
      "With the API and the DNS cron of the real Froxlor 2.3.4 on PHP 8.2, MariaDB 10.11 and BIND 9.18, where certbot got certificates; with PowerDNS only against a stand-in made from Froxlor's source (read on 2026-11-21).",
    notes: [
      'Froxlor writes its zones by cron, every 5 minutes by default. So a certificate takes minutes: set `propagation.timeout` to 900.',
      'Where Apache runs PHP as FastCGI, it needs `CGIPassAuth On`, as Froxlor writes it; otherwise every key is refused.',
      'Only main domains are zones. Records of a subdomain belong to its main domain.',
      'The part of a name before the zone has at most 63 characters, and none of its labels may have two hyphens in a row unless it is an international one.',
      'A second, identical record is refused only if its TTL is the same, so dns01 reads the records before it adds one.',
    ],
  },
  options,
  http: true,
  // The task "tasks" of the cron, by default.
  usualDelayMs: 300_000,
  create({ url, apiKey, apiSecret }, context) {
    const credentials = Buffer.from(`${apiKey}:${apiSecret}`).toString('base64');
    context.keepSecret(credentials);
    const api = createApi(context, {
      url,
      headers: { authorization: `Basic ${credentials}` },
      refusalOf,
      messageOf,
    });

    const callOf = (command: string, params: object, writes: boolean) =>
      ({ method: 'POST', path: '/api.php', call: command, json: { command, params }, writes }) as const;
    const zoneLines = async (zone: Fqdn) =>
      (await api.json(callOf('DomainZones.get', { domainname: zone }, false), zoneFile)).data;

    /**
     * Does a task in a zone. For a subdomain, lists are empty and say nothing, so that the domain is looked at once a day.
     * @throws E_ZONE
     */
    async function inZone<Result>(zone: Fqdn, task: () => Promise<Result>): Promise<Result> {
      await context.zoneId(zone, async () => {
        await zoneLines(zone);
        return zone;
      });
      try {
        return await task();
      } catch (error) {
        if (isDns01Error(error) && error.tryNextZone) await context.forgetZoneId(zone);
        throw error;
      }
    }

    return {
      ...createRecordVerbs(
        {
          async *list(zone) {
            const { list } = await inZone(zone, () =>
              api.json(callOf('DomainZones.listing', { domainname: zone }, false), entries).then(({ data }) => data),
            );
            for (const { id, record, type, content } of list) {
              if (type === 'TXT') yield { id, name: record, value: content };
            }
          },
          create: ({ name, zone, value, ttl }) =>
            inZone(zone, async () => {
              // Froxlor puts the quotes around it, and splits a long value when it writes the zone.
              const record = withoutPunycode(relativeName(name, zone));
              const params = { domainname: zone, record, type: 'TXT', content: value, ttl: Math.max(1, ttl) };
              const answer = await api.send({ ...callOf('DomainZones.add', params, true), expected: [200, 406] });
              if (answer.status === 200) {
                // The zone, without the id of the record.
                context.http.decode(answer, added);
                return {};
              }
              const refusal = refusalError(answer, { refusalOf, messageOf });
              if (refusal.code === 'E_ZONE') throw refusal;
              // It may be that the record exists.
              return { conflict: refusal };
            }),
          remove: (zone, id) =>
            inZone(zone, async () => {
              const params = { domainname: zone, entry_id: id };
              const answer = await api.send({ ...callOf('DomainZones.delete', params, true), expected: [200, 304] });
              // "Not modified": there is no such record.
              if (answer.status === 304) return 'absent';
              context.http.decode(answer, deleted);
              return 'removed';
            }),
        },
        context,
      ),
      listZones: () => parseZones(shownZones()),
      async nameServers(zone) {
        const lines = await zoneLines(zone);
        const targets = lines.flatMap((line) => line.match(/^(?:@|\s)\s*\d*\s*IN\s+NS\s+(\S+)/)?.[1] ?? []);
        return targets.map(plainName);
      },
    };

    async function* shownZones() {
      const { data } = await api.json(callOf('SubDomains.listing', { with_ips: false }, false), domains);
      for (const { domain, parentdomainid, isbinddomain, deactivated } of data.list) {
        if (Number(parentdomainid) !== 0 || Number(isbinddomain) === 0) continue;
        yield { name: domain, active: Number(deactivated ?? 0) === 0 };
      }
    }
  },
});

/** Froxlor refuses international labels in ASCII ("xn--…") and takes them as they are read. */
function withoutPunycode(name: string): string {
  return name
    .split('.')
    .map((label) => (label.startsWith('xn--') ? domainToUnicode(label) || label : label))
    .join('.');
}
