import type * as z from 'zod/mini';
import { Dns01Error, isDns01Error } from '../../src/errors.ts';
import {
  absoluteName,
  createApi,
  createInZone,
  createRunMemory,
  decodeXml,
  eachPage,
  type Fqdn,
  type HttpAnswer,
  type ProviderContext,
  pathPart,
  plainName,
} from '../../src/provider.ts';
import {
  batchXml,
  changed,
  oneZone,
  plainSet,
  recordSets,
  type SetChange,
  type ShownZone,
  type TxtSet,
  type TxtSets,
  zonesByName,
} from './documents.ts';
import { messageOf, refusalOf } from './refusals.ts';

export interface Credentials {
  readonly url: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  readonly hostedZoneId?: string | undefined;
}

export type Route53Client = ReturnType<typeof createRoute53Client>;

const VERSION = '/2013-04-01';

/** How often a request is sent that was refused only because of others. */
const MAX_ATTEMPTS = 8;

const PAUSE_MS = 400;
const MAX_PAUSE_MS = 6000;

/** The largest page of zones (API reference, ListHostedZones) and of record sets (ListResourceRecordSets). */
const ZONES_PER_PAGE = 100;
const SETS_PER_PAGE = 300;

type Query = Readonly<Record<string, string | number>>;

interface Call {
  readonly call: string;
  readonly path: string;
  readonly query?: Query;
  /** XML: the request changes something. */
  readonly body?: string;
}

/** The requests of the Route 53 API (version 2013-04-01) that a DNS-01 hook needs. */
export function createRoute53Client({ url, hostedZoneId, ...login }: Credentials, context: ProviderContext) {
  const api = createApi(context, { url, headers: {}, refusalOf, messageOf });
  const hosted = createRunMemory<z.output<typeof oneZone>['GetHostedZoneResponse']>();

  async function send(call: Call): Promise<HttpAnswer> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await sendOnce(call);
      } catch (error) {
        if (!isBusy(error) || attempt === MAX_ATTEMPTS) throw error;
        const pauseMs = Math.min(MAX_PAUSE_MS, PAUSE_MS * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2);
        context.log.debug('too many requests', { call: call.call, pauseMs });
        await context.sleep(pauseMs);
      }
    }
  }

  async function sendOnce({ call, path, query, body }: Call): Promise<HttpAnswer> {
    const method = body === undefined ? 'GET' : 'POST';
    const target = `${VERSION}${path}`;
    const pairs = Object.entries(query ?? {}).map(([key, value]): [string, string] => [key, String(value)]);
    const { AwsV4Signer } = await import('aws4fetch');
    const signer = new AwsV4Signer({
      method,
      url: `${url}${target}?${new URLSearchParams(pairs)}`,
      body: body ?? null,
      accessKeyId: login.accessKeyId,
      secretAccessKey: login.secretAccessKey,
      ...(login.sessionToken === undefined ? {} : { sessionToken: login.sessionToken }),
      service: 'route53',
      region: 'us-east-1',
    });
    const { headers } = await signer.sign();
    return api.send({
      call,
      method,
      path: target,
      ...(query && { query }),
      headers: { accept: 'text/xml', ...Object.fromEntries(headers), ...(body && { 'content-type': 'text/xml' }) },
      ...(body === undefined ? {} : { text: body }),
    });
  }

  const get = async <Schema extends z.core.$ZodType>(call: Call, schema: Schema) => decodeXml(await send(call), schema);

  const hostedZone = (id: string) =>
    hosted.get(id, async () => {
      const answer = await get({ call: 'GetHostedZone', path: `/hostedzone/${pathPart(id)}` }, oneZone);
      return answer.GetHostedZoneResponse;
    });

  /** @throws E_ZONE where the account has no public zone of this name, and where `hostedZoneId` is another zone */
  async function findZone(name: Fqdn): Promise<string> {
    if (hostedZoneId !== undefined) {
      const { HostedZone } = await hostedZone(hostedZoneId);
      if (plainName(HostedZone.Name) === name) return hostedZoneId;
      throw new Dns01Error('E_ZONE', `hosted zone ${hostedZoneId} is ${plainName(HostedZone.Name)}, not ${name}`);
    }
    const ids: string[] = [];
    for await (const { Id, Name } of publicZones({ dnsname: name })) {
      // The list begins at this name, and is sorted.
      if (plainName(Name) !== name) break;
      ids.push(idOf(Id));
    }
    const [id, other] = ids;
    if (id === undefined) {
      throw new Dns01Error('E_ZONE', `there is no public hosted zone ${name} in this AWS account`, {
        hint: 'check the zone in the Route 53 console, or name it with --zone or in the config',
      });
    }
    if (other === undefined) return id;
    throw new Dns01Error('E_CONFIG', `there are several public hosted zones named ${name}: ${ids.join(', ')}`, {
      hint: 'set hostedZoneId to the one whose name servers the registry of the domain shows',
    });
  }

  async function* publicZones(first: Query): AsyncGenerator<ShownZone> {
    const all = eachPage<ShownZone, Query>(first, async (cursor) => {
      const query = { ...cursor, maxitems: ZONES_PER_PAGE };
      const answer = await get({ call: 'ListHostedZonesByName', path: '/hostedzonesbyname', query }, zonesByName);
      const { HostedZones: items, ...page } = answer.ListHostedZonesByNameResponse;
      if (!page.IsTruncated || !page.NextDNSName || !page.NextHostedZoneId) return { items, next: undefined };
      return { items, next: { dnsname: page.NextDNSName, hostedzoneid: page.NextHostedZoneId } };
    });
    for await (const each of all) if (!each.Config?.PrivateZone) yield each;
  }

  const inZone = createInZone(context, findZone, ({ status }) => status === 404);

  /** The sets of these names, in as few pages as possible: each begins at the first name that was not reached. */
  async function readIn(id: string, names: readonly Fqdn[]): Promise<TxtSets> {
    const found = new Map<Fqdn, TxtSet>();
    let wanted = [...new Set(names)].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
    while (wanted[0] !== undefined) {
      const query = { name: absoluteName(wanted[0]), type: 'TXT', maxitems: wanted.length === 1 ? 1 : SETS_PER_PAGE };
      const call = { call: 'ListResourceRecordSets', path: `/hostedzone/${pathPart(id)}/rrset`, query };
      const { ResourceRecordSets, ...page } = (await get(call, recordSets)).ListResourceRecordSetsResponse;
      for (const set of ResourceRecordSets) {
        const name = wanted.find((each) => each === plainName(set.Name));
        if (name !== undefined && set.Type === 'TXT') found.set(name, plainSet(name, set));
      }
      const next = page.IsTruncated && page.NextRecordName ? sortKey(plainName(page.NextRecordName)) : undefined;
      // The first one is done in any case, so that this ends.
      wanted = next === undefined ? [] : wanted.slice(1).filter((name) => sortKey(name) >= next);
    }
    return found;
  }

  return {
    read: (zoneName: Fqdn, names: readonly Fqdn[]) => inZone(zoneName, (id) => readIn(id, names)),

    /** Undefined where the batch was done; the refusal where it does not fit what is stored, or is not allowed there. */
    change: (zoneName: Fqdn, batch: readonly SetChange[]) =>
      inZone(zoneName, async (id): Promise<Dns01Error | undefined> => {
        const path = `/hostedzone/${pathPart(id)}/rrset/`;
        try {
          await get({ call: 'ChangeResourceRecordSets', path, body: batchXml(batch) }, changed);
          return undefined;
        } catch (error) {
          if (isDns01Error(error) && error.code === 'E_REJECTED' && error.status === 400) return error;
          throw error;
        }
      }),

    nameServers: (zoneName: Fqdn) =>
      inZone(zoneName, async (id) => ((await hostedZone(id)).DelegationSet?.NameServers ?? []).map(plainName)),

    /** The public zones of the account, by the call that also finds one: it needs no further right. */
    async *zones() {
      if (hostedZoneId !== undefined) yield { name: (await hostedZone(hostedZoneId)).HostedZone.Name };
      else for await (const { Name } of publicZones({})) yield { name: Name };
    },
  };
}

const isBusy = (error: unknown): boolean => isDns01Error(error) && error.code === 'E_RATE' && error.status === 400;

/** `/hostedzone/Z123` and `Z123` are the same. */
const idOf = (shown: string): string => shown.replace(/^.*\//, '');

/** Names are listed in the order of their labels from the right, each with a dot after it (ListResourceRecordSets). */
const sortKey = (name: string): string => `${name.split('.').reverse().join('.')}.`;
