import { Dns01Error } from '../../src/errors.ts';
import type { ProviderContext, TxtRecord } from '../../src/provider.ts';
import type { PanelClient, Place } from './client.ts';
import { ownRecords } from './match.ts';
import { type Refusal, refused } from './refusal.ts';
import type { PanelRecord } from './schema.ts';
import { watch } from './watch.ts';

/** How often a record is deleted by another line, when the one that was just listed is not there any more. */
const ATTEMPTS = 3;

/** How many equal records are deleted: there should be one. */
const MOST_COPIES = 20;

interface Tools {
  readonly client: PanelClient;
  readonly context: ProviderContext;
}

/**
 * Withdraw a value, one record at a time. A line says which record is deleted, and may say another one after each
 * change of the zone: it is taken from a fresh list each time, and never where another record has the same.
 * @returns whether there was anything to withdraw
 * @throws E_REJECTED when the line is shared, or the panel refuses; E_REMOTE when the list goes on showing the value
 */
export async function withdraw(place: Place, wanted: TxtRecord, tools: Tools): Promise<boolean> {
  let records = await tools.client.records(place);
  for (let removed = 0; ; removed++) {
    if (ownRecords(records, wanted, place).length === 0) return removed > 0;
    if (removed === MOST_COPIES) throw stillThere(wanted, place);
    records = await withdrawOne(records, place, wanted, tools);
  }
}

/** The list after one record less. */
async function withdrawOne(
  records: PanelRecord[],
  place: Place,
  wanted: TxtRecord,
  tools: Tools,
): Promise<PanelRecord[]> {
  const { client, context } = tools;
  const count = ownRecords(records, wanted, place).length;
  const isDone = (list: readonly PanelRecord[]) => ownRecords(list, wanted, place).length < count;
  let fresh = records;
  for (let attempt = 1; ; attempt++) {
    const line = deletableLine(fresh, wanted, place);
    const { refusal } = await context.writeOnce<{ refusal?: Refusal | undefined }>({
      write: async () => ({ refusal: await client.deleteRecord(place, deletableLine(fresh, wanted, place)) }),
      look: async () => {
        fresh = await watch(place, tools, isDone);
        return isDone(fresh) ? {} : undefined;
      },
    });
    if (!isDone(fresh)) fresh = refusal ? await client.records(place) : await watch(place, tools, isDone);
    if (!refusal) warnOfOthers(records, fresh, { place, wanted, tools });
    if (isDone(fresh)) return fresh;
    // Taken, but not done yet: a second DELETE might strike what has moved up to the same line by then.
    if (!refusal) throw stillThere(wanted, place);
    if (attempt === ATTEMPTS || deletableLine(fresh, wanted, place) === line) throw refused(refusal);
  }
}

/** The line of a record of ours that no other record has. */
function deletableLine(records: readonly PanelRecord[], wanted: TxtRecord, place: Place): string {
  const own = ownRecords(records, wanted, place);
  const sharers = (line: string) => records.filter((record) => record.line === line && !own.includes(record));
  const lines = own.map(({ line }) => line).filter((line) => line !== undefined);
  const line = lines.find((candidate) => sharers(candidate).length === 0);
  if (line !== undefined) return line;
  const [shared] = lines;
  throw shared === undefined ? noLine(wanted, place) : sharedLine(shared, sharers(shared), wanted);
}

/** The lines may have moved between the list and the DELETE, if another program writes at the same time. */
function warnOfOthers(
  before: readonly PanelRecord[],
  after: readonly PanelRecord[],
  { place, wanted, tools }: { place: Place; wanted: TxtRecord; tools: Tools },
): void {
  const own = ownRecords(before, wanted, place);
  const left = new Set(after.map(keyOf));
  const gone = before.filter((record) => !own.includes(record) && !left.has(keyOf(record)));
  if (gone.length === 0) return;
  const named = gone.map(({ name, type, content = '' }) => `${type} ${name} ${content}`).join(', ');
  tools.context.log.warn(
    `while ${wanted.name} was withdrawn, other records of ${place.zone} went as well: ${named}; ` +
      'if nobody else removed them, put them back: in this panel a record can only be deleted by a line that may have moved',
  );
}

const keyOf = ({ name, type, content }: PanelRecord): string => JSON.stringify([name, type, content]);

function sharedLine(line: string, sharers: readonly PanelRecord[], { name }: TxtRecord): Dns01Error {
  const others = sharers.map((record) => `${record.type} ${record.name}`).join(', ');
  return new Dns01Error(
    'E_REJECTED',
    `the TXT record at ${name} is not deleted, for the panel would delete others with it: "${line}" is the line of ${others} too`,
    {
      hint: 'delete the value in the panel by hand; where this happens each time, give the name a CNAME to a zone at another provider',
    },
  );
}

function noLine({ name }: TxtRecord, { zone }: Place): Dns01Error {
  return new Dns01Error('E_PROTOCOL', `the TXT record at ${name} in ${zone} is shown without a line to delete it by`, {
    hint: 'delete the record in the panel by hand, then run again with --verbose and report it',
  });
}

function stillThere({ name }: TxtRecord, { zone }: Place): Dns01Error {
  return new Dns01Error(
    'E_REMOTE',
    `the panel took the deletion at ${name}, but goes on listing the value in ${zone}`,
    {
      outcomeUnknown: true,
      hint: 'the DNS server behind the panel may be slow: run it again a little later',
    },
  );
}
