/** Milliseconds for which refused credentials are not tried again. */
export const REFUSED_FOR_MS = 300_000;

/**
 * Credentials that a provider refused, for all processes. Panels block an address after some failed logins, and an ACME
 * client calls its hook for every name. Other credentials have an entry of their own.
 */
export interface RefusedLogins {
  /** Milliseconds since these credentials were refused; undefined where they may be tried. */
  age(credentials: string): Promise<number | undefined>;
  /** Never fails. */
  remember(credentials: string): Promise<void>;
}
