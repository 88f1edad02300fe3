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
  OLD_AFTER_MS,
} from '../journal.ts';
import { createJson, readAllJson, readEachJson, readJson, remove, writeJson } from './json.ts';

/**
 * The journal as small files, one for each value, so that processes never wait for each other and a closed entry leaves
 * nothing behind. If it cannot be written (no state directory, disk full), it warns once and never fails an add or a removal.
 */
export function openJournal(stateDirectory: string | undefined, warn: (message: string) => void): Journal {
  if (stateDirectory === undefined) {
    return {
      find: nothing,
      begin: async ({ name, value }) => ({ name, value, wasKnown: false, wasOld: false, run: '' }),
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
  const drop = (name: string, value: string) => attempt(remove(fileOf(name, value)), undefined);

  async function begin(entry: Omit<NewEntry, 'state'>, run: string): Promise<Before> {
    const file = fileOf(entry.name, entry.value);
    const begun = { version: 1, state: 'intent', since: new Date().toISOString(), run, ...stored(entry) };
    if (await createJson(file, begun)) return UNKNOWN;
    const before = await readJson(file, entrySchema);
    // A value that is known to be published at the same place keeps its entry, with the handle that its removal needs.
    const isSame = before?.state === 'published' && before.account === entry.account && before.target === entry.target;
    const { since, by, until } = { by: undefined, until: undefined, ...begun };
    await writeJson(file, isSame ? { ...before, since, by, until } : begun);
    const now = Date.now();
    const wasOld = before !== undefined && (isOlder(before.since, now - OLD_AFTER_MS, now) || hasEnded(before, now));
    return { wasKnown: true, wasOld };
  }

  return {
    find,
    async begin(entry, run = randomUUID()) {
      const { name, value } = entry;
      return { name, value, run, ...(await attempt(begin(entry, run), UNKNOWN)) };
    },
    async record(entry) {
      const since = (await find(entry.name, entry.value))?.since ?? new Date().toISOString();
      await attempt(writeJson(fileOf(entry.name, entry.value), { version: 1, since, ...stored(entry) }), undefined);
    },
    async close(name, value, seen) {
      if ((await find(name, value))?.since === seen?.since) await drop(name, value);
    },
    async abandon({ name, value, run }: Begun) {
      if ((await find(name, value))?.run === run) await drop(name, value);
    },
    async *list(filter = {}) {
      const { contents, unreadable } = await all();
      const now = Date.now();
      const selected = contents.filter((entry) => isSelected(entry, filter, now));
      yield* selected.sort((one, other) => one.since.localeCompare(other.since));
      if (unreadable.length > 0) filter.damaged?.(unreadable, directory);
    },
    async count(filter, without = []) {
      const known = new Set(without.map(({ name, value }) => fileOf(name, value)));
      const now = Date.now();
      let count = 0;
      await readEachJson(directory, entrySchema, (entry) => {
        if (isSelected(entry, filter, now) && !known.has(fileOf(entry.name, entry.value))) count++;
      }).catch((cause: Error) => {
        throw cannotRead(cause.message);
      });
      return count;
    },
  };
}

type Before = Pick<Begun, 'wasKnown' | 'wasOld'>;

const UNKNOWN: Before = { wasKnown: false, wasOld: false };

const stored = <Entry extends { readonly leaseMs?: number | undefined }>({ leaseMs, ...entry }: Entry) =>
  leaseMs === undefined ? entry : { ...entry, until: new Date(Date.now() + leaseMs).toISOString() };

function isSelected(entry: JournalEntry, filter: JournalFilter, now: number): boolean {
  const { olderThanMs, leaseEnded, unleased, by, name } = filter;
  if (olderThanMs !== undefined && !isOlder(entry.since, now - olderThanMs, now)) return false;
  if (leaseEnded && !hasEnded(entry, now)) return false;
  if (unleased && (entry.until !== undefined || entry.lasting)) return false;
  return (by === undefined || entry.by === by) && (name === undefined || entry.name === name);
}

const hasEnded = ({ until }: JournalEntry, now: number): boolean => until !== undefined && Date.parse(until) <= now;

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
