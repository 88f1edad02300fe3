/** The kinds of failure in dns01, each with an exit code for scripts (sysexits.h). */
export const EXIT_CODES = {
  E_USAGE: 64,
  E_REJECTED: 65,
  E_ZONE: 68,
  E_BUG: 70,
  E_REMOTE: 75,
  E_STATE: 75,
  E_RATE: 75,
  E_LOCK: 75,
  E_PROPAGATION: 75,
  E_PROTOCOL: 76,
  E_AUTH: 77,
  E_CONFIG: 78,
} as const;

export type ErrorCode = keyof typeof EXIT_CODES;

/** Codes after which the same call may succeed a little later without any change by the user. */
const RETRYABLE: ReadonlySet<ErrorCode> = new Set(['E_REMOTE', 'E_STATE', 'E_RATE', 'E_LOCK', 'E_PROPAGATION']);

const brand = Symbol.for('dns01.error');

export interface ErrorDetails {
  /** What to do now: one sentence, lower case, no period. */
  hint?: string | undefined;
  cause?: unknown;
  /** The request was sent but no usable answer came back: a write may or may not have been made, and has to be looked up. */
  outcomeUnknown?: boolean | undefined;
  /** The credentials themselves were refused: they are not tried again for a while. */
  loginRefused?: boolean | undefined;
  /** The HTTP status of a refusal. */
  status?: number | undefined;
  /** The refusal may mean that the account does not hold the zone; the core then tries the next one. */
  tryNextZone?: boolean | undefined;
}

/** The one error type of dns01. The message is lower case, without a period, and says what happened. */
export class Dns01Error extends Error {
  readonly code: ErrorCode;
  readonly exitCode: number;
  readonly retryable: boolean;
  readonly hint: string | undefined;
  readonly outcomeUnknown: boolean;
  readonly status: number | undefined;
  readonly loginRefused: boolean;
  readonly tryNextZone: boolean;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'Dns01Error';
    this.code = code;
    this.exitCode = EXIT_CODES[code];
    this.retryable = RETRYABLE.has(code);
    this.hint = details.hint;
    this.outcomeUnknown = details.outcomeUnknown ?? false;
    this.status = details.status;
    this.loginRefused = details.loginRefused ?? false;
    this.tryNextZone = details.tryNextZone ?? code === 'E_ZONE';
    Object.defineProperty(this, brand, { value: true });
  }
}

/** True for every Dns01Error, even one made by another copy of this module (a third party's provider). */
export function isDns01Error(error: unknown): error is Dns01Error {
  return error instanceof Error && brand in error;
}

/** Anything thrown, as a Dns01Error. Any other error is a bug in dns01 and becomes the cause. */
export function asDns01Error(error: unknown): Dns01Error {
  if (isDns01Error(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Dns01Error('E_BUG', `unexpected failure: ${message}`, {
    cause: error,
    hint: 'this is a bug in dns01: run again with --verbose and report the output',
  });
}

/** The same failure, with a prefix that says where it happened. */
export function withContext(error: unknown, prefix: string): Dns01Error {
  const known = asDns01Error(error);
  return new Dns01Error(known.code, `${prefix}: ${known.message}`, {
    hint: known.hint,
    cause: known.cause ?? known,
    outcomeUnknown: known.outcomeUnknown,
    status: known.status,
    loginRefused: known.loginRefused,
    tryNextZone: known.tryNextZone,
  });
}

/** The same failure of a write that may have been made. */
export const asUnknown = (failure: Dns01Error): Dns01Error =>
  new Dns01Error(failure.code, failure.message, { hint: failure.hint, cause: failure, outcomeUnknown: true });
