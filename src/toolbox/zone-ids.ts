import { type Dns01Error, isDns01Error } from '../errors.ts';
import type { Fqdn } from '../names.ts';
import type { ProviderContext } from './context.ts';

/** Does a task with the provider's own id of a zone. */
export type InZone = <Result>(zone: Fqdn, task: (id: string) => Promise<Result>) => Promise<Result>;

/**
 * For APIs with an id for each zone. A zone that was removed and added again has another one: where the API no longer takes
 * a cached id, it is loaded anew, and the task is done once more if the id has changed.
 * @param load finds the id. @throws E_ZONE
 * @param mayBeGone whether this refusal is what the API says of an id that it does not know
 */
export function createInZone(
  { zoneId, forgetZoneId }: Pick<ProviderContext, 'zoneId' | 'forgetZoneId'>,
  load: (zone: Fqdn) => Promise<string>,
  mayBeGone: (error: Dns01Error) => boolean,
): InZone {
  return async (zone, task) => {
    let isCached = true;
    const loadNow = () => {
      isCached = false;
      return load(zone);
    };
    const id = await zoneId(zone, loadNow);
    try {
      return await task(id);
    } catch (error) {
      if (!isDns01Error(error) || !mayBeGone(error)) throw error;
      await forgetZoneId(zone);
      if (!isCached) throw error;
      const renewed = await zoneId(zone, loadNow);
      if (renewed === id) throw error;
      return task(renewed);
    }
  };
}
