/** What a provider remembers during one run, keyed mutexes and lists in pages. */
import { Dns01Error } from '../errors.ts';

export interface RunMemory<Value> {
  /** The value under the key; loaded once, even if several callers need it at the same time. A failure is not remembered. */
  get(key: string, load: () => Promise<Value>): Promise<Value>;
  /** Forgets the value of a key, or all values. */
  forget(key?: string): void;
}

export function createRunMemory<Value>(): RunMemory<Value> {
  const known = new Map<string, Promise<Value>>();
  return {
    get(key, load) {
      const before = known.get(key);
      if (before) return before;
      const loading = load();
      known.set(key, loading);
      loading.catch(() => {
        if (known.get(key) === loading) known.delete(key);
      });
      return loading;
    },
    forget(key) {
      if (key === undefined) known.clear();
      else known.delete(key);
    },
  };
}

/** Runs tasks with the same key one after the other; a task that fails does not stop the next. */
export type KeyedMutex = <Result>(key: string, task: () => Promise<Result>) => Promise<Result>;

export function createKeyedMutex(): KeyedMutex {
  const last = new Map<string, Promise<unknown>>();
  return (key, task) => {
    const result = (last.get(key) ?? Promise.resolve()).then(task, task);
    const settled = result.catch(() => {});
    last.set(key, settled);
    void settled.then(() => {
      if (last.get(key) === settled) last.delete(key);
    });
    return result;
  };
}

/** No list of a real API has more pages. */
const MAX_PAGES = 1000;

/**
 * All items of a list that comes in pages.
 * @param fetchPage returns the items of one page and the key of the next; `undefined` ends the list
 * @throws E_PROTOCOL after MAX_PAGES, because an incomplete list must not look complete
 */
export async function* eachPage<Item, Cursor>(
  first: Cursor,
  fetchPage: (cursor: Cursor) => Promise<{ readonly items: readonly Item[]; readonly next: Cursor | undefined }>,
): AsyncGenerator<Item> {
  let cursor: Cursor | undefined = first;
  for (let page = 1; cursor !== undefined; page++) {
    if (page > MAX_PAGES) throw new Dns01Error('E_PROTOCOL', `a list has more than ${MAX_PAGES} pages`);
    const { items, next }: { readonly items: readonly Item[]; readonly next: Cursor | undefined } =
      await fetchPage(cursor);
    yield* items;
    cursor = next;
  }
}
