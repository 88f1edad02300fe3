import { createHmac, randomBytes } from 'node:crypto';
import pLimit from 'p-limit';
import { createGate } from './gate.ts';
import { NOBODY, verifyPassword } from './password.ts';

/** Wrong passwords in a minute, after which only clients that logged in before are let in. */
const MAX_GUESSES_PER_ADDRESS = 10;
const MAX_GUESSES_PER_USER = 100;

/** Wrong passwords in a minute, after which no client is let in: a guess at a remembered login costs no hash. */
const MAX_REFUSALS_PER_ADDRESS = 600;

/** Hashes at the same time. More would take the threads that file reads need; Node has four. */
const MAX_HASHES_AT_ONCE = 2;
const MAX_HASHES_WAITING = 32;

/** How long a correct login needs no second hash. */
const REMEMBERED_MS = 3_600_000;
const MAX_REMEMBERED = 10_000;

export interface GivenLogin {
  /** The client's address, as `clientAddress` gives it. */
  readonly address: string;
  readonly user: string;
  readonly password: string;
  /** The hash in the config; undefined for an unknown user. */
  readonly hash: string | undefined;
}

/** `waitMs`: too many wrong ones, nothing was checked. `busy`: too many logins at once. */
export type LoginOutcome = 'right' | 'wrong' | 'busy' | { readonly waitMs: number };

/**
 * Checks logins, and remembers in this process which clients had a correct one. These are let in without a hash, even
 * while another client at their address guesses passwords.
 */
export function createLoginCheck(): (given: GivenLogin) => Promise<LoginOutcome> {
  const key = randomBytes(32);
  const remembered = new Map<string, number>();
  const underWay = new Map<string, Promise<LoginOutcome>>();
  const line = pLimit(MAX_HASHES_AT_ONCE);
  const byAddress = createGate(MAX_GUESSES_PER_ADDRESS);
  const byUser = createGate(MAX_GUESSES_PER_USER);
  const refusals = createGate(MAX_REFUSALS_PER_ADDRESS);

  return async (given) => {
    const flood = refusals.wait(given.address);
    if (flood > 0) return { waitMs: flood };
    // A changed password has another hash in the config, so the remembered login is not found.
    const parts = [given.address, given.user, given.password, given.hash ?? ''];
    const login = createHmac('sha256', key).update(JSON.stringify(parts)).digest('base64');
    const outcome = isRemembered(login) ? 'right' : await hashed(login, given);
    if (outcome === 'right') remember(login);
    else refusals.count(given.address);
    return outcome;
  };

  async function hashed(login: string, given: GivenLogin): Promise<LoginOutcome> {
    const waitMs = guessWait(given);
    if (waitMs > 0) return { waitMs };
    // Equal logins that arrive at the same time are hashed once.
    const same = underWay.get(login);
    if (same) return same;
    if (line.pendingCount >= MAX_HASHES_WAITING) return 'busy';
    const outcome = line(() => compare(given)).finally(() => underWay.delete(login));
    underWay.set(login, outcome);
    return outcome;
  }

  async function compare(given: GivenLogin): Promise<LoginOutcome> {
    // Others may have failed while this one waited.
    const waitMs = guessWait(given);
    if (waitMs > 0) return { waitMs };
    // An unknown user costs as much time as a wrong password.
    const matched = await verifyPassword(given.password, given.hash ?? NOBODY);
    if (matched && given.hash !== undefined) return 'right';
    byAddress.count(given.address);
    byUser.count(userKey(given));
    return 'wrong';
  }

  function guessWait(given: GivenLogin): number {
    return Math.max(byAddress.wait(given.address), byUser.wait(userKey(given)));
  }

  function isRemembered(login: string): boolean {
    return (remembered.get(login) ?? 0) > performance.now();
  }

  function remember(login: string): void {
    remembered.delete(login);
    remembered.set(login, performance.now() + REMEMBERED_MS);
    const [oldest] = remembered.keys();
    if (remembered.size > MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
  }
}

/** All unknown users share one key, so that their names do not fill the memory. */
const userKey = ({ user, hash }: GivenLogin): string => (hash === undefined ? '' : user);
