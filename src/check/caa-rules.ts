/** What CAA records say, by RFC 8659 and RFC 8657, read as Boulder reads them (va/caa.go). */

import { trimBlanks } from '../output/text.ts';

export interface CaaRecord {
  readonly flags: number;
  /** Lower case. */
  readonly tag: string;
  readonly value: string;
}

/** What to issue, by which CA and how. */
export interface IssueRequest {
  /** The CA's name in CAA records, e.g. `letsencrypt.org`. Undefined: any CA. */
  readonly issuer: string | undefined;
  /** The URL of the ACME account. */
  readonly accountUri: string | undefined;
  /** The ACME validation method, e.g. `dns-01`. */
  readonly method: string;
  readonly wildcard: boolean;
}

export interface CaaVerdict {
  /** `account`: only for certain accounts, and none was given. */
  readonly verdict: 'allowed' | 'account' | 'refused';
  /** The issuers that may issue, with their conditions; empty where the records do not restrict issuing. */
  readonly issuers: readonly string[];
  /** Why the other records do not allow it, each with its record. */
  readonly refusals: readonly string[];
}

/** The parts of an issue or issuewild property (RFC 8659 section 4.2). */
export interface IssueValue {
  /** Empty: no CA may issue. */
  readonly issuer: string;
  readonly parameters: readonly (readonly [tag: string, value: string])[];
}

/** Critical records with these tags stop nobody, also where they are not about certificates for servers. */
const KNOWN_TAGS = new Set(['issue', 'issuewild', 'iodef', 'issuemail', 'issuevmc']);

/** Bit 128 by the RFC. Many records have bit 1, counted from the other end; Boulder takes both. */
const CRITICAL = 128 | 1;

/** A record in the form `FLAGS TAG VALUE`; undefined for anything else. */
export function parseCaaRecord(data: string): CaaRecord | undefined {
  const [, flags, tag, value] = /^(\d+) (\S*) ([\s\S]*)$/.exec(data) ?? [];
  if (flags === undefined || tag === undefined || value === undefined) return undefined;
  return { flags: Number(flags), tag: tag.toLowerCase(), value };
}

export const formatCaaRecord = ({ flags, tag, value }: CaaRecord): string => `${flags} ${tag} "${value}"`;

/** The properties that count: for a wildcard, issuewild replaces issue where there is one (RFC 8659 section 4.3). */
export function relevantTag(records: readonly CaaRecord[], wildcard: boolean): 'issue' | 'issuewild' {
  return wildcard && records.some(({ tag }) => tag === 'issuewild') ? 'issuewild' : 'issue';
}

/** Whether the closest set of CAA records lets a CA issue. Without records, every CA may. */
export function judgeCaa(records: readonly CaaRecord[], request: IssueRequest): CaaVerdict {
  const unknown = records.filter(({ flags, tag }) => (flags & CRITICAL) !== 0 && !KNOWN_TAGS.has(tag));
  if (unknown.length > 0) {
    const refusals = unknown.map((record) => `${formatCaaRecord(record)} is critical, and CAs do not know it`);
    return { verdict: 'refused', issuers: [], refusals };
  }
  const relevant = records.filter(({ tag }) => tag === relevantTag(records, request.wildcard));
  if (relevant.length === 0) return { verdict: 'allowed', issuers: [], refusals: [] };
  const outcomes = relevant.map((record) => ({ record, ...judgeRecord(record, request) }));
  const refusals = outcomes.flatMap((outcome) =>
    outcome.state === 'refused' ? [`${formatCaaRecord(outcome.record)} ${outcome.why}`] : [],
  );
  const issuers = (state: Outcome['state']) =>
    outcomes.flatMap((outcome) => (outcome.state === state && 'issuer' in outcome ? [outcome.issuer] : []));
  const [allowed, account] = [issuers('allowed'), issuers('account')];
  if (allowed.length > 0) return { verdict: 'allowed', issuers: [...allowed, ...account], refusals };
  if (account.length > 0) return { verdict: 'account', issuers: account, refusals };
  return { verdict: 'refused', issuers: [], refusals };
}

type Outcome =
  | { readonly state: 'allowed' | 'account'; readonly issuer: string }
  | { readonly state: 'refused'; readonly why: string };

const MALFORMED = 'is malformed, so it allows no CA';

const ISSUER = /^[a-z\d]+(-+[a-z\d]+)*(\.[a-z\d]+(-+[a-z\d]+)*)*$/i;

const refused = (why: string): Outcome => ({ state: 'refused', why });

function judgeRecord({ value }: CaaRecord, { issuer: wanted, accountUri, method }: IssueRequest): Outcome {
  const parsed = parseIssueValue(value);
  if (!parsed) return refused(MALFORMED);
  const { issuer, parameters } = parsed;
  if (issuer === '') return refused('allows no CA');
  if (wanted !== undefined && issuer.toLowerCase().replace(/\.$/, '') === wanted && issuer !== wanted) {
    return refused(`has to say ${wanted}, in lower case and without a dot at the end`);
  }
  if (!ISSUER.test(issuer)) return refused(MALFORMED);
  if (wanted !== undefined && issuer !== wanted) return refused('is for another CA');
  const methods = valuesOf(parameters, 'validationmethods');
  if (!allowsMethod(methods, method)) return refused(`does not allow ${method}`);
  const accounts = valuesOf(parameters, 'accounturi');
  const [account] = accounts;
  if (account === undefined) return { state: 'allowed', issuer };
  // RFC 8657 section 3: no account satisfies a property that names several.
  if (accounts.length > 1 || !URL.canParse(account)) return refused('has no usable accounturi, so it allows no CA');
  if (accountUri === undefined) return { state: 'account', issuer: `${issuer} for the account ${account}` };
  return accountUri === account ? { state: 'allowed', issuer } : refused('is for another account');
}

/** Parameter names are compared exactly: Boulder does not know `AccountURI`. */
function valuesOf(parameters: IssueValue['parameters'], tag: string): string[] {
  return parameters.filter(([name]) => name === tag).map(([, value]) => value);
}

/** RFC 8657 section 4. The list counts up to the first part that cannot be a method. */
function allowsMethod(lists: readonly string[], method: string): boolean {
  if (lists.length !== 1) return lists.length === 0;
  const methods = (lists[0] ?? '').split(',');
  const malformed = methods.findIndex((each) => !/^[a-z\d-]+$/i.test(each));
  return methods.slice(0, malformed < 0 ? methods.length : malformed).includes(method);
}

/** Undefined for a malformed value. */
export function parseIssueValue(value: string): IssueValue | undefined {
  const [issuer = '', ...parts] = value.split(';').map(trimBlanks);
  if (parts.length === 1 && parts[0] === '') return { issuer, parameters: [] };
  const parameters: [string, string][] = [];
  for (const part of parts) {
    const at = part.indexOf('=');
    const [tag, text] = [trimBlanks(part.slice(0, at)), trimBlanks(part.slice(at + 1))];
    // The RFC also allows hyphens inside a tag; Boulder does not.
    if (at < 0 || !/^[a-z\d]*$/i.test(tag) || !/^[!-:<-~]*$/.test(text)) return undefined;
    parameters.push([tag, text]);
  }
  return { issuer, parameters };
}
