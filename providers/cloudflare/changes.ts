import * as z from 'zod/mini';
import {
  disturbed,
  type Fqdn,
  failedTogether,
  isSameName,
  type ProviderContext,
  pathPart,
  refusalError,
  type ShownTxt,
  shownId,
  type TxtChange,
  type TxtOutcome,
  type TxtRecord,
  unquoteTxt,
} from '../../src/provider.ts';
import { answerOf, type CloudflareClient, hasCode, IDENTICAL, NO_RECORD, refusals } from './client.ts';

/** A TXT record. Its content is quoted; records of before 2024 are shown without quotes. */
export const shownRecord = z.object({ id: shownId, name: z.string(), content: z.string() });

export const toShown = ({ id, name, content }: z.output<typeof shownRecord>): ShownTxt => ({
  id,
  name,
  value: content,
});

const batchAnswer = answerOf(z.object({ posts: z.optional(z.nullable(z.array(shownRecord))) }));

/** How often a batch is sent again where others changed the same records in between. */
const MAX_ATTEMPTS = 3;

interface Batch {
  readonly zone: Fqdn;
  readonly changes: readonly TxtChange[];
  bodyOf(record: TxtRecord): object;
  list(zone: Fqdn, name: Readonly<Record<string, string>>): AsyncIterable<ShownTxt>;
  readonly client: CloudflareClient;
  readonly context: ProviderContext;
}

/**
 * Changes of a zone in one batch ("Batch DNS Records": a single database transaction). The API refuses the whole batch
 * for one record that exists or does not exist; only then, or where an id is not known, are the records read.
 */
export async function changeMany({ zone, changes, bodyOf, list, client, context }: Batch): Promise<TxtOutcome[]> {
  /** What was there before anything can have been written, as far as it was read. */
  let before: readonly ShownTxt[] | undefined;
  let seen: readonly ShownTxt[] | undefined;
  let mayBeWritten = false;

  async function look(): Promise<void> {
    const found: ShownTxt[] = [];
    const start = commonStart(changes.map(({ record }) => record.name));
    for await (const shown of list(zone, start ? { 'name.startswith': start } : {})) found.push(shown);
    seen = found;
    if (!mayBeWritten) before = found;
  }

  /** Undefined where the records have to be read. */
  async function send(wanted: readonly TxtChange[]): Promise<readonly ShownTxt[] | undefined> {
    const deletes = wanted.flatMap((change) => idsOf(change, seen).map((id) => ({ id })));
    const posts = wanted.filter(({ action }) => action === 'add').map(({ record }) => bodyOf(record));
    return client.inZone(zone, async (id) => {
      const answer = await client.api.send({
        method: 'POST',
        path: `/zones/${pathPart(id)}/dns_records/batch`,
        json: { ...(deletes.length > 0 ? { deletes } : {}), ...(posts.length > 0 ? { posts } : {}) },
        expected: [200, 400, 404, 409],
      });
      if (answer.status === 200) return (context.http.decode(answer, batchAnswer).result.posts ?? []).map(toShown);
      if (hasCode(answer, [...IDENTICAL, NO_RECORD])) return undefined;
      throw refusalError(answer, refusals);
    });
  }

  function outcomes(written: readonly TxtChange[], posts: readonly ShownTxt[]): TxtOutcome[] {
    return changes.map((change): TxtOutcome => {
      const own =
        change.action === 'add' ? [...posts, ...(seen ?? [])].find((shown) => isOf(shown, change)) : undefined;
      const wasNeeded = before && isNeeded(change, before);
      const changed = written.includes(change) || wasNeeded;
      return { state: 'done', changed, handle: own && { id: own.id, proven: true } };
    });
  }

  async function write(): Promise<TxtOutcome[]> {
    for (let attempt = 1; ; attempt++) {
      const wanted = changes.filter((change) => seen === undefined || isNeeded(change, seen));
      if (wanted.length === 0) return outcomes([], []);
      const posts = await send(wanted);
      if (posts) return outcomes(wanted, posts);
      if (attempt === MAX_ATTEMPTS) throw disturbed(zone, wanted, MAX_ATTEMPTS);
      await look();
    }
  }

  try {
    if (!changes.every((change) => change.action === 'add' || isProven(change, zone))) await look();
    return await context.writeOnce({
      write,
      async look() {
        mayBeWritten = true;
        await look();
        const found = seen ?? [];
        return changes.some((change) => isNeeded(change, found)) ? undefined : outcomes([], []);
      },
    });
  } catch (error) {
    return failedTogether(changes, error);
  }
}

const isOf = (shown: ShownTxt, { record }: TxtChange): boolean =>
  isSameName(shown.name, record.name, record.zone) && unquoteTxt(shown.value) === record.value;

const isNeeded = (change: TxtChange, records: readonly ShownTxt[]): boolean =>
  records.some((shown) => isOf(shown, change)) === (change.action === 'remove');

const isProven = ({ handle }: TxtChange, zone: Fqdn): boolean =>
  handle?.proven === true && handle.id !== undefined && handle.zone === zone;

/** The ids to delete: those that were read, else the one of the handle. */
function idsOf(change: TxtChange, seen: readonly ShownTxt[] | undefined): string[] {
  if (change.action === 'add') return [];
  if (seen) return seen.filter((shown) => isOf(shown, change)).map(({ id }) => id);
  return change.handle?.id === undefined ? [] : [change.handle.id];
}

/** What all names begin with. */
function commonStart([first = '', ...others]: readonly string[]): string {
  let length = first.length;
  for (const other of others) while (!other.startsWith(first.slice(0, length))) length--;
  return first.slice(0, length);
}
