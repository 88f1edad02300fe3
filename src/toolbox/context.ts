/** What a provider gets at run time. */
import type * as z from 'zod/mini';
import type { Fqdn } from '../names.ts';
import type { Records } from '../state/records.ts';

export interface HttpCall {
  /** The name of the call in errors and logs, e.g. `dns_txt_add` or `POST /dns/example.com/txt`. */
  readonly call: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  /** A function is called for each attempt, right before it is sent: a signature may be valid for a short time only. */
  readonly headers?: Readonly<Record<string, string>> | (() => Readonly<Record<string, string>>);
  /** Sent as `application/json`. */
  readonly json?: unknown;
  /** Sent as `application/x-www-form-urlencoded`. */
  readonly form?: Readonly<Record<string, string>>;
  /** Sent unchanged, with a `content-type` among the headers. */
  readonly text?: string;
  /** The call changes something, so it must not simply be repeated after a lost answer. Default: every method but GET. */
  readonly writes?: boolean;
  /** In bytes. A larger answer is an error; default: 16 MB, 1 MB for a call that writes. */
  readonly maxBytes?: number;
  /** A 409 means "another request is in progress": the call is repeated with jitter. Otherwise it is a refusal. */
  readonly retryConflict?: boolean;
  /** The zone of the call, where the provider has a rate limit for each zone. */
  readonly zone?: Fqdn;
  /**
   * A 429 may come after the call was done, e.g. from a proxy: the client waits and then throws E_RATE with
   * `outcomeUnknown`, instead of sending the call again.
   */
  readonly checkAfterRateLimit?: boolean;
  /** Return the answer with any status; otherwise a 5xx is thrown as E_REMOTE. */
  readonly anyStatus?: boolean;
}

export interface HttpAnswer {
  readonly call: string;
  readonly status: number;
  /** Lower-case names; the values of a repeated header are joined with `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** The one HTTP client, with the account's TLS, proxy, time limit and rate limits. */
export interface HttpClient {
  /**
   * Sends one request. After a 429 it waits, within the run's time limit. Calls that only read are repeated after a network
   * failure or a 5xx. Redirects are never followed.
   * @throws E_REMOTE no usable answer (`outcomeUnknown` where a write may have been done); E_RATE the time limit comes
   *   before the end of the provider's rate limit; E_AUTH the TLS certificate is not the expected one
   */
  send(call: HttpCall): Promise<HttpAnswer>;
  /**
   * The answer's JSON, checked by a schema.
   * @throws E_PROTOCOL with the call and the field; `outcomeUnknown` is set, because a write may have been done
   */
  decode<Schema extends z.core.$ZodType>(answer: HttpAnswer, schema: Schema): z.output<Schema>;
}

/** A program to run, without a shell. */
export interface Command {
  /** The name of the call in errors and logs, e.g. `present`. */
  readonly call: string;
  /** The program's absolute path. It is refused if other users can write it. */
  readonly file: string;
  /** Every user of the machine can see them: never a secret. */
  readonly args: readonly string[];
  /** The environment, in addition to PATH, HOME and LANG. */
  readonly env?: Readonly<Record<string, string>>;
  /** The part of the environment with secret values: they are blanked out of the program's output. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Other files that the program runs: checked like the program itself. */
  readonly sources?: readonly string[];
  /** After this time it is stopped, together with everything that it started. */
  readonly timeoutMs: number;
}

export interface CommandOutcome {
  readonly exitCode: number;
  /** The end of it, at most 64 KiB. */
  readonly stdout: string;
  /** The last line of stderr, ready for an error message; may be empty. */
  readonly complaint: string;
  /** The last lines of stderr, oldest first, at most 20, each ready for an error message. */
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
  /** Aborts when the run's time is up or the process gets a stop signal. */
  readonly signal: AbortSignal;
  /** Never print this text from now on: for secrets that are made at run time, like a session id. */
  keepSecret(secret: string): void;
  /** Whether a text holds a piece of a secret, spelled in any way: such a text must not be stored either. */
  holdsSecret(text: string): boolean;
  /** Waits. @throws E_REMOTE when the run's time is up before the end */
  sleep(milliseconds: number): Promise<void>;
  /**
   * Does a write that must be done exactly once. When its outcome is unknown, `look` decides: its result is returned;
   * `undefined` means that the write was not done, and it is repeated (twice at most).
   */
  writeOnce<Result>(steps: WriteOnce<Result>): Promise<Result>;
  /**
   * The provider's own id of a zone, cached for a day across runs. `load` finds it and throws E_ZONE for a missing zone.
   * If the API refuses an id later, remove it with `forgetZoneId`.
   */
  zoneId(zone: Fqdn, load: () => Promise<string>): Promise<string>;
  forgetZoneId(zone: Fqdn): Promise<void>;
  /**
   * Whether the servers of the name's zone show this value now, with CNAMEs followed; undefined where they do not answer or
   * do not agree. For providers that cannot list values.
   */
  seenInDns(name: Fqdn, value: string): Promise<boolean | undefined>;
  /** The account's own folder in the state directory, created; for providers with scripts on disk. */
  dataDirectory(): Promise<string>;
  /** The account's records in the state, for a provider whose records dns01 serves itself. */
  records(): Promise<Records>;
  /**
   * Runs a program to its end, in the directory `/`, with nothing on stdin; for providers that are programs.
   * @throws E_CONFIG it cannot be started, or other users can write it; E_REMOTE with `outcomeUnknown` when it was stopped
   *   or died
   */
  runCommand(command: Command): Promise<CommandOutcome>;
}

export interface WriteOnce<Result> {
  write(): Promise<Result>;
  look(): Promise<Result | undefined>;
}
