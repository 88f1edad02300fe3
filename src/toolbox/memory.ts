/** What a provider remembers during one run, and lists in pages. */
import { Dns01Error } from '../errors.ts';

export interface RunMemory<Value> {
  /** The value under the key; loaded once, however many ask at the same time. A failure is not remembered. */
  get(key: string, load: () => Promise<Value>): Promise<Value>;
  /** Forget the value of a key, or everything. */
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

/** No list of an honest API has more pages. */
const MAX_PAGES = 1000;

/**
 * All items of a list that comes in pages.
 * @param fetchPage gives the items of one page and how to ask for the next; `undefined` ends the list
 * @throws E_PROTOCOL after MAX_PAGES: a list that was cut short must not pass for a whole one
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
