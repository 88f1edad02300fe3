import { type Answer, NO_STATE, refuse } from './answer.ts';

/**
 * Two paths for load balancers and service managers. They need no login and say no more than the status: `/health`, as
 * acme-dns has it, that the process answers; `/ready` that it can take changes.
 */
export async function probe(
  word: string,
  method: string | undefined,
  isReady: () => Promise<boolean>,
): Promise<Answer | undefined> {
  if (!isProbe(word)) return undefined;
  if (method !== 'GET' && method !== 'HEAD') return refuse(405, 'only GET', { allow: 'GET, HEAD' });
  if (word === 'health' || (await isReady())) return { status: 200, body: '' };
  return refuse(503, NO_STATE);
}

export const isProbe = (word: string): boolean => word === 'health' || word === 'ready';

/** The last part of the path says what is wanted; the client's config decides what comes before it. */
export function lastPart(url = '/'): string {
  if (!URL.canParse(url, 'http://server')) return '';
  return new URL(url, 'http://server').pathname.split('/').at(-1) ?? '';
}
