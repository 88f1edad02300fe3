import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import { absoluteName, escapeXml, type Fqdn, xmlList } from '../../src/provider.ts';

/** A TXT record set as it is stored. */
export interface TxtSet {
  /** Seconds. */
  readonly ttl: number;
  /** Quoted and escaped. */
  readonly values: readonly string[];
}

/** The TXT record sets by name; a name that is missing has none. */
export type TxtSets = ReadonlyMap<Fqdn, TxtSet>;

/** Part of a change batch: all of it is done or nothing. A deletion has to name the whole set as it is stored. */
export interface SetChange extends TxtSet {
  readonly action: 'CREATE' | 'DELETE';
  readonly name: Fqdn;
}

const text = z.string();
const flag = z.pipe(
  z.optional(text),
  z.transform((shown) => shown === 'true'),
);

const zone = z.object({ Id: text, Name: text, Config: z.optional(z.object({ PrivateZone: flag })) });
export type ShownZone = z.output<typeof zone>;

export const zonesByName = z.object({
  ListHostedZonesByNameResponse: z.object({
    HostedZones: xmlList('HostedZone', zone),
    IsTruncated: flag,
    NextDNSName: z.optional(text),
    NextHostedZoneId: z.optional(text),
  }),
});
export const oneZone = z.object({
  GetHostedZoneResponse: z.object({
    HostedZone: zone,
    DelegationSet: z.optional(z.object({ NameServers: xmlList('NameServer', text) })),
  }),
});

/** Any other member makes a set one that this provider cannot write back, like weighted sets and aliases. */
const recordSet = z.looseObject({
  Name: text,
  Type: text,
  TTL: z.optional(text.check(z.regex(/^\d{1,10}$/))),
  ResourceRecords: z.optional(xmlList('ResourceRecord', z.object({ Value: text }))),
});
const PLAIN_MEMBERS: ReadonlySet<string> = new Set(['Name', 'Type', 'TTL', 'ResourceRecords', '#text']);

export const recordSets = z.object({
  ListResourceRecordSetsResponse: z.object({
    ResourceRecordSets: xmlList('ResourceRecordSet', recordSet),
    IsTruncated: flag,
    NextRecordName: z.optional(text),
  }),
});
export const changed = z.object({ ChangeResourceRecordSetsResponse: z.object({ ChangeInfo: z.object({ Id: text }) }) });

/** @throws E_REJECTED for a set that this provider cannot write back as it was */
export function plainSet(name: Fqdn, set: z.output<typeof recordSet>): TxtSet {
  const special = Object.keys(set).find((member) => !PLAIN_MEMBERS.has(member));
  if (special === undefined && set.TTL !== undefined && set.ResourceRecords) {
    return { ttl: Number(set.TTL), values: set.ResourceRecords.map(({ Value }) => Value) };
  }
  const what = special === undefined ? 'without a TTL and values' : `with ${special}`;
  throw new Dns01Error('E_REJECTED', `the TXT record set at ${name} is one ${what}, and is not changed`, {
    // Of one name: the changes of other names go on.
    status: 400,
    hint: `delete it in the Route 53 console, or let a CNAME at ${name} lead to another name: dns01 changes only record sets with simple routing`,
  });
}

/** The body of ChangeResourceRecordSets. */
export function batchXml(batch: readonly SetChange[]): string {
  const changes = batch.map(({ action, name, ttl, values }) => {
    const records = values.map((value) => `<ResourceRecord><Value>${escapeXml(value)}</Value></ResourceRecord>`);
    const set = `<Name>${absoluteName(name)}</Name><Type>TXT</Type><TTL>${ttl}</TTL><ResourceRecords>${records.join('')}</ResourceRecords>`;
    return `<Change><Action>${action}</Action><ResourceRecordSet>${set}</ResourceRecordSet></Change>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?><ChangeResourceRecordSetsRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ChangeBatch><Changes>${changes.join('')}</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>`;
}
