import * as z from 'zod/mini';
import { Dns01Error, isDns01Error } from '../../src/errors.ts';
import {
  createApi,
  decodeXml,
  eachPage,
  excerpt,
  type Fqdn,
  type HttpAnswer,
  type ProviderContext,
  plainName,
  unexpectedAnswer,
  xmlChildren,
  xmlList,
} from '../../src/provider.ts';
import { refusalFor } from './refusals.ts';

/** A record as the API shows it; all of it is sent back with each change of the zone. */
export interface Host {
  /** Relative to the zone, `@` for the zone itself. */
  readonly name: string;
  readonly type: string;
  readonly address: string;
  readonly mxPref: string;
  /** Seconds. */
  readonly ttl: string;
}

export interface Hosts {
  readonly hosts: readonly Host[];
  /** How the domain gets its mail, e.g. `MX` or `FWD`. A change that does not repeat it turns it off. */
  readonly emailType: string | undefined;
  /** The records that a change would turn into other ones: none may be made. */
  readonly unrepeatable: readonly Host[];
}

export interface Login {
  readonly url: string;
  readonly user: string;
  readonly apiKey: string;
  readonly clientIp: string;
}

export type NamecheapClient = ReturnType<typeof createNamecheapClient>;

/** The types that setHosts takes ("namecheap.domains.dns.setHosts", RecordType). */
const TYPES = ['A', 'AAAA', 'ALIAS', 'CAA', 'CNAME', 'MX', 'MXE', 'NS', 'TXT', 'URL', 'URL301', 'FRAME'];

const DOMAINS_PER_PAGE = 100;

/** How often a request is sent that was refused because there were too many. */
const MAX_ATTEMPTS = 4;
const PAUSE_MS = 15_000;

const text = z.string();
const optional = z.optional(text);
const host = z.pipe(
  z.object({
    '@Name': text,
    '@Type': text,
    '@Address': text,
    '@MXPref': optional,
    '@TTL': text,
    '@IsDDNSEnabled': optional,
  }),
  z.transform((shown) => ({
    name: shown['@Name'],
    type: shown['@Type'],
    address: shown['@Address'],
    mxPref: shown['@MXPref'] ?? '10',
    ttl: shown['@TTL'],
    // setHosts has no parameter for a record of dynamic DNS, and makes it a plain one.
    isRepeatable: shown['@IsDDNSEnabled'] !== 'true' && TYPES.includes(shown['@Type']),
  })),
);

const errors = z.optional(xmlList('Error', z.union([z.object({ '@Number': text, '#text': optional }), text])));
const envelope = z.object({ ApiResponse: z.object({ '@Status': z.enum(['OK', 'ERROR']), Errors: errors }) });
const commandResponse = <Result extends z.core.$ZodType>(name: string, result: Result) =>
  z.object({ ApiResponse: z.object({ CommandResponse: z.object({ [name]: result }) }) });

const domainResult = { '@Domain': text, '@IsUsingOurDNS': text };
const getHosts = z.object({ ...domainResult, '@EmailType': optional, host: xmlChildren(host) });
const getList = z.object({ ...domainResult, Nameserver: xmlChildren(text) });
const setHosts = z.object({ '@Domain': text, '@IsSuccess': z.enum(['true', 'false']) });
const domains = xmlList('Domain', z.object({ '@Name': text, '@IsExpired': optional, '@IsOurDNS': optional }));

/** The commands of the Namecheap API that a DNS-01 hook needs. */
export function createNamecheapClient({ url, user, apiKey, clientIp }: Login, context: ProviderContext) {
  const api = createApi(context, {
    url,
    headers: { accept: 'text/xml' },
    // The API says by 405 that there were too many requests, and has done nothing (README of Namecheap's go-namecheap-sdk).
    refusals: { 405: { code: 'E_RATE', text: 'too many requests' }, 404: 'E_REJECTED' },
  });

  /** Always a POST with a form, so that the API key is in no address. */
  async function run<Result extends z.core.$ZodType>(
    command: string,
    parameters: Readonly<Record<string, string>>,
    element: readonly [name: string, result: Result],
  ): Promise<z.output<Result>> {
    const login = { ApiUser: user, ApiKey: apiKey, UserName: user, ClientIp: clientIp };
    const form = { ...login, Command: `namecheap.${command}`, ...parameters };
    const answer = await send(command, form);
    const { '@Status': status, Errors: [error] = [] } = (await decodeXml(answer, envelope)).ApiResponse;
    if (status === 'ERROR' || error !== undefined) throw refused(answer, error);
    const [name, result] = element;
    const found = (await decodeXml(answer, commandResponse(name, result))).ApiResponse.CommandResponse;
    return found[name] as z.output<Result>;
  }

  async function send(command: string, form: Readonly<Record<string, string>>): Promise<HttpAnswer> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await api.send({ call: command, method: 'POST', path: '', form, writes: command === SET_HOSTS });
      } catch (error) {
        if (!isDns01Error(error) || error.status !== 405 || attempt === MAX_ATTEMPTS) throw error;
        await context.sleep(PAUSE_MS * attempt);
      }
    }
  }

  function checkDomain(zone: Fqdn, call: string, shown: { readonly '@Domain': string }): void {
    if (plainName(shown['@Domain']) === zone) return;
    const answer = { call, status: 200, headers: {}, text: '' };
    throw unexpectedAnswer(answer, `asked for ${zone}, got another domain`);
  }

  return {
    /** @throws E_ZONE; E_REJECTED where the domain has its DNS elsewhere */
    async hosts(zone: Fqdn): Promise<Hosts> {
      const shown = await run(GET_HOSTS, domainOf(zone), ['DomainDNSGetHostsResult', getHosts]);
      checkDomain(zone, GET_HOSTS, shown);
      if (shown['@IsUsingOurDNS'] !== 'true') throw dnsElsewhere(zone);
      return {
        hosts: shown.host,
        emailType: shown['@EmailType'],
        unrepeatable: shown.host.filter(({ isRepeatable }) => !isRepeatable),
      };
    },

    /** Replaces all records of the zone. */
    async setHosts(zone: Fqdn, { hosts, emailType }: Omit<Hosts, 'unrepeatable'>): Promise<true> {
      const records = hosts.flatMap(({ name, type, address, mxPref, ttl }, index) =>
        Object.entries({ HostName: name, RecordType: type, Address: address, MXPref: mxPref, TTL: ttl }).map(
          ([key, value]) => [`${key}${index + 1}`, value] as const,
        ),
      );
      const parameters = {
        ...domainOf(zone),
        ...(emailType && { EmailType: emailType }),
        ...Object.fromEntries(records),
      };
      const shown = await run(SET_HOSTS, parameters, ['DomainDNSSetHostsResult', setHosts]);
      checkDomain(zone, SET_HOSTS, shown);
      if (shown['@IsSuccess'] === 'true') return true;
      throw new Dns01Error('E_REJECTED', `${SET_HOSTS}: Namecheap did not store the records of ${zone}`, {
        hint: `check the records of ${zone} under Advanced DNS in the Namecheap account`,
      });
    },

    async nameServers(zone: Fqdn): Promise<string[]> {
      const shown = await run('domains.dns.getList', domainOf(zone), ['DomainDNSGetListResult', getList]);
      return shown.Nameserver.map(plainName);
    },

    zones: () =>
      eachPage(1, async (page) => {
        const parameters = { Page: String(page), PageSize: String(DOMAINS_PER_PAGE) };
        const found = await run('domains.getList', parameters, ['DomainGetListResult', domains]);
        const items = found.map((shown) => ({
          name: shown['@Name'],
          active: shown['@IsOurDNS'] !== 'false' && shown['@IsExpired'] !== 'true',
        }));
        return { items, next: items.length < DOMAINS_PER_PAGE ? undefined : page + 1 };
      }),
  };
}

const GET_HOSTS = 'domains.dns.getHosts';
const SET_HOSTS = 'domains.dns.setHosts';

/** A zone is a registered domain: its first label, and what the registry sells below, like `co.uk`. */
function domainOf(zone: Fqdn): { SLD: string; TLD: string } {
  const [first = '', ...others] = zone.split('.');
  return { SLD: first, TLD: others.join('.') };
}

function refused(
  { call, status }: HttpAnswer,
  error: string | { '@Number': string; '#text'?: string | undefined } | undefined,
) {
  const { '@Number': number, '#text': message = '' } =
    typeof error === 'object' ? error : { '@Number': 'unknown', '#text': error };
  const { code, text: what, hint, tryNextZone } = refusalFor(number, message);
  // After a failed login, the answer may repeat the credentials.
  const words = code === 'E_AUTH' ? '' : `: ${excerpt(message)}`;
  return new Dns01Error(code, `${call}: ${what ?? 'refused'} (error ${excerpt(number)})${words}`, {
    hint,
    status,
    tryNextZone,
    loginRefused: code === 'E_AUTH',
  });
}

const dnsElsewhere = (zone: Fqdn): Dns01Error => {
  const { code, text: what, hint } = refusalFor('2030288', '');
  return new Dns01Error(code, `${zone}: ${what}`, { hint });
};
