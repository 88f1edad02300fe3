import * as z from 'zod/mini';
import { fqdn } from './name.ts';

const handleSchema = z.object({ zone: fqdn, id: z.optional(z.string()), proven: z.optional(z.boolean()) });

export const entrySchema = z.object({
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
  /** The user of the gateway who published it last; undefined for the command line. */
  by: z.optional(z.string()),
  /** When its lease ends and the gateway withdraws it, ISO 8601. */
  until: z.optional(z.string()),
  /** When it was last about to be published, ISO 8601. */
  since: z.string(),
  /** Who began this, while it is an intent: several may publish the same value. */
  run: z.optional(z.string()),
});

export type JournalEntry = z.output<typeof entrySchema>;

/** An entry as it is given to the journal, which knows the time. */
export interface NewEntry extends Omit<JournalEntry, 'version' | 'since' | 'run' | 'until'> {
  /** Milliseconds from now until its lease ends. */
  readonly leaseMs?: number | undefined;
}

/** A value that is about to be published. */
export interface Begun {
  readonly name: string;
  readonly value: string;
  /** It was in the journal before: then it is not this caller's alone. */
  readonly wasKnown: boolean;
  /** It was there for a while, or its lease had ended: somebody may be about to withdraw it. */
  readonly wasOld: boolean;
  /** Different for each call of `begin`. */
  readonly run: string;
}

/** Which entries to list. Conditions that are not set hold for every entry. */
export interface JournalFilter {
  /** Published at least so many milliseconds ago. */
  readonly olderThanMs?: number | undefined;
  /** The lease has ended. */
  readonly leaseEnded?: boolean | undefined;
  /** Without a lease, and not meant to stay. */
  readonly unleased?: boolean | undefined;
  /** By this user of the gateway. */
  readonly by?: string | undefined;
  readonly name?: string | undefined;
  /** Called at the end if there are entries that cannot be read. @param place where to look at them */
  damaged?(names: readonly string[], place: string): void;
}

/** Milliseconds. A client that did not get its answer repeats its request sooner. */
export const OLD_AFTER_MS = 60_000;

/** The values that were published and not withdrawn. */
export interface Journal {
  find(name: string, value: string): Promise<JournalEntry | undefined>;
  /**
   * Stores that a value is about to be published.
   * @param run of the first call, where this one repeats it
   */
  begin(entry: Omit<NewEntry, 'state'>, run?: string): Promise<Begun>;
  record(entry: NewEntry): Promise<void>;
  /** Removes the entry, unless somebody has begun the same value again since. @param seen as it was found before the withdrawal */
  close(name: string, value: string, seen: JournalEntry | undefined): Promise<void>;
  /** Removes the intent, unless somebody else has begun the same since. Never fails. */
  abandon(begun: Begun): Promise<void>;
  /**
   * The entries that the filter selects, oldest first.
   * @throws E_CONFIG where the journal cannot be read, because that must not look like an empty one
   */
  list(filter?: JournalFilter): AsyncIterable<JournalEntry>;
  /** How many entries the filter selects, beside some that are known. @throws as `list` does */
  count(filter: JournalFilter, without?: readonly { readonly name: string; readonly value: string }[]): Promise<number>;
}

/** All entries at once, for where there are few. */
export async function entriesIn(journal: Journal, filter?: JournalFilter): Promise<JournalEntry[]> {
  const entries: JournalEntry[] = [];
  for await (const entry of journal.list(filter)) entries.push(entry);
  return entries;
}
