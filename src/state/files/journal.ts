import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { digest } from '../../digest.ts';
import { Dns01Error } from '../../errors.ts';
import {
  type Begun,
  entrySchema,
  type Journal,
  type JournalEntry,
  type JournalFilter,
  type NewEntry,
} from '../journal.ts';
import { createJson, readAllJson, readJson, remove, writeJson } from './json.ts';

/**
 * The journal as small files, one for each value, so that processes never wait for each other and a closed entry leaves
 * nothing behind. If it cannot be written (no state directory, disk full), it warns once and never fails an add or a removal.
 */
export function openJournal(stateDirectory: string | undefined, warn: (message: string) => void): Journal {
  if (stateDirectory === undefined) {
    return {
      find: nothing,
      begin: async ({ name, value }) => ({ name, value, wasKnown: false, run: '' }),
      record: nothing,
      close: nothing,
      abandon: nothing,
      // biome-ignore lint/correctness/useYield: there is nothing to list
      async *list() {
        throw cannotRead('there is no state directory');
      },
      count: async () => {
        throw cannotRead('there is no state directory');
      },
    };
  }
  const directory = join(stateDirectory, 'journal');
  const fileOf = (name: string, value: string) => join(directory, `${digest(`${name} ${value}`)}.json`);
  let warned = false;

  async function attempt<Result>(step: Promise<Result>, otherwise: Result): Promise<Result> {
    try {
      return await step;
    } catch (error) {
      if (!warned) warn(`the journal in ${directory} cannot be written: ${(error as Error).message}`);
      warned = true;
      return otherwise;
    }
  }

  const all = () =>
    readAllJson(directory, entrySchema).catch((cause: Error) => {
      throw cannotRead(cause.message);
    });
  const find = (name: string, value: string) => attempt(readJson(fileOf(name, value), entrySchema), undefined);
  const close = (name: string, value: string) => attempt(remove(fileOf(name, value)), undefined);

  async function begin(entry: Omit<NewEntry, 'state'>, run: string): Promise<boolean> {
    const file = fileOf(entry.name, entry.value);
    const begun = { version: 1, state: 'intent', since: new Date().toISOString(), run, ...stored(entry) };
    if (await createJson(file, begun)) return false;
    const before = await readJson(file, entrySchema);
    // A value that is known to be published at the same place keeps its entry, with the handle that its removal needs.
    const isSame = before?.state === 'published' && before.account === entry.account && before.target === entry.target;
    const { since, by, until } = { by: undefined, until: undefined, ...begun };
    await writeJson(file, isSame ? { ...before, since, by, until } : begun);
    return true;
  }

  return {
    find,
    async begin(entry) {
      const { name, value } = entry;
      const run = randomUUID();
      return { name, value, run, wasKnown: await attempt(begin(entry, run), false) };
    },
    async record(entry) {
      const since = (await find(entry.name, entry.value))?.since ?? new Date().toISOString();
      await attempt(writeJson(fileOf(entry.name, entry.value), { version: 1, since, ...stored(entry) }), undefined);
    },
    close,
    async abandon({ name, value, run }: Begun) {
      if ((await find(name, value))?.run === run) await close(name, value);
    },
    async *list(filter = {}) {
      const { contents, unreadable } = await all();
      const now = Date.now();
      const selected = contents.filter((entry) => isSelected(entry, filter, now));
      yield* selected.sort((one, other) => one.since.localeCompare(other.since));
      if (unreadable.length > 0) filter.damaged?.(unreadable, directory);
    },
    async count(by, without) {
      const known = new Set(without.map(({ name, value }) => fileOf(name, value)));
      const { contents } = await all();
      return contents.filter((entry) => entry.by === by && !known.has(fileOf(entry.name, entry.value))).length;
    },
  };
}

const stored = <Entry extends { readonly leaseMs?: number | undefined }>({ leaseMs, ...entry }: Entry) =>
  leaseMs === undefined ? entry : { ...entry, until: new Date(Date.now() + leaseMs).toISOString() };

function isSelected(entry: JournalEntry, { olderThanMs, leaseEnded, by, name }: JournalFilter, now: number): boolean {
  if (olderThanMs !== undefined && !isOlder(entry.since, now - olderThanMs, now)) return false;
  if (leaseEnded && !(entry.until !== undefined && Date.parse(entry.until) <= now)) return false;
  return (by === undefined || entry.by === by) && (name === undefined || entry.name === name);
}

/** A time in the future was written before the clock was set back, so its age is unknown: it counts as older. */
function isOlder(since: string, latest: number, now: number): boolean {
  const time = Date.parse(since);
  return time <= latest || time > now + MAX_CLOCK_ERROR_MS;
}

const MAX_CLOCK_ERROR_MS = 60_000;

function cannotRead(why: string): Dns01Error {
  return new Dns01Error('E_CONFIG', `the journal cannot be read: ${why}`, {
    hint: 'run it as the same user, and with the same DNS01_STATE_DIR, as the hook that publishes',
  });
}

const nothing = async (): Promise<undefined> => undefined;
