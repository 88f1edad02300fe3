/**
 * The public contract of a DNS provider. A provider's folder imports this file and `errors.ts` and nothing else of
 * dns01; whatever it needs at run time comes in its context.
 */
import * as z from 'zod/mini';
import type { Fqdn } from './names.ts';

export { type Fqdn, isWithin, normaliseName, zoneCandidates } from './names.ts';
export { excerpt } from './text.ts';

/** One TXT value to publish or withdraw. */
export interface TxtRecord {
  readonly name: Fqdn;
  /** Printable ASCII without quotes or backslash, at most 255 bytes, unquoted. */
  readonly value: string;
  /** Seconds. A provider whose API has a higher minimum, or no TTL at all, does what it can. */
  readonly ttl: number;
  /** The zone that holds the name, where the user has said so; else the provider finds it. */
  readonly zone?: Fqdn | undefined;
  /** The zone to try first where none is given: the one of last time, or the one that the DNS shows. Nobody's word. */
  readonly likelyZone?: Fqdn | undefined;
}

/** What a provider wants to remember of a record between add and remove: small JSON, no secret. */
export interface RecordHandle {
  readonly zone: Fqdn;
  readonly id?: string | undefined;
}

export interface ZoneInfo {
  readonly name: Fqdn;
  /** False where the API says that the zone is switched off and not served. */
  readonly active?: boolean | undefined;
}

export interface DnsProvider {
  /**
   * Publish one value beside whatever the name holds. Already there: success, and no second record.
   * Never touches another value: an apex and its wildcard share one name.
   */
  addTxt(record: TxtRecord): Promise<AddedTxt>;
  /** Withdraw exactly this value, in another process than `addTxt`. Not there: success (`absent`). */
  removeTxt(record: TxtRecord, handle?: RecordHandle): Promise<'removed' | 'absent'>;
  /** The values that the name holds now, unquoted, in no order. @throws E_REJECTED where the provider cannot tell */
  listTxt(name: Fqdn, zone?: Fqdn): Promise<string[]>;
  /** The zones this account can write, where the API can tell. */
  listZones?(): AsyncIterable<ZoneInfo>;
  /** Which rights the login has and which it lacks, where that can be found out without changing anything. */
  checkRights?(): Promise<RightCheck[]>;
  /**
   * The names in the NS record set that the zone has at the provider, lower case without a dot at the end. Empty where
   * it has none or that cannot be told.
   */
  nameServers?(zone: Fqdn): Promise<string[]>;
  /** E.g. logout. Its failure never fails the verb. */
  close?(): Promise<void>;
}

export interface RightCheck {
  /** What it is called at the provider. */
  readonly right: string;
  readonly held: boolean;
  /** Where to tick it. */
  readonly hint?: string | undefined;
}

/** A record that is now there, and whether this call put it there. */
export interface AddedTxt extends RecordHandle {
  readonly changed: boolean;
}

export interface HttpCall {
  /** The name of the call in errors and logs, e.g. `dns_txt_add` or `POST /dns/example.com/txt`. */
  readonly call: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as `application/json`. */
  readonly json?: unknown;
  /** Sent as `application/x-www-form-urlencoded`. */
  readonly form?: Readonly<Record<string, string>>;
  /** The call changes something, so that a lost answer must not simply be repeated. Default: every method but GET. */
  readonly writes?: boolean;
  /** The answer is wanted whatever its status; otherwise a 5xx is thrown as E_REMOTE. */
  readonly anyStatus?: boolean;
}

export interface HttpAnswer {
  readonly call: string;
  readonly status: number;
  /** Lower-case names; a repeated header's values joined with `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** The one HTTP client, set up with the account's TLS, proxy, time limit and request budget. */
export interface HttpClient {
  /**
   * Send one request. 429 is waited for and 409 is retried with jitter, within the verb's deadline; calls that only
   * read are repeated after a network failure or a 5xx. Redirects are never followed.
   * @throws E_REMOTE no usable answer (`answerLost` where a write may have been done); E_RATE the deadline ends before
   *   the provider's rate limit does; E_AUTH the TLS certificate is not the one expected
   */
  send(call: HttpCall): Promise<HttpAnswer>;
  /**
   * The answer's JSON, checked by a schema.
   * @throws E_PROTOCOL naming the call and the field; `answerLost` is set, for a write may have been done
   */
  decode<Schema extends z.core.$ZodType>(answer: HttpAnswer, schema: Schema): z.output<Schema>;
}

/** A program to run, without a shell. */
export interface Command {
  /** The name of the call in errors and logs, e.g. `present`. */
  readonly call: string;
  /** The program's absolute path. It is refused where others can write it. */
  readonly file: string;
  /** Every user of the machine can see them: never a secret. */
  readonly args: readonly string[];
  /** The environment, beside PATH, HOME and LANG. */
  readonly env?: Readonly<Record<string, string>>;
  /** The part of the environment whose values are secrets: they are blanked out of what the program says. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Further files that the program will run: refused like the program itself. */
  readonly sources?: readonly string[];
  /** Milliseconds, after which it is stopped together with everything it started. */
  readonly timeout: number;
}

export interface CommandOutcome {
  readonly exitCode: number;
  /** Its end, at most 64 KiB. */
  readonly stdout: string;
  /** The last line of stderr, fit for an error message; may be empty. */
  readonly complaint: string;
}

export interface ProviderLog {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Something that the user should know although the verb goes on. */
  warn(message: string): void;
}

export interface ProviderContext {
  /** The account's name in the config. */
  readonly account: string;
  readonly http: HttpClient;
  readonly log: ProviderLog;
  /** Ends when the verb's time is up. */
  readonly signal: AbortSignal;
  /** The account's own folder for what must outlive the process, created; for providers that keep records themselves. */
  dataDirectory(): Promise<string>;
  /** Never print this text from now on: for secrets that come into being at run time, like a session id. */
  keepSecret(secret: string): void;
  /**
   * Run a program to its end, in the directory `/`, with nothing on stdin.
   * @throws E_CONFIG it cannot be started, or others can write it; E_REMOTE with `answerLost` when it was stopped or died
   */
  runCommand(command: Command): Promise<CommandOutcome>;
  /** Another provider of dns01, with options as its own config would have them, on this account's connection. */
  openProvider(type: string, options: unknown): Promise<DnsProvider>;
  /** Wait, in milliseconds. @throws E_REMOTE when the verb's time is up before */
  sleep(milliseconds: number): Promise<void>;
  /**
   * Do a write that must be done exactly once. When its answer was lost, `look` decides: what it finds is the result;
   * `undefined` means that the write was not done, and it is repeated (twice at most).
   */
  writeOnce<Result>(steps: WriteOnce<Result>): Promise<Result>;
}

export interface WriteOnce<Result> {
  write(): Promise<Result>;
  look(): Promise<Result | undefined>;
}

/** A limit on requests that holds for all processes of this machine together. */
export interface RequestBudget {
  /** Requests allowed in any window. */
  readonly requests: number;
  /** The window's length, in seconds. */
  readonly window: number;
  /** Whose limit it is: `address` for one that counts the caller's IP, `account` for one that counts the login. */
  readonly per: 'address' | 'account';
  /** A response header that tells how many requests are left in the window. */
  readonly remainingHeader?: string;
}

/** What the documents say of a provider; `docs/providers` and `dns01 providers` are made from it. */
export interface ProviderDocs {
  /** The provider's own API documents. */
  readonly url: string;
  /** What has to be ticked, made or allowed at the provider before it works. */
  readonly rights: readonly string[];
  readonly requests: { readonly add: string; readonly remove: string };
  /** What this provider was tried against, plainly. */
  readonly tried: string;
  /** What a user should know before relying on it. */
  readonly notes?: readonly string[];
}

export interface ProviderDefinition<Options extends z.core.$ZodType = z.core.$ZodType> {
  readonly type: string;
  readonly title: string;
  readonly docs: ProviderDocs;
  /** Its descriptions become help, docs and the config reference. Credentials use `secret`. */
  readonly options: Options;
  /** True for a provider that speaks HTTP: its accounts also take `ca`, `fingerprint`, `timeout` and `proxy`. */
  readonly http: boolean;
  readonly budget?: RequestBudget;
  /** How many adds and removes it takes side by side, in one login; 1 unless said otherwise. */
  readonly atOnce?: number;
  /** True where adding or removing rewrites the whole RRset, so that only one process may write a zone at a time. */
  readonly readModifyWrite?: boolean;
  create(options: Resolved<z.output<Options>>, context: ProviderContext): DnsProvider;
}

/** Define a provider: one plain value. The registry, the docs and the tests are made from it. */
export function defineProvider<Options extends z.core.$ZodType>(
  definition: ProviderDefinition<Options>,
): ProviderDefinition<Options> {
  return definition;
}

const secretSource = Symbol.for('dns01.secret');

/** Where a secret is to be read from, once the account is really used. */
export type SecretSource = string | { env: string } | { file: string } | { credential: string };

export interface SecretReference {
  readonly [secretSource]: SecretSource;
}

/** Provider options after validation, with every secret read. */
export type Resolved<T> = T extends SecretReference
  ? string
  : T extends readonly (infer Item)[]
    ? Resolved<Item>[]
    : T extends object
      ? { [Key in keyof T]: Resolved<T[Key]> }
      : T;

/** An option that holds a credential: the text itself, or `{ env }`, `{ file }`, `{ credential }` (systemd). */
export function secret(description: string) {
  const text = z.string().check(z.minLength(1));
  const sources = [
    text,
    z.strictObject({ env: text }),
    z.strictObject({ file: text }),
    z.strictObject({ credential: text }),
  ] as const;
  return z
    .pipe(
      z.union(sources, 'expected text, { env: NAME }, { file: PATH } or { credential: NAME }'),
      z.transform((source: SecretSource): SecretReference => ({ [secretSource]: source })),
    )
    .check(z.describe(description));
}

/** The source inside a validated secret option; undefined for every other value. */
export function secretSourceOf(value: unknown): SecretSource | undefined {
  return typeof value === 'object' && value !== null && secretSource in value
    ? (value as SecretReference)[secretSource]
    : undefined;
}

/** A URL option: http or https, without user, query or fragment; no slash at the end afterwards. */
export function httpUrl(description: string) {
  return z
    .pipe(
      z.string().check(z.refine(isPlainHttpUrl, 'expected a plain http:// or https:// address without user or query')),
      z.transform((url: string) => url.replace(/\/+$/, '')),
    )
    .check(z.describe(description));
}

function isPlainHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.search && !url.hash;
}
