import { Dns01Error } from '../errors.ts';
import type { Journal } from '../state/journal.ts';
import { createKeyedMutex } from '../toolbox/memory.ts';
import type { GatewayUser } from './users.ts';

interface Value {
  readonly name: string;
  readonly value: string;
}

/** Keeps users to their number of published values. */
export interface LiveValues {
  /**
   * Runs the publishing of values. Those that the user has published already may be published again.
   * @throws E_RATE where the user would have too many
   */
  publish<Result>(user: GatewayUser, values: readonly Value[], task: () => Promise<Result>): Promise<Result>;
}

/** Values of all nodes count, by the journal. Those that this node is about to publish may not be in it yet. */
export function openLiveValues(journal: Journal): LiveValues {
  const underWay = new Map<string, Set<readonly Value[]>>();
  const oneByOne = createKeyedMutex();

  /** Counts values as published. @throws E_RATE */
  async function reserve({ name, liveValues }: GatewayUser, values: readonly Value[]): Promise<void> {
    const batches = underWay.get(name) ?? new Set();
    if (liveValues !== undefined) {
      const own = [...batches, values].flat();
      const count = (await journal.count({ by: name }, own)) + new Set(own.map(keyOf)).size;
      if (count > liveValues && (await hasNew(name, values, batches))) throw tooMany(name, count, liveValues);
    }
    underWay.set(name, batches.add(values));
  }

  async function hasNew(user: string, values: readonly Value[], batches: Iterable<readonly Value[]>): Promise<boolean> {
    const begun = new Set([...batches].flat().map(keyOf));
    const others = values.filter((each) => !begun.has(keyOf(each)));
    const entries = await Promise.all(others.map(({ name, value }) => journal.find(name, value)));
    return entries.some((entry) => entry?.by !== user);
  }

  return {
    async publish(user, values, task) {
      await oneByOne(user.name, () => reserve(user, values));
      try {
        return await task();
      } finally {
        const batches = underWay.get(user.name);
        batches?.delete(values);
        if (batches?.size === 0) underWay.delete(user.name);
      }
    },
  };
}

const keyOf = ({ name, value }: Value): string => `${name} ${value}`;

const tooMany = (user: string, count: number, most: number): Dns01Error =>
  new Dns01Error('E_RATE', `the user ${user} would have ${count} values published and may have ${most}`, {
    hint: 'give it a larger limit, liveValues, or find out why its client does not remove them',
  });
