/** dns-persist-01: lasting records that let one ACME account of one CA issue (draft-ietf-acme-dns-persist, BR 3.2.2.4.22). */
import { createHash } from 'node:crypto';
import { domainToASCII } from 'node:url';
import { Dns01Error } from '../errors.ts';
import { type Fqdn, normaliseName } from '../names.ts';
import { trimBlanks } from '../output/text.ts';

const PERSIST_LABEL = '_validation-persist';

export const isPersistName = (name: Fqdn): boolean => name.startsWith(`${PERSIST_LABEL}.`);

/** The name of the records of a domain; `*.example.com` shares that of `example.com`. */
export function persistNameOf(domain: string): Fqdn {
  const base = normaliseName(domain.trim().replace(/^\*\./, ''));
  if (!isPersistName(base)) return normaliseName(`${PERSIST_LABEL}.${base}`);
  throw new Dns01Error('E_USAGE', `give the domain without ${PERSIST_LABEL}, not ${base}`, {
    hint: `did you mean ${domainOf(base)}?`,
  });
}

/** The domain that the records of a name are for. */
export const domainOf = (name: Fqdn): Fqdn => name.slice(PERSIST_LABEL.length + 1) as Fqdn;

export type DraftName = '01' | '02';

/** An ACME account, as each draft needs to know it. */
export interface PersistAccount {
  /** The account's URL, exactly as the CA gives it. */
  readonly uri: string;
  /** The RFC 7638 SHA-256 thumbprint of the account's key, in unpadded base64url. */
  readonly thumbprint?: string | undefined;
  /** `accountHashPrefix` of the directory. */
  readonly hashPrefix?: string | undefined;
}

/** What a draft writes as `accounturi`; the first is for a new record, a CA accepts all of them. */
type AccountUris = (account: PersistAccount, domain: Fqdn) => readonly [string, ...string[]];

export const DRAFTS: Readonly<Record<DraftName, AccountUris>> = {
  '01': ({ uri }) => [uri],
  '02': (account, domain) => [hashedUri(account, domain), hashedUri(account, '*')],
};

/** Draft 02: hides which account it is. With `*` the hash is the same for every domain. */
function hashedUri({ uri, thumbprint, hashPrefix }: PersistAccount, domain: string): string {
  if (thumbprint === undefined || hashPrefix === undefined) {
    const missing = thumbprint === undefined ? '--account-thumbprint' : '--account-hash-prefix';
    throw new Dns01Error('E_USAGE', `draft 02 needs ${missing}`, {
      hint:
        thumbprint === undefined
          ? "it is the SHA-256 thumbprint of the ACME account's key (RFC 7638); --draft 01 needs none"
          : '--directory URL takes it from the CA; --draft 01 needs none',
    });
  }
  const hash = createHash('sha256').update(Buffer.of(domain.length)).update(`${domain}${thumbprint}${uri}`);
  return `${hashPrefix}sha-256/${hash.digest('base64url')}`;
}

export interface PersistRecord {
  /** As the CA writes it: lower case, no dot at the end. */
  readonly issuer: string;
  readonly accountUri: string;
  readonly wildcard: boolean;
  /** UNIX seconds; undefined: without end. */
  readonly until?: number | undefined;
}

/** The value in the form that every CA reads: known tags, each once. */
export function formatPersistRecord({ issuer, accountUri, wildcard, until }: PersistRecord): string {
  const parameters = [
    `accounturi=${accountUri}`,
    ...(wildcard ? ['policy=wildcard'] : []),
    ...(until === undefined ? [] : [`persistUntil=${until}`]),
  ];
  return [issuer, ...parameters].join('; ');
}

/** What a record says, before anybody has judged it. */
export interface ParsedPersist {
  readonly issuer: string;
  readonly accountUri: string;
  readonly policy: string;
  /** A UNIX time in seconds, which may have any 64-bit value. */
  readonly until: bigint | undefined;
}

/** How a CA reads a record, where they differ. */
export interface Dialect {
  /** The issuer in the form that is compared; undefined where it has none. */
  issuerOf(text: string): string | undefined;
  /** Whether a parameter that nobody knows may come twice. */
  readonly repeatsUnknown: boolean;
  readonly noAccount: string;
}

/** Boulder 2d00c8e (va/dns_persist.go, core/util.go): letter case, a dot at the end and Unicode make no difference. */
export const BOULDER: Dialect = {
  issuerOf(text) {
    if (!/^(?:[a-z\d.-]|[^\u0000-\u007f])+$/i.test(text)) return undefined;
    return domainToASCII(text.toLowerCase()).replace(/\.$/, '') || undefined;
  },
  repeatsUnknown: true,
  noAccount: 'missing mandatory accounturi parameter',
};

/** Pebble b1e1ca4 (va/va.go): the issuer is compared as it is. */
export const PEBBLE: Dialect = {
  issuerOf: (text) => text || undefined,
  repeatsUnknown: false,
  noAccount: 'missing mandatory accountURI parameter',
};

/** A record that can be used, or whose it is and what is wrong with it. */
export type ReadPersist =
  | { readonly issuer: string; readonly record: ParsedPersist }
  | { readonly issuer: string | undefined; readonly problem: string };

const KNOWN_TAGS = new Set(['accounturi', 'policy', 'persistuntil']);

/** An issue-value of RFC 8659 section 4.2, with what this method adds. Problems are in the words that the CAs share. */
export function readPersist(value: string, { issuerOf, repeatsUnknown, noAccount }: Dialect): ReadPersist {
  const [first = '', ...parts] = value.split(';').map(trimBlanks);
  const issuer = issuerOf(first);
  if (issuer === undefined) {
    const problem = first === '' ? 'empty issuer-domain-name' : `malformed issuer-domain-name ${quoted(first)}`;
    return { issuer, problem };
  }
  const found = new Map<string, string>();
  for (const part of parts) {
    const problem = readParameter(part, found, repeatsUnknown);
    if (problem !== undefined) return { issuer, problem };
  }
  const accountUri = found.get('accounturi');
  if (accountUri === undefined) return { issuer, problem: noAccount };
  const until = found.get('persistuntil');
  return {
    issuer,
    record: {
      issuer,
      accountUri,
      policy: found.get('policy') ?? '',
      until: until === undefined ? until : BigInt(until),
    },
  };
}

/** Adds the parameter to those found. Returns what is wrong with it. */
function readParameter(part: string, found: Map<string, string>, repeatsUnknown: boolean): string | undefined {
  if (part === '') return 'empty parameter or trailing semicolon provided';
  const at = part.indexOf('=');
  if (at < 0) return `malformed parameter ${quoted(part)} should be tag=value pair`;
  const [tag, value] = [trimBlanks(part.slice(0, at)), trimBlanks(part.slice(at + 1))];
  if (tag === '') return `malformed parameter ${quoted(part)}, empty tag`;
  const known = tag.toLowerCase();
  const isRepeated = found.has(known) && !(repeatsUnknown && !KNOWN_TAGS.has(known));
  if (!/^[!-:<-~]*$/.test(value)) return `malformed value ${quoted(value)} for tag ${quoted(tag)}`;
  if (isRepeated) return `duplicate parameter ${quoted(tag)}`;
  if (known === 'accounturi' && value === '') return 'empty value provided for mandatory accounturi';
  if (known === 'persistuntil' && !isInt64(value)) return `malformed persistUntil timestamp ${quoted(value)}`;
  found.set(known, value);
  return undefined;
}

/** What Go's ParseInt takes. */
function isInt64(text: string): boolean {
  return /^[+-]?\d+$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
}

const quoted = (text: string): string => JSON.stringify(text);

export const isPersistRecord = (value: string): boolean => 'record' in readPersist(value, BOULDER);

/** The check before every write and removal at such a name. @throws E_USAGE */
export function requirePersistRecord(name: Fqdn, value: string): void {
  const read = readPersist(value, BOULDER);
  if ('record' in read) return;
  throw new Dns01Error(
    'E_USAGE',
    `the value is no record of dns-persist-01, the only kind at ${name}: ${read.problem}`,
    {
      hint: `dns01 persist add ${domainOf(name)} makes and publishes one`,
    },
  );
}
