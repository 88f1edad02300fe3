/**
 * The public contract of a DNS provider. A provider's folder imports this file, `errors.ts`, `names.ts` and nothing else
 * of dns01; what it needs at run time comes in its context.
 */
import type * as z from 'zod/mini';
import type { Dns01Error } from './errors.ts';
import type { Fqdn } from './names.ts';
import type { Resolved } from './toolbox/options.ts';

export { type Fqdn, isWithin, normaliseName, parseName } from './names.ts';
export { excerpt, parseJson } from './output/text.ts';
export {
  type Api,
  type ApiCall,
  createApi,
  pathPart,
  type Refusal,
  type Refusals,
  refusalBody,
  refusalError,
  unexpectedAnswer,
} from './toolbox/api.ts';
export { createKeyedMutex, createRunMemory, eachPage, type KeyedMutex, type RunMemory } from './toolbox/memory.ts';
export { httpUrl, type Resolved, type SecretSource, secret, secretSourceOf } from './toolbox/options.ts';
export { absolutePath, callTimeout, cannotList, environment, fileCheck } from './toolbox/programs.ts';
export { createRecordVerbs, type RecordCalls, type ShownTxt } from './toolbox/record-verbs.ts';
export {
  absoluteName,
  isSameName,
  parseZones,
  plainName,
  quoteTxt,
  relativeName,
  shownId,
  unquoteTxt,
} from './toolbox/records.ts';

/** One TXT value to publish or withdraw. */
export interface TxtRecord {
  readonly name: Fqdn;
  /** Printable ASCII without quotes and backslashes, at most 1,024 octets, unquoted. */
  readonly value: string;
  /** Seconds. A provider whose API has a higher minimum, or no TTL at all, does what it can. */
  readonly ttl: number;
  /** The zone that holds the name. Where nobody knows it yet, the core tries one zone after the other. */
  readonly zone: Fqdn;
}

/** What a provider wants to remember of a record between add and remove: small JSON, no secret. */
export interface RecordHandle {
  readonly zone: Fqdn;
  readonly id?: string | undefined;
  /**
   * True where the answer to the add repeated name and value next to this id, so that the record may be deleted by its
   * id alone. Any other id is a hint: read the record first, and delete it only if it is this TXT value at this name.
   */
  readonly proven?: boolean | undefined;
}

/** A record that is now there, and whether this call put it there. */
export interface AddedTxt extends RecordHandle {
  /** True only where it is known that this call made the record. */
  readonly changed: boolean;
}

/** One of many changes of a zone. */
export interface TxtChange {
  readonly action: 'add' | 'remove';
  readonly record: TxtRecord;
  /** Of a removal. */
  readonly handle?: RecordHandle | undefined;
}

/**
 * What became of one change. `done`: the value is there now, or gone; `changed` says whether this call did that and is
 * undefined where nobody can tell. `refused`: nothing was changed. `unknown`: the answer was lost.
 */
export type TxtOutcome =
  | {
      readonly state: 'done';
      readonly changed: boolean | undefined;
      readonly handle?: Omit<RecordHandle, 'zone'> | undefined;
    }
  | { readonly state: 'refused' | 'unknown'; readonly error: Dns01Error };

export interface ZoneInfo {
  readonly name: Fqdn;
  /** False where the API says that the zone is switched off and not served. */
  readonly active?: boolean | undefined;
}

/**
 * A provider is told the zone and never looks for it. A zone that the account does not hold is E_ZONE, and nothing has
 * changed then; a request may be its own probe.
 */
export interface DnsProvider {
  /**
   * Publish one value beside whatever the name holds. Already there: success, and no second record.
   * Never touches another value: an apex and its wildcard share one name.
   */
  addTxt(record: TxtRecord): Promise<AddedTxt>;
  /** Withdraw exactly this value, in another process than `addTxt`. Not there: success (`absent`). */
  removeTxt(record: TxtRecord, handle?: RecordHandle): Promise<'removed' | 'absent'>;
  /** The values that the name holds now, unquoted, in no order. @throws E_REJECTED where the provider cannot tell */
  listTxt(name: Fqdn, zone: Fqdn): Promise<string[]>;
  /**
   * These changes of one zone in as few requests as the API allows. At most `definition.changes.atMost`, never two of
   * the same name and value. One outcome for each, in their order; where the changes are atomic, the outcomes agree.
   * @throws what concerns all of them before anything was changed, like E_ZONE and E_AUTH
   */
  changeTxt?(zone: Fqdn, changes: readonly TxtChange[]): Promise<TxtOutcome[]>;
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
  /** When the credential ends. */
  readonly until?: Date | undefined;
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
  /** Sent as it is, with a `content-type` among the headers. */
  readonly text?: string;
  /** The call changes something, so that a lost answer must not simply be repeated. Default: every method but GET. */
  readonly writes?: boolean;
  /** The answer is larger than this only by mistake, in bytes; default: 16 MB, 1 MB for a call that writes. */
  readonly maxBytes?: number;
  /** A 409 means "another request is in the way": the call is repeated with jitter. Else it is a refusal. */
  readonly retryConflict?: boolean;
  /** The zone that the call is about, where the provider limits the requests for each zone. */
  readonly zone?: Fqdn;
  /**
   * A 429 may come after the call was done, e.g. from a proxy: it is waited for and then thrown as E_RATE with
   * `outcomeUnknown`, instead of sending the call again.
   */
  readonly checkAfterRateLimit?: boolean;
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

/** The one HTTP client, set up with the account's TLS, proxy, time limit and rate limits. */
export interface HttpClient {
  /**
   * Send one request. A 429 is waited for within the run's time limit; calls that only read are repeated after a network
   * failure or a 5xx. Redirects are never followed.
   * @throws E_REMOTE no usable answer (`outcomeUnknown` where a write may have been done); E_RATE the time limit comes
   *   before the end of the provider's rate limit; E_AUTH the TLS certificate is not the one expected
   */
  send(call: HttpCall): Promise<HttpAnswer>;
  /**
   * The answer's JSON, checked by a schema.
   * @throws E_PROTOCOL naming the call and the field; `outcomeUnknown` is set, for a write may have been done
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
  /** After this it is stopped together with everything it started. */
  readonly timeoutMs: number;
}

export interface CommandOutcome {
  readonly exitCode: number;
  /** Its end, at most 64 KiB. */
  readonly stdout: string;
  /** The last line of stderr, fit for an error message; may be empty. */
  readonly complaint: string;
  /** The last lines of stderr, oldest first, at most 20, each fit for an error message. */
  readonly complaints: readonly string[];
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
  /** Aborts when the run's time is up or the process is told to stop. */
  readonly signal: AbortSignal;
  /** Never print this text from now on: for secrets that come into being at run time, like a session id. */
  keepSecret(secret: string): void;
  /** Wait. @throws E_REMOTE when the run's time is up before */
  sleep(milliseconds: number): Promise<void>;
  /**
   * Do a write that must be done exactly once. When its outcome is unknown, `look` decides: what it finds is the result;
   * `undefined` means that the write was not done, and it is repeated (twice at most).
   */
  writeOnce<Result>(steps: WriteOnce<Result>): Promise<Result>;
  /**
   * The provider's own id of a zone, remembered for a day across runs. `load` finds it; a zone that is not there is its
   * E_ZONE. An id that the API no longer takes is forgotten with `forgetZoneId`.
   */
  zoneId(zone: Fqdn, load: () => Promise<string>): Promise<string>;
  forgetZoneId(zone: Fqdn): Promise<void>;
  /**
   * Whether the servers of the name's zone show this value now, CNAMEs followed; undefined where they cannot be asked or
   * do not agree. For providers that cannot be asked what they hold.
   */
  seenInDns(name: Fqdn, value: string): Promise<boolean | undefined>;
  /** The account's own folder in the state directory, created; for providers whose records or scripts live on disk. */
  dataDirectory(): Promise<string>;
  /**
   * Run a program to its end, in the directory `/`, with nothing on stdin; for providers that are programs.
   * @throws E_CONFIG it cannot be started, or others can write it; E_REMOTE with `outcomeUnknown` when it was stopped or
   *   died
   */
  runCommand(command: Command): Promise<CommandOutcome>;
}

export interface WriteOnce<Result> {
  write(): Promise<Result>;
  look(): Promise<Result | undefined>;
}

/** A limit on requests that all processes share. */
export interface RateLimit {
  /** Requests allowed in any window. */
  readonly requests: number;
  readonly windowMs: number;
  /**
   * What the provider counts by: the caller's IP address, the user name, the credential (an API with a token alone), or
   * the zone.
   */
  readonly per: 'address' | 'login' | 'credential' | 'zone';
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
  /** Its descriptions become help, docs and the config reference. Credentials use `secret`, the endpoint is `url`. */
  readonly options: Options;
  /** True for a provider that speaks HTTP: its accounts also take `ca`, `fingerprint`, `timeout` and `proxy`. */
  readonly http?: boolean;
  readonly rateLimits?: readonly RateLimit[];
  /** How many calls it takes side by side, in one login; 1 unless said otherwise. */
  readonly concurrency?: number;
  /** True where a change rewrites more than its own value, so that only one process may write a zone at a time. */
  readonly exclusive?: boolean;
  /** With `changeTxt`: how many changes one call takes, and whether all of them are done or none. */
  readonly changes?: { readonly atMost: number; readonly atomic: boolean };
  /** True where the zone is the server's or the program's own business: any zone that holds the name will do. */
  readonly anyZone?: boolean;
  /** Name servers whose zones are this provider's, as patterns of their whole lower-case names. */
  readonly nameServerPatterns?: readonly RegExp[];
  /** How long it usually takes until a change is served. */
  readonly usualDelayMs?: number;
  /** The server that the account talks to, where its options have no `url`. */
  readonly serverOf?: (options: Resolved<z.output<Options>>) => string;
  create(options: Resolved<z.output<Options>>, context: ProviderContext): DnsProvider;
}

/** Define a provider: one plain value. The registry, the docs and the tests are made from it. */
export function defineProvider<Options extends z.core.$ZodType>(
  definition: ProviderDefinition<Options>,
): ProviderDefinition<Options> {
  return definition;
}
