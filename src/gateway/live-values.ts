import { Dns01Error } from '../errors.ts';
import type { Journal } from '../state/journal.ts';
import { createKeyedMutex } from '../toolbox/memory.ts';
import type { GatewayUser } from './users.ts';

/** Keeps users to their number of published values. */
export interface LiveValues {
  /**
   * Runs the publishing of a value. One that the user has published already may be published again.
   * @throws E_RATE where the user would have too many
   */
  publish(user: GatewayUser, name: string, value: string, task: () => Promise<void>): Promise<void>;
}

/** Values of all nodes count, by the journal. Those that this node is about to publish may not be in it yet. */
export function openLiveValues(journal: Journal): LiveValues {
  const underWay = new Map<string, Set<string>>();
  const oneByOne = createKeyedMutex();

  /** Counts a value as published. @throws E_RATE */
  async function reserve({ name, liveValues }: GatewayUser, key: string): Promise<void> {
    const own = underWay.get(name) ?? new Set();
    if (liveValues !== undefined) {
      const keys = new Set(own);
      for await (const entry of journal.list({ by: name })) keys.add(keyOf(entry.name, entry.value));
      if (!keys.has(key) && keys.size >= liveValues) {
        throw new Dns01Error('E_RATE', `the user ${name} has ${keys.size} values published and may have no more`, {
          hint: 'give it a larger limit, liveValues, or find out why its client does not remove them',
        });
      }
    }
    underWay.set(name, own.add(key));
  }

  return {
    async publish(user, name, value, task) {
      const key = keyOf(name, value);
      await oneByOne(user.name, () => reserve(user, key));
      try {
        await task();
      } finally {
        const own = underWay.get(user.name);
        own?.delete(key);
        if (own?.size === 0) underWay.delete(user.name);
      }
    },
  };
}

const keyOf = (name: string, value: string): string => `${name} ${value}`;
