import { parseValue } from '../challenge/challenge.ts';
import {
  BOULDER,
  DRAFTS,
  type DraftName,
  domainOf,
  formatPersistRecord,
  persistNameOf,
  readPersist,
} from '../challenge/persist.ts';
import { Dns01Error } from '../errors.ts';
import { type Fqdn, normaliseName } from '../names.ts';
import type { Io } from '../output/io.ts';
import { type DirectoryMeta, readDirectory } from './acme-directory.ts';
import type { PersistFlags } from './persist-commands.ts';

/** Whose record at which name. */
export interface PersistSubject {
  readonly name: Fqdn;
  readonly domain: Fqdn;
  readonly issuer: string;
  readonly draft: DraftName;
  /** The values of `accounturi` that stand for the account; the first is for a new record. */
  readonly accountUris: readonly [string, ...string[]];
  readonly wildcard: boolean;
}

/** The options of a verb that is about one CA and one account. @throws E_USAGE */
export async function persistSubject(domain: string, flags: PersistFlags, io: Io): Promise<PersistSubject> {
  const name = persistNameOf(domain);
  const uri = flags.accountUri === undefined ? undefined : checkUrl(flags.accountUri, '--account-uri');
  if (uri === undefined) throw missing('--account-uri', 'your ACME client shows the URL of its account');
  const thumbprint = flags.accountThumbprint;
  if (thumbprint !== undefined && !/^[A-Za-z0-9_-]{43}$/.test(thumbprint)) {
    throw new Dns01Error('E_USAGE', '--account-thumbprint takes 43 characters of base64url');
  }
  const meta: DirectoryMeta = flags.directory === undefined ? {} : await readDirectory(flags.directory, flags, io);
  const prefix = flags.accountHashPrefix ?? meta.accountHashPrefix;
  const hashPrefix = prefix === undefined ? undefined : checkUrl(prefix, '--account-hash-prefix');
  const draft = draftOf(flags.draft, hashPrefix !== undefined || thumbprint !== undefined);
  const account = { uri, thumbprint, hashPrefix };
  return {
    name,
    domain: domainOf(name),
    issuer: issuerOf(flags.issuer, meta.issuerDomainNames),
    draft,
    accountUris: DRAFTS[draft](account, domainOf(name)),
    wildcard: (flags.wildcard ?? false) || domain.trim().startsWith('*.'),
  };
}

function draftOf(given: string | undefined, isHashed: boolean): DraftName {
  const draft = given ?? (isHashed ? '02' : '01');
  if (draft === '01' || draft === '02') return draft;
  throw new Dns01Error('E_USAGE', `--draft takes 01 or 02, not ${JSON.stringify(draft)}`);
}

function issuerOf(given: string | undefined, named: readonly string[] | undefined): string {
  const issuer = given ?? named?.[0];
  if (issuer === undefined)
    throw missing('--issuer', 'for example letsencrypt.org: what the CA documents for CAA records');
  const normalised = normaliseName(issuer);
  if (!named || named.includes(normalised)) return normalised;
  throw new Dns01Error('E_USAGE', `the directory's CA is ${named.join(' or ')}, not ${normalised}`, {
    hint: 'leave out --issuer, or name the directory of that CA',
  });
}

const missing = (option: string, hint: string): Dns01Error =>
  new Dns01Error('E_USAGE', `${option} is missing`, { hint });

/** A URL that a record can hold, unchanged. */
function checkUrl(text: string, option: string): string {
  if (/^https?:/i.test(text) && URL.canParse(text) && /^[!-:<-~]+$/.test(text) && !/["\\]/.test(text)) return text;
  throw new Dns01Error('E_USAGE', `${option}: ${JSON.stringify(text)} is not a URL that a record can hold`, {
    hint: 'give it exactly as the CA does; blanks, quotes, backslashes and ; are not possible',
  });
}

/** The value of a new record for this account. @throws E_USAGE for a bad `--until` */
export function valueFor({ issuer, accountUris, wildcard }: PersistSubject, { until }: PersistFlags): string {
  const end = until === undefined ? undefined : parseUntil(until);
  return parseValue(formatPersistRecord({ issuer, accountUri: accountUris[0], wildcard, until: end }));
}

/** The last second of the year 9999. Larger numbers are milliseconds by mistake. */
const MAX_UNTIL_S = 253_402_300_799;

/** RFC 3339 or UNIX seconds, as UNIX seconds. */
function parseUntil(text: string): number {
  const upper = text.trim().toUpperCase();
  const seconds = /^\d{1,15}$/.test(upper) ? Number(upper) : Math.floor(timeOf(upper) / 1000);
  if (Number.isNaN(seconds) || seconds > MAX_UNTIL_S) {
    throw new Dns01Error('E_USAGE', `--until takes a time like 2027-01-31T00:00:00Z or UNIX seconds, not "${text}"`);
  }
  if (seconds * 1000 > Date.now()) return seconds;
  throw new Dns01Error('E_USAGE', `--until ${text} is in the past`, { hint: 'the CA would refuse such a record' });
}

const RFC3339 = /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** Milliseconds; NaN for a text that is no time of RFC 3339, and for days that do not exist. */
function timeOf(text: string): number {
  const [, day = ''] = RFC3339.exec(text) ?? [];
  const midnight = Date.parse(`${day}T00:00:00Z`);
  // Date.parse takes February 30 for March 2.
  const exists = !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(day);
  return exists ? Date.parse(text) : Number.NaN;
}

/** Whether a value is a record of this CA and account, whatever else it says. */
export function isOf(value: string, { issuer, accountUris }: PersistSubject): boolean {
  const read = readPersist(value, BOULDER);
  return 'record' in read && read.issuer === issuer && accountUris.includes(read.record.accountUri);
}
