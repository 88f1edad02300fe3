/**
 * The public contract of a DNS provider. A provider's folder imports this file, `errors.ts` and `names.ts`, and nothing
 * else of dns01. Everything that it needs at run time is in its context.
 */
import type * as z from 'zod/mini';
import type { Dns01Error } from './errors.ts';
import type { Fqdn } from './names.ts';
import type { ProviderContext } from './toolbox/context.ts';
import type { Resolved } from './toolbox/options.ts';

export { type Fqdn, isWithin, normaliseName, parseName } from './names.ts';
export { excerpt, parseJson } from './output/text.ts';
export type { KeptRecord, Records } from './state/records.ts';
export {
  type Api,
  type ApiCall,
  bearer,
  createApi,
  pathPart,
  type Refusal,
  type Refusals,
  refusalBody,
  refusalError,
  unexpectedAnswer,
} from './toolbox/api.ts';
export {
  createChangeVerbs,
  disturbed,
  failedTogether,
  type Replacing,
  replaceAndCheck,
} from './toolbox/change-verbs.ts';
export type {
  Command,
  CommandOutcome,
  HttpAnswer,
  HttpCall,
  HttpClient,
  ProviderContext,
  ProviderLog,
  WriteOnce,
} from './toolbox/context.ts';
export { createKeyedMutex, createRunMemory, eachPage, type KeyedMutex, type RunMemory } from './toolbox/memory.ts';
export { apiUrl, httpUrl, type Resolved, type SecretSource, secret, secretSourceOf } from './toolbox/options.ts';
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
export { decodeXml, escapeXml, unescapeXml, xmlChildren, xmlList } from './toolbox/xml.ts';
export { createInZone, type InZone } from './toolbox/zone-ids.ts';

/** One TXT value to publish or withdraw. */
export interface TxtRecord {
  readonly name: Fqdn;
  /** Printable ASCII without quotes and backslashes, at most 1,024 octets, unquoted. */
  readonly value: string;
  /** Seconds. A provider whose API has a higher minimum, or no TTL at all, uses what its API allows. */
  readonly ttl: number;
  /** The zone that holds the name. Where it is not known, the core tries one zone after the other. */
  readonly zone: Fqdn;
}

/** What a provider stores about a record between add and remove: small JSON without secrets. */
export interface RecordHandle {
  readonly zone: Fqdn;
  readonly id?: string | undefined;
  /**
   * True where the answer to the add repeated name and value next to this id, so that the record may be deleted by its
   * id alone. Any other id is a hint: read the record first, and delete it only if it is this TXT value at this name.
   */
  readonly proven?: boolean | undefined;
}

/** A record that is there now, and whether this call added it. */
export interface AddedTxt extends RecordHandle {
  /** True only where it is known that this call added the record. */
  readonly changed: boolean;
}

/** One of several changes of a zone. */
export interface TxtChange {
  readonly action: 'add' | 'remove';
  readonly record: TxtRecord;
  /** Only for a removal. */
  readonly handle?: RecordHandle | undefined;
}

/**
 * The outcome of one change. `done`: the value is there now, or gone; `changed` says whether this call did that, and is
 * undefined where this cannot be known. `refused`: nothing was changed. `unknown`: the answer was lost.
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
  /** False where the API says that the zone is inactive and not served. */
  readonly active?: boolean | undefined;
}

/**
 * A provider gets the zone and never searches for it. For a zone that the account does not hold, it throws E_ZONE and
 * has changed nothing; the request itself may be the check.
 */
export interface DnsProvider {
  /**
   * Publishes one value and keeps all others: an apex and its wildcard share one name. A value that is there already is a
   * success, and no second record is added.
   */
  addTxt(record: TxtRecord): Promise<AddedTxt>;
  /** Withdraws exactly this value, usually in another process than `addTxt`. A value that is not there is a success (`absent`). */
  removeTxt(record: TxtRecord, handle?: RecordHandle): Promise<'removed' | 'absent'>;
  /** The values that the name holds now, unquoted and unordered. @throws E_REJECTED where the provider cannot list them */
  listTxt(name: Fqdn, zone: Fqdn): Promise<string[]>;
  /**
   * Makes these changes of one zone in as few requests as the API allows. There are at most `definition.changes.atMost`,
   * never two of the same name and value. One outcome for each, in order; where the changes are atomic, all are equal.
   * @throws what applies to all of them before anything was changed, like E_ZONE and E_AUTH
   */
  changeTxt?(zone: Fqdn, changes: readonly TxtChange[]): Promise<TxtOutcome[]>;
  /** The zones that this account can write, where the API can list them. */
  listZones?(): AsyncIterable<ZoneInfo>;
  /** The rights that the login has and lacks, where this can be checked without changing anything. */
  checkRights?(): Promise<RightCheck[]>;
  /**
   * The names in the NS record set that the zone has at the provider, lower case without a dot at the end. Empty where
   * there is none, or where the API does not show it.
   */
  nameServers?(zone: Fqdn): Promise<string[]>;
  /** E.g. logout. A failure does not fail the verb. */
  close?(): Promise<void>;
}

export interface RightCheck {
  /** Its name at the provider. */
  readonly right: string;
  readonly held: boolean;
  /** Where to set it. */
  readonly hint?: string | undefined;
  /** When the credential ends. */
  readonly until?: Date | undefined;
}

/** A rate limit that all processes share. */
export interface RateLimit {
  /** Requests allowed in any window. */
  readonly requests: number;
  readonly windowMs: number;
  /**
   * What the provider counts by: the caller's IP address, the user name, the credential (an API with only a token), or the
   * zone.
   */
  readonly per: 'address' | 'login' | 'credential' | 'zone';
  /** A response header with the number of requests that are left in the window. */
  readonly remainingHeader?: string;
}

/** The documentation of a provider, for `docs/providers` and `dns01 providers`. */
export interface ProviderDocs {
  /** The provider's own API documents. */
  readonly url: string;
  /** What to set up at the provider before it works. */
  readonly rights: readonly string[];
  readonly requests: { readonly add: string; readonly remove: string };
  /** What this provider was tested with. */
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
  /** True for a provider with an HTTP API: its accounts also take `ca`, `fingerprint`, `timeout` and `proxy`. */
  readonly http?: boolean;
  readonly rateLimits?: readonly RateLimit[];
  /** How many calls may run at the same time in one login; default 1. */
  readonly concurrency?: number;
  /** True where a change rewrites more than its own value, so that only one process may change a zone at a time. */
  readonly exclusive?: boolean;
  /** With `changeTxt`: how many changes one call takes, and whether all of them are made or none. */
  readonly changes?: { readonly atMost: number; readonly atomic: boolean };
  /** True where the server or program decides the zone itself: any zone that holds the name is accepted. */
  readonly anyZone?: boolean;
  /** Name servers of this provider's zones, as patterns of whole lower-case names. */
  readonly nameServerPatterns?: readonly RegExp[];
  /** How long it usually takes until a change is served. */
  readonly usualDelayMs?: number;
  /** The server of the account, where its options have no `url`. */
  readonly serverOf?: (options: Resolved<z.output<Options>>) => string;
  /** The user whose logins the provider counts, where its options have no `username`. */
  readonly loginOf?: (options: Resolved<z.output<Options>>) => string;
  create(options: Resolved<z.output<Options>>, context: ProviderContext): DnsProvider;
}

/** Defines a provider: one plain value, from which the registry, the docs and the tests are made. */
export function defineProvider<Options extends z.core.$ZodType>(
  definition: ProviderDefinition<Options>,
): ProviderDefinition<Options> {
  return definition;
}
