import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { digest } from '../digest.ts';
import { Dns01Error } from '../errors.ts';
import { type Fqdn, parseName } from '../names.ts';
import { createJson, readAllJson, readJson, remove, writeJson } from './files.ts';

/** A normalised name. Any other text makes the entry unreadable. */
const fqdn = z.custom<Fqdn>((text) => typeof text === 'string' && parseName(text) === text);

const handleSchema = z.object({ zone: fqdn, id: z.optional(z.string()), proven: z.optional(z.boolean()) });

const entrySchema = z.object({
  version: z.literal(1),
  /** `intent`: it may have been published; `published`: it was. A withdrawn value has no entry. */
  state: z.enum(['intent', 'published']),
  name: fqdn,
  /** Where it was written, if CNAMEs lead away from the name. */
  target: z.optional(fqdn),
  value: z.string(),
  account: z.string(),
  provider: z.string(),
  zone: z.optional(fqdn),
  handle: z.optional(handleSchema),
  /** It stays until somebody removes it by name: a record of dns-persist-01. */
  lasting: z.optional(z.boolean()),
  /** When it was last about to be published, ISO 8601. */
  since: z.string(),
  /** The run that began this, while it is an intent: several runs may publish the same value. */
  run: z.optional(z.string()),
});

export type JournalEntry = z.output<typeof entrySchema>;
export type NewEntry = Omit<JournalEntry, 'version' | 'since' | 'run'>;

/**
 * The values that this machine published and has not withdrawn. Each has a small file of its own, so that processes
 * never wait for each other and a closed entry leaves nothing behind.
 */
export interface Journal {
  find(name: string, value: string): Promise<JournalEntry | undefined>;
  /** Stores that a value is about to be published. True if it was known before: then it is not this run's alone. */
  begin(entry: Omit<NewEntry, 'state'>): Promise<boolean>;
  record(entry: NewEntry): Promise<void>;
  close(name: string, value: string): Promise<void>;
  /** Removes the intent of this run, unless another run has begun the same since. */
  abandon(name: string, value: string): Promise<void>;
  /**
   * All open entries, and the names of unreadable files.
   * @throws E_CONFIG where the journal cannot be read, because that must not look like an empty one
   */
  all(): Promise<{ entries: JournalEntry[]; unreadable: string[] }>;
}

/** A journal that cannot be written (no state directory, disk full) causes one warning and never fails an add or a removal. */
export function openJournal(stateDirectory: string | undefined, warn: (message: string) => void): Journal {
  if (stateDirectory === undefined) {
    return {
      find: nothing,
      begin: async () => false,
      record: nothing,
      close: nothing,
      abandon: nothing,
      all: async () => {
        throw cannotRead('there is no state directory');
      },
    };
  }
  const directory = join(stateDirectory, 'journal');
  const fileOf = (name: string, value: string) => join(directory, `${digest(`${name} ${value}`)}.json`);
  const run = randomUUID();
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

  const find = (name: string, value: string) => attempt(readJson(fileOf(name, value), entrySchema), undefined);
  const close = (name: string, value: string) => attempt(remove(fileOf(name, value)), undefined);

  async function begin(entry: Omit<NewEntry, 'state'>): Promise<boolean> {
    const file = fileOf(entry.name, entry.value);
    const begun = { version: 1, state: 'intent', since: new Date().toISOString(), run, ...entry };
    if (await createJson(file, begun)) return false;
    const before = await readJson(file, entrySchema);
    // A value that is known to be published at the same place keeps its entry, with the handle that its removal needs.
    const isSame = before?.state === 'published' && before.account === entry.account && before.target === entry.target;
    await writeJson(file, isSame ? { ...before, since: begun.since } : begun);
    return true;
  }

  return {
    find,
    begin: (entry) => attempt(begin(entry), false),
    async record(entry) {
      const since = (await find(entry.name, entry.value))?.since ?? new Date().toISOString();
      await attempt(writeJson(fileOf(entry.name, entry.value), { version: 1, since, ...entry }), undefined);
    },
    close,
    async abandon(name, value) {
      if ((await find(name, value))?.run === run) await close(name, value);
    },
    async all() {
      const { contents, unreadable } = await readAllJson(directory, entrySchema).catch((cause: Error) => {
        throw cannotRead(cause.message);
      });
      return { entries: contents, unreadable };
    },
  };
}

function cannotRead(why: string): Dns01Error {
  return new Dns01Error('E_CONFIG', `the journal cannot be read: ${why}`, {
    hint: 'run it as the same user, and with the same DNS01_STATE_DIR, as the hook that publishes',
  });
}

const nothing = async (): Promise<undefined> => undefined;
