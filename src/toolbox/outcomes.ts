import { isDns01Error } from '../errors.ts';
import type { TxtChange, TxtOutcome } from '../provider.ts';

/**
 * The outcomes of changes that are made together or not at all, after this failure.
 * @throws the failure where it is about the whole zone, login or server, and nothing was changed
 */
export function failedTogether(changes: readonly TxtChange[], error: unknown): TxtOutcome[] {
  if (!isDns01Error(error)) throw error;
  if (error.outcomeUnknown) return changes.map(() => ({ state: 'unknown', error }));
  // With a status: one change was refused, and so were all the others.
  if (error.code !== 'E_REJECTED' || error.status === undefined) throw error;
  return changes.map(() => ({ state: 'refused', error }));
}
