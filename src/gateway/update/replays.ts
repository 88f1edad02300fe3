import { FUDGE, type RequestSignature } from '../../dns/wire-tsig.ts';

/**
 * Requests by key, id and MAC. A client that repeats one by UDP gets the answer of the first, and one that somebody else
 * sends again changes nothing.
 */
export interface Replays {
  /** The answer to the first request with this signature. */
  find(request: SignedRequest): Promise<Buffer> | undefined;
  keep(request: SignedRequest, answer: Promise<Buffer>): void;
  forget(request: SignedRequest): void;
}

export interface SignedRequest {
  readonly id: number;
  readonly by: RequestSignature;
}

/** A signature counts for so long before and after its time. */
const REMEMBERED_MS = 2 * FUDGE * 1000;

/** A flood must not fill the memory: the oldest ones are forgotten. */
const MAX_REMEMBERED = 100_000;

export function createReplays(): Replays {
  const seen = new Map<string, { readonly answer: Promise<Buffer>; readonly until: number }>();

  function forgetOld(now: number): void {
    for (const [oldest, { until }] of seen) {
      if (until > now && seen.size <= MAX_REMEMBERED) return;
      seen.delete(oldest);
    }
  }

  return {
    find: (request) => seen.get(keyFor(request))?.answer,
    forget: (request) => void seen.delete(keyFor(request)),
    keep(request, answer) {
      const now = performance.now();
      forgetOld(now);
      seen.set(keyFor(request), { answer, until: now + REMEMBERED_MS });
    },
  };
}

const keyFor = ({ id, by }: SignedRequest): string => `${by.keyName} ${id} ${by.mac.toString('base64')}`;
