import type * as dnsPacket from 'dns-packet';
import { isWithin } from '../../src/names.ts';
import type { Answering } from './operator.ts';

/** What the server of a zone shows. */
export interface SignedZone {
  /** TXT values at the challenge name. */
  readonly values?: readonly string[];
  readonly more?: readonly dnsPacket.Answer[];
  /** What each answer has besides. */
  readonly beside?: readonly dnsPacket.Answer[];
  /** Undefined: no signatures at all. */
  readonly signature?: { readonly beginsInS: number; readonly expiresInS: number } | undefined;
  readonly hasKey?: boolean;
  readonly serial?: number;
  /** The DS records at the parent. */
  readonly links?: readonly dnsPacket.Answer[];
}

/** The key of RFC 4034 section 5.4, and its tag. */
const KEY =
  'AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==';
const KEY_TAG = 60_485;
const ALGORITHM = 5;

/** The DS record of a key. */
export const link = (name: string, keyTag = KEY_TAG, algorithm = ALGORITHM): dnsPacket.Answer => ({
  type: 'DS',
  name,
  ttl: 60,
  data: { keyTag, algorithm, digestType: 2, digest: Buffer.alloc(32, 7) },
});

/** A zone with signatures that begin and expire in so many seconds, and the DS record of its key. */
export const signed = (
  name: string,
  more: Partial<SignedZone> & { beginsInS?: number; expiresInS?: number } = {},
): SignedZone => {
  const { beginsInS = -3600, expiresInS = 3600, ...rest } = more;
  return { signature: { beginsInS, expiresInS }, hasKey: true, links: [link(name)], ...rest };
};

/** The server of one zone. Its signatures sign nothing: only their times count here. */
export function signedZone(name: string, zone: SignedZone): Answering {
  const { values = [], more = [], beside = [], signature, hasKey = false, serial = 1 } = zone;
  const soa: dnsPacket.Answer = {
    type: 'SOA',
    name,
    ttl: 60,
    data: { mname: `ns.${name}`, rname: `hostmaster.${name}`, serial, refresh: 1, retry: 1, expire: 1, minimum: 60 },
  };
  const texts = values.map((data) => ({ type: 'TXT', name: `_acme-challenge.${name}`, ttl: 60, data }) as const);
  const key: dnsPacket.Answer = {
    type: 'DNSKEY',
    name,
    ttl: 60,
    data: { flags: 256, algorithm: ALGORITHM, key: Buffer.from(KEY, 'base64') },
  };
  const records: dnsPacket.Answer[] = [soa, ...texts, ...more, ...(hasKey ? [key] : [])];
  const sign = (owner: string, typeCovered: string): dnsPacket.Answer[] => {
    if (!signature) return [];
    const nowS = Math.floor(Date.now() / 1000);
    const data = {
      typeCovered: typeCovered as 'TXT',
      algorithm: ALGORITHM,
      labels: owner.split('.').length,
      originalTTL: 60,
      expiration: nowS + signature.expiresInS,
      inception: nowS + signature.beginsInS,
      keyTag: KEY_TAG,
      signersName: name,
      signature: Buffer.alloc(64, 1),
    };
    return [{ type: 'RRSIG', name: owner, ttl: 60, data }];
  };
  return (question) => {
    if (!isWithin(question.name, name)) return { rcode: 'REFUSED' };
    const here = records.filter((record) => record.name === question.name);
    const found = here.filter(({ type }) => type === question.type || type === 'CNAME');
    if (found.length > 0)
      return { authoritative: true, answers: [...beside, ...found, ...sign(question.name, found[0]?.type ?? '')] };
    const rcode = here.length > 0 ? 'NOERROR' : 'NXDOMAIN';
    return { authoritative: true, rcode, authorities: [soa, ...sign(name, 'SOA')] };
  };
}
