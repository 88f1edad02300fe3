/** What CAs say of dns-persist-01 records: Boulder (va/dns_persist.go) and Pebble (va/va.go). */
import { BOULDER, type Dialect, type ParsedPersist, PEBBLE, readPersist } from '../challenge/persist.ts';

export type PersistVerdict = 'valid' | 'malformed' | 'unauthorized';

export interface Judgement {
  readonly verdict: PersistVerdict;
  /** Why, in the words of the CA; empty where it is valid. */
  readonly text: string;
}

/** What a CA is asked for. */
export interface PersistRequest {
  /** The CA's name, in lower case and without a dot at the end. */
  readonly issuer: string;
  /** The values of `accounturi` that stand for the account. */
  readonly accountUris: readonly string[];
  readonly wildcard: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** A CA's way to judge, with what it says. */
interface Judge {
  readonly dialect: Dialect;
  readonly nothing: string;
  readonly parsing: string;
  readonly checking: string;
  /** Before what it says of a record whose end is past. */
  readonly late: string;
  /** Whether a record with this end has one. */
  hasEnd(until: bigint): boolean;
}

/** Seconds from the year 1, where Go's time begins, to 1970. */
const GO_EPOCH = 62_135_596_800n;

const JUDGES = {
  boulder: {
    dialect: BOULDER,
    nothing: 'No TXT record found for DNS-PERSIST-01 challenge',
    parsing: 'Parsing DNS-PERSIST-01 challenge TXT record with issuer-domain-name',
    checking: 'Checking DNS-PERSIST-01 challenge TXT record with issuer-domain-name',
    late: ': ',
    // Boulder takes the first second of the year 1 for "no end".
    hasEnd: (until) => until !== -GO_EPOCH,
  },
  pebble: {
    dialect: PEBBLE,
    nothing: 'No TXT records found for DNS-PERSIST-01 challenge',
    parsing: 'Error parsing DNS-PERSIST-01 challenge TXT record with issuer-domain-name',
    checking: 'Error parsing DNS-PERSIST-01 challenge TXT record with issuer-domain-name',
    late: ', ',
    hasEnd: () => true,
  },
} as const satisfies Readonly<Record<string, Judge>>;

export type JudgeName = keyof typeof JUDGES;

/** What a CA says of the records at a name. One good record is enough. */
export function judgePersist(name: JudgeName, values: readonly string[], request: PersistRequest): Judgement {
  const judge: Judge = JUDGES[name];
  if (values.length === 0) return { verdict: 'unauthorized', text: judge.nothing };
  const malformed: string[] = [];
  const refused: string[] = [];
  for (const value of values) {
    const read = readPersist(value, judge.dialect);
    if (read.issuer !== request.issuer) continue;
    const about = JSON.stringify(read.issuer);
    if ('problem' in read) {
      malformed.push(`${judge.parsing} ${about}: ${read.problem}`);
      continue;
    }
    const refusal = refusalOf(read.record, request, judge);
    if (refusal === undefined) return { verdict: 'valid', text: '' };
    refused.push(`${judge.checking} ${about}${refusal}`);
  }
  if (malformed.length > 0) return { verdict: 'malformed', text: malformed.join('; ') };
  const text = refused.join('; ') || 'No valid TXT record found for DNS-PERSIST-01 challenge';
  return { verdict: 'unauthorized', text };
}

/** Begins with what separates it from the words before it. */
function refusalOf(
  { accountUri, policy, until }: ParsedPersist,
  { accountUris, wildcard, now }: PersistRequest,
  { hasEnd, late }: Judge,
): string | undefined {
  if (!accountUris.includes(accountUri)) {
    const expected = accountUris.map((uri) => JSON.stringify(uri)).join(' or ');
    return `: accounturi mismatch: expected ${expected}, got ${JSON.stringify(accountUri)}`;
  }
  if (wildcard && policy.toLowerCase() !== 'wildcard') {
    return `: policy mismatch: expected "wildcard", got ${JSON.stringify(policy)}`;
  }
  if (until === undefined || !hasEnd(until) || !isAfter(now, until)) return undefined;
  return `${late}validation time ${timeOf(BigInt(Math.floor(now / 1000)))} is after persistUntil ${timeOf(until)}`;
}

/** Go counts seconds from the year 1 in 64 bits, so the largest numbers wrap around and lie in the past. */
function isAfter(now: number, until: bigint): boolean {
  const end = BigInt.asIntN(64, until + GO_EPOCH) - GO_EPOCH;
  return BigInt(Math.floor(now)) > end * 1000n;
}

function timeOf(seconds: bigint): string {
  const time = new Date(Number(seconds) * 1000);
  return Number.isNaN(time.getTime()) ? String(seconds) : time.toISOString().replace('.000Z', 'Z');
}
