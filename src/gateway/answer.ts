import { asDns01Error, type ErrorCode } from '../errors.ts';
import type { Fqdn } from '../names.ts';

export interface Answer {
  readonly status: number;
  /** A text is sent as it is. */
  readonly body: object | string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The user, once known; for the log. */
  readonly user?: string | undefined;
  readonly name?: Fqdn | undefined;
}

/** An error never repeats the value in quotes: acme.sh treats that as a success, whatever the status. */
export function refuse(status: number, message: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, body: { error: message }, headers };
}

export function tooMany(waitMs: number): Answer {
  return refuse(429, 'too many requests', { 'retry-after': String(Math.ceil(waitMs / 1000)) });
}

/** The same for a name of somebody else and for one that nobody has. */
export const NOT_YOURS = 'this server does not write this name for this user';

export const NO_STATE = 'the state cannot be reached';

/**
 * What a user learns of a failure: a status that separates the client's own mistakes from faults behind this server, and
 * one sentence. The details may name other users' zones, so only the log has them.
 */
const FAILURES: Readonly<Record<ErrorCode, readonly [status: number, sentence: string]>> = {
  E_USAGE: [400, 'the request is not one for a challenge'],
  E_ZONE: [404, NOT_YOURS],
  E_REJECTED: [422, 'the DNS provider refuses the record'],
  E_RATE: [503, "a limit is reached: the DNS provider's rate limit, or the number of values of this user"],
  E_LOCK: [503, 'another process writes in the zone'],
  E_PROPAGATION: [504, 'the value cannot be seen at every name server yet'],
  E_REMOTE: [502, 'the DNS provider cannot be reached or has failed'],
  E_PROTOCOL: [502, "the DNS provider's answer cannot be read"],
  E_STATE: [503, NO_STATE],
  E_AUTH: [502, 'the DNS provider refuses the login of this server'],
  E_CONFIG: [500, 'the config of this server is not valid'],
  E_BUG: [500, 'this server failed'],
};

export interface Wording {
  readonly code: ErrorCode;
  readonly status: number;
  readonly sentence: string;
  readonly headers: Readonly<Record<string, string>>;
}

export function wordingOf(error: unknown): Wording {
  const { code } = asDns01Error(error);
  const [status, sentence] = FAILURES[code];
  const seconds = code === 'E_STATE' ? '5' : '60';
  return { code, status, sentence, headers: status === 503 ? { 'retry-after': seconds } : {} };
}

export function failure(error: unknown, fqdn: string): Answer {
  const { code, status, sentence, headers } = wordingOf(error);
  return { status, headers, body: { code, error: sentence, fqdn } };
}
