import type { Fqdn, HttpAnswer, HttpCall, ProviderContext } from '../../src/provider.ts';
import { nameServersIn } from './name-servers.ts';
import { type Outcome, type Refusal, readRefusal, refused, unreadable } from './refusal.ts';
import { searchSchema, zoneListSchema, zoneSchema } from './schema.ts';

interface PowerdnsAccess {
  /** `http://HOST:PORT`, without a slash at the end. */
  readonly url: string;
  readonly apiKey: string;
  /** The server's id; PowerDNS itself knows only `localhost`. */
  readonly server: string;
}

/** One value of a record set, as it is stored. */
export interface Row {
  /** In zone file form: quoted, escaped. */
  readonly content: string;
  /** Kept, but not served. */
  readonly disabled: boolean;
}

/** The TXT record set at one name, and what matters of its zone. */
export interface TxtSet {
  readonly rows: readonly Row[];
  /** Seconds; undefined where there is no record. */
  readonly ttl: number | undefined;
  /** `Native`, `Master`, `Slave` and their newer names. */
  readonly kind: string;
  /** Changes through the API give the zone a new serial number, so that secondary servers see them. */
  readonly raisesSerial: boolean;
}

/** The requests of the PowerDNS HTTP API that a DNS-01 hook needs. */
export interface PowerdnsClient {
  /**
   * The TXT record set at the name, by itself: to ask for the whole zone fails with a 500 on every server where one
   * value of the zone has no quotes. Disabled values are missing, but for servers since 5.0.
   * @throws E_REJECTED when the server cannot show it; E_PROTOCOL
   */
  read(zone: Fqdn, name: Fqdn): Promise<Outcome<TxtSet>>;
  /** The disabled values at the name, which `read` does not show. @throws E_PROTOCOL */
  disabledRows(zone: Fqdn, name: Fqdn): Promise<Outcome<{ rows: Row[]; ttl: number | undefined }>>;
  /** Put these values in the place of the whole record set. Without values, there is no record set afterwards. */
  replace(zone: Fqdn, name: Fqdn, set: Pick<TxtSet, 'rows' | 'ttl'>): Promise<Refusal | undefined>;
  /** Every zone of the server that is not a copy of another server's. */
  zones(): Promise<Fqdn[]>;
  /** The zone's NS records; none where the server cannot show them. @throws E_PROTOCOL */
  nameServers(zone: Fqdn): Promise<string[]>;
}

/** The most that a search gives: no name has so many records. */
const MOST_FOUND = 1000;

export function createPowerdnsClient(
  { url, apiKey, server }: PowerdnsAccess,
  { http }: Pick<ProviderContext, 'http'>,
): PowerdnsClient {
  const base = `/api/v1/servers/${encodeURIComponent(server)}`;

  function request(path: string, { method, json, anyStatus }: Pick<HttpCall, 'method' | 'json' | 'anyStatus'>) {
    return http.send({
      call: `${method} ${path.replace(/\?.*/, '')}`,
      method,
      url: `${url}${base}${path}`,
      headers: { 'x-api-key': apiKey },
      ...(json === undefined ? {} : { json }),
      ...(anyStatus === undefined ? {} : { anyStatus }),
    });
  }

  /** A server that fails on this record set alone will not do better; one that fails on everything may. */
  async function readAnyStatus(zone: Fqdn, name: Fqdn): Promise<HttpAnswer> {
    const path = `${zonePath(zone)}?rrset_name=${absolute(name)}&rrset_type=TXT`;
    const first = await request(path, { method: 'GET', anyStatus: true });
    if (first.status < 500) return first;
    await request(`${zonePath(zone)}?rrsets=false`, { method: 'GET' });
    const second = await request(path, { method: 'GET', anyStatus: true });
    if (second.status < 500) return second;
    throw unreadable(second.call, name);
  }

  /** For backends that cannot be searched: the whole zone shows them, too. */
  async function disabledInZone(zone: Fqdn, name: Fqdn): Promise<Outcome<{ rows: Row[]; ttl: number | undefined }>> {
    const answer = await request(zonePath(zone), { method: 'GET', anyStatus: true });
    if (answer.status >= 400) return { refusal: readRefusal(answer) };
    const { rrsets } = http.decode(answer, zoneSchema);
    const set = rrsets.find((candidate) => candidate.type === 'TXT' && isName(candidate.name, name));
    return { result: { rows: set?.records.filter(({ disabled }) => disabled) ?? [], ttl: set?.ttl } };
  }

  return {
    async read(zone, name) {
      const answer = await readAnyStatus(zone, name);
      if (answer.status >= 400) return { refusal: readRefusal(answer) };
      const { kind = '', soa_edit_api: serialRule, rrsets } = http.decode(answer, zoneSchema);
      const set = rrsets.find((candidate) => candidate.type === 'TXT' && isName(candidate.name, name));
      return { result: { rows: set?.records ?? [], ttl: set?.ttl, kind, raisesSerial: serialRule !== '' } };
    },

    async disabledRows(zone, name) {
      const path = `/search-data?q=${encodeURIComponent(name)}&max=${MOST_FOUND}&object_type=record`;
      const answer = await request(path, { method: 'GET', anyStatus: true });
      if (answer.status >= 400) return disabledInZone(zone, name);
      const found = http
        .decode(answer, searchSchema)
        .filter((item) => item.type === 'TXT' && item.disabled && isName(item.name, name) && isName(item.zone, zone));
      const rows = found.map(({ content = '' }) => ({ content, disabled: true }));
      return { result: { rows, ttl: found[0]?.ttl } };
    },

    async replace(zone, name, { rows, ttl }) {
      const rrset = { name: absolute(name), type: 'TXT' };
      const change =
        rows.length === 0
          ? { ...rrset, changetype: 'DELETE' }
          : {
              ...rrset,
              ttl,
              changetype: 'REPLACE',
              records: rows.map(({ content, disabled }) => ({ content, disabled })),
            };
      const answer = await request(zonePath(zone), { method: 'PATCH', json: { rrsets: [change] } });
      return answer.status >= 400 ? readRefusal(answer) : undefined;
    },

    async zones() {
      const answer = await request('/zones', { method: 'GET' });
      if (answer.status >= 400) throw refused(readRefusal(answer), undefined);
      return http
        .decode(answer, zoneListSchema)
        .filter(({ kind }) => !isCopy(kind ?? ''))
        .map(({ name }) => relativeToRoot(name));
    },

    async nameServers(zone) {
      const path = `${zonePath(zone)}?rrset_name=${absolute(zone)}&rrset_type=NS`;
      const answer = await request(path, { method: 'GET', anyStatus: true });
      // Servers before 4.7 show the whole zone, and fail where one of its texts has no quotes.
      return answer.status >= 400 ? [] : nameServersIn(http.decode(answer, zoneSchema), zone);
    },
  };
}

/** Zones of this kind are fetched from another server, which knows nothing of what is written here. */
export const isCopy = (kind: string): boolean => /^(slave|secondary|consumer)$/i.test(kind);

const zonePath = (zone: Fqdn): string => `/zones/${encodeURIComponent(absolute(zone))}`;

/** The API's names end with a dot. */
const absolute = (name: Fqdn): string => `${name}.`;

const relativeToRoot = (shown: string): Fqdn => shown.toLowerCase().replace(/\.$/, '');

const isName = (shown: string | undefined, name: Fqdn): boolean =>
  shown !== undefined && relativeToRoot(shown) === name;
