import type { Fqdn } from '../names.ts';
import { askAny } from './ask-any.ts';
import {
  answersFor,
  type DnsMessage,
  isAnswer,
  type ResourceRecord,
  readSignature,
  type Signature,
} from './message.ts';
import { query } from './query.ts';
import type { Resolver } from './resolver.ts';
import { formatServerAddress } from './server-address.ts';
import { uint16s } from './wire.ts';
import { type NameServer, QUERY_TIMEOUT_MS, type ZoneServers } from './zone-cut.ts';

/** What one server of a zone answers, with signatures. */
export interface SignedView {
  readonly server: NameServer;
  readonly messages: readonly DnsMessage[];
}

/** What is wrong with the signatures of a zone. */
export interface ZoneFault {
  readonly text: string;
  readonly hint: string;
}

/** Asks every server of a zone for its SOA record and for the TXT records of a name in it. */
export function askSigned({ zone, servers }: ZoneServers, name: Fqdn, signal: AbortSignal): Promise<SignedView[]> {
  const questions = [{ name: zone, type: 'SOA' } as const, { name, type: 'TXT' } as const];
  const options = { recursive: false, dnssec: true, timeoutMs: QUERY_TIMEOUT_MS, signal };
  return Promise.all(
    servers.map(async (server) => {
      const results = await Promise.all(questions.map((question) => query(server, question, options)));
      return { server, messages: results.flatMap((result) => (result.kind === 'answer' ? [result.message] : [])) };
    }),
  );
}

/**
 * What is wrong with the signatures of a zone; empty where nothing is, or where the zone does not have to be signed
 * because its parent has no DS record.
 * @param resolver asked for the parent's DS records
 */
export async function signatureFaults(
  { zone, servers }: ZoneServers,
  views: readonly SignedView[],
  resolver: Resolver,
  signal: AbortSignal,
): Promise<ZoneFault[]> {
  const chain = await resolver.resolve({ name: zone, type: 'DS' }).catch(() => undefined);
  const links = chain ? answersFor(chain, { name: zone, type: 'DS' }).filter(isKnown) : [];
  if (links.length === 0) return [];
  const keyFault = await faultOfKeys(zone, links, servers, signal);
  if (keyFault !== undefined) return [keyFault];
  const nowS = Date.now() / 1000;
  const byText = new Map<string, { readonly fault: ZoneFault; readonly at: string[] }>();
  for (const { server, messages } of views) {
    const faults = messages
      .filter(isAnswer)
      .filter(isOfZone)
      .map((message) => faultOf(message, zone, nowS));
    const fault = faults.find((each) => each !== undefined);
    if (!fault) continue;
    const known = byText.get(fault.text) ?? { fault, at: [] };
    known.at.push(formatServerAddress(server));
    byText.set(fault.text, known);
  }
  return [...byText.values()].map(({ fault: { text, hint }, at }) => ({
    text: at.length === views.length ? text : `${text} at ${at.join(', ')}`,
    hint,
  }));
}

/** Not the referral of a server that does not serve the zone. Servers that the config names need no authority. */
const isOfZone = ({ authoritative, answers }: DnsMessage): boolean => authoritative || answers.length > 0;

/** A DS record of an unknown algorithm or digest type does not count (RFC 4035 section 5.2). */
function isKnown({ data }: ResourceRecord): boolean {
  const [, algorithm = '', digest = ''] = data.split(' ');
  return KNOWN_ALGORITHMS.has(algorithm) && KNOWN_DIGESTS.has(digest);
}

const KNOWN_ALGORITHMS = new Set(['5', '7', '8', '10', '13', '14', '15', '16']);
const KNOWN_DIGESTS = new Set(['1', '2', '4']);

/** Of one answer: every set of records needs one valid signature (RFC 4035 section 5.3). */
function faultOf({ answers, authorities }: DnsMessage, zone: Fqdn, nowS: number): ZoneFault | undefined {
  const records = [...answers, ...authorities];
  const signatures = records.filter(({ type }) => type === 'RRSIG');
  if (records.length > 0 && signatures.length === 0)
    return { text: `${zone} is not signed, although its parent has a DS record for it`, hint: SIGN_OR_REMOVE };
  const sets = new Map<string, Signature[]>();
  for (const record of signatures) {
    const signature = readSignature(record);
    const key = `${record.name} ${signature.covered}`;
    sets.set(key, [...(sets.get(key) ?? []), signature]);
  }
  for (const set of sets.values()) {
    const [{ covered = '' } = {}] = set;
    const last = Math.max(...set.map(({ expiresS }) => expiresS));
    const what = `the signature of the ${covered} record in ${zone}`;
    if (last < nowS)
      return {
        text: `${what} has expired (${timeText(last)})`,
        hint: `sign ${zone} again: check that its signer runs`,
      };
    const first = Math.min(...set.map(({ beginsS }) => beginsS));
    if (first > nowS)
      return {
        text: `${what} is not valid before ${timeText(first)}`,
        hint: `check the clock of the machine that signs ${zone}`,
      };
  }
  return undefined;
}

const SIGN_OR_REMOVE = 'sign the zone, or remove its DS record at the registrar';

const timeText = (seconds: number): string =>
  `${new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** Each DS record names one DNSKEY record by its tag and algorithm; one that is there is enough. */
async function faultOfKeys(
  zone: Fqdn,
  links: readonly ResourceRecord[],
  servers: readonly NameServer[],
  signal: AbortSignal,
): Promise<ZoneFault | undefined> {
  const question = { name: zone, type: 'DNSKEY' } as const;
  const message = await askAny(servers, question, { signal, dnssec: true, authority: 'required' });
  if (!message) return undefined;
  const keys = answersFor(message, question).map(({ data }) => keyReference(data));
  if (keys.length === 0)
    return {
      text: `the parent of ${zone} has a DS record for it, but ${zone} has no DNSKEY record`,
      hint: SIGN_OR_REMOVE,
    };
  const wanted = links.map(({ data }) => data.split(' ').slice(0, 2).join(' '));
  if (wanted.some((link) => keys.includes(link))) return undefined;
  return {
    text: `no DS record of ${zone} belongs to one of its DNSKEY records`,
    hint: 'put the DS record of a key that the zone has into the registrar',
  };
}

/** Tag and algorithm of a key, as a DS record has them (RFC 4034 appendix B). */
function keyReference(data: string): string {
  const [flags = '', protocol = '', algorithm = '', key = ''] = data.split(' ');
  const bytes = Buffer.concat([
    uint16s(Number(flags)),
    Buffer.of(Number(protocol), Number(algorithm)),
    Buffer.from(key, 'base64'),
  ]);
  let sum = 0;
  for (const [index, byte] of bytes.entries()) sum += index % 2 === 0 ? byte << 8 : byte;
  return `${(sum + (sum >>> 16)) & 0xffff} ${algorithm}`;
}
