import { asUnknown, Dns01Error, withContext } from '../../src/errors.ts';
import type { ProviderContext, TxtRecord } from '../../src/provider.ts';
import type { PanelRecord } from './answers.ts';
import type { PanelClient, Place, RefusedChange } from './client.ts';
import { doubled, type ListState, type NameStyle, ownRecords, stateIn, stylesToTry, writtenAs } from './names.ts';

export interface Tools {
  readonly client: PanelClient;
  readonly context: ProviderContext;
  readonly nameStyle: NameStyle | 'auto';
}

/** Milliseconds before each read of the list: some DNS servers show a change a little later. */
const PAUSES_MS = [0, 500, 1000, 2000, 4000];

/** How often a deletion is repeated with a new line, if the listed line is gone. */
const MAX_ATTEMPTS = 3;

/** How many equal records are deleted. There should be one. */
const MAX_COPIES = 20;

/**
 * Publishes a value. The panel's answer is not documented, so the list has to show the value at its name. If the list
 * shows it at a doubled name, that record is removed and the name is sent in the other form, once.
 * @returns whether anything was written
 */
export async function publish(place: Place, record: TxtRecord, tools: Tools): Promise<boolean> {
  const { client, context, nameStyle } = tools;
  const records = await client.records(place);
  const found = stateIn(records, record);
  if (found === 'there') return false;
  // An interrupted run left it.
  if (found === 'doubled') await withdraw(place, record, tools);

  const styles = stylesToTry(records, place.zone, nameStyle);
  let refused: RefusedChange | undefined;
  for (const [index, style] of styles.entries()) {
    const { refusal, seen } = await send(style, place, record, tools);
    if (seen === 'there') return true;
    refused ??= refusal;
    if (refusal && !(nameStyle === 'auto' && isAbout(refusal, 'name'))) break;
    if (refusal) continue;
    context.log.warn(
      `the panel made ${doubled(record.name, place.zone)} of the name in the style ${style}: it is removed again; ` +
        `if the style ${styles[1 - index]} works, set nameStyle: ${styles[1 - index]} in the account`,
    );
    await withdraw(place, record, tools).catch(throwAfterWrite);
  }
  throw refused?.error ?? alwaysDoubled(place, record);
}

/** Whether the panel rejects this field; `data.ttl` is another name of `ttl`. */
const isAbout = ({ fields }: RefusedChange, field: string): boolean =>
  fields.some((name) => name === field || name.endsWith(`.${field}`));

/**
 * One POST, or two if the panel rejects the TTL. A refusal may mean that the value is there already: the statuses are not
 * documented and the texts are translated, so the list decides.
 * @throws E_REMOTE with `outcomeUnknown` when the record was accepted but is not shown
 */
async function send(
  style: NameStyle,
  place: Place,
  record: TxtRecord,
  tools: Tools,
): Promise<{ readonly refusal?: RefusedChange | undefined; readonly seen: ListState }> {
  const { client, context } = tools;
  const name = writtenAs(style, record.name, place.zone);
  const seenIn = (records: readonly PanelRecord[]) => stateIn(records, record, style);
  const look = async () => seenIn(await watch(place, tools, (records) => seenIn(records) !== 'missing'));

  const sent = await context.writeOnce<{ refusal?: RefusedChange; seen: ListState }>({
    async write() {
      let refusal = await client.createTxt(place, name, record.value, record.ttl);
      if (refusal && isAbout(refusal, 'ttl')) {
        context.log.debug('the TTL was refused, sending the record without it', { ttl: record.ttl });
        refusal = await client.createTxt(place, name, record.value);
      }
      return refusal ? { refusal, seen: 'missing' } : { seen: await look().catch(throwAfterWrite) };
    },
    async look() {
      const seen = await look();
      return seen === 'missing' ? undefined : { seen };
    },
  });
  if (sent.refusal) return { ...sent, seen: stateIn(await client.records(place), record) };
  if (sent.seen === 'missing') throw notShown(place, record);
  return sent;
}

/** The list as soon as it meets the condition, else the last one. */
async function watch(
  place: Place,
  { client, context }: Tools,
  isAwaited: (records: readonly PanelRecord[]) => boolean,
): Promise<PanelRecord[]> {
  let records: PanelRecord[] = [];
  for (const pause of PAUSES_MS) {
    if (pause > 0) await context.sleep(pause);
    records = await client.records(place);
    if (isAwaited(records)) break;
  }
  return records;
}

/**
 * Withdraws a value, one record at a time. A line identifies the record, and may identify another one after each change
 * of the zone. So it comes from a fresh list each time, and is never used where another record has the same.
 * @returns whether there was a record to withdraw
 * @throws E_REJECTED when the line is shared, or the panel refuses; E_REMOTE when the list still shows the value
 */
export async function withdraw(place: Place, record: TxtRecord, tools: Tools): Promise<boolean> {
  let records = await tools.client.records(place);
  for (let removed = 0; ; removed++) {
    if (ownRecords(records, record).length === 0) return removed > 0;
    if (removed === MAX_COPIES) throw stillThere(place, record);
    records = await withdrawOne(records, place, record, tools);
  }
}

/** The list after one deletion. */
async function withdrawOne(
  records: PanelRecord[],
  place: Place,
  record: TxtRecord,
  tools: Tools,
): Promise<PanelRecord[]> {
  const { client, context } = tools;
  const count = ownRecords(records, record).length;
  const isDone = (list: readonly PanelRecord[]) => ownRecords(list, record).length < count;
  let fresh = records;
  for (let attempt = 1; ; attempt++) {
    const line = deletableLine(fresh, place, record);
    const { refusal } = await context.writeOnce<{ refusal?: RefusedChange | undefined }>({
      write: async () => ({ refusal: await client.deleteRecord(place, deletableLine(fresh, place, record)) }),
      look: async () => {
        fresh = await watch(place, tools, isDone);
        return isDone(fresh) ? {} : undefined;
      },
    });
    if (!isDone(fresh)) fresh = refusal ? await client.records(place) : await watch(place, tools, isDone);
    if (!refusal) warnOfOthers(records, fresh, record, context);
    if (isDone(fresh)) return fresh;
    // Accepted, but not done yet: a second DELETE might delete the record that moves up to this line.
    if (!refusal) throw stillThere(place, record);
    if (attempt === MAX_ATTEMPTS || deletableLine(fresh, place, record) === line) throw refusal.error;
  }
}

/** The line of a record of ours that no other record has. */
function deletableLine(records: readonly PanelRecord[], { zone }: Place, record: TxtRecord): string {
  const own = ownRecords(records, record);
  const sharers = (line: string) => records.filter((other) => other.line === line && !own.includes(other));
  const lines = own.map(({ line }) => line).filter((line) => line !== undefined);
  const line = lines.find((candidate) => sharers(candidate).length === 0);
  if (line !== undefined) return line;
  const [shared] = lines;
  if (shared === undefined) {
    throw new Dns01Error(
      'E_PROTOCOL',
      `the TXT record at ${record.name} in ${zone} is shown without a line to delete it by`,
      {
        hint: 'delete the record in the panel by hand, then run again with --verbose and report it',
      },
    );
  }
  const others = sharers(shared)
    .map(({ type, name }) => `${type} ${name}`)
    .join(', ');
  throw new Dns01Error(
    'E_REJECTED',
    `the TXT record at ${record.name} is not deleted, because the panel would delete others with it: "${shared}" is the line of ${others} too`,
    {
      hint: 'delete the value in the panel by hand; where this happens each time, give the name a CNAME to a zone at another provider',
    },
  );
}

/** The lines may move between the list and the DELETE, if another program writes at the same time. */
function warnOfOthers(
  before: readonly PanelRecord[],
  after: readonly PanelRecord[],
  record: TxtRecord,
  { log }: ProviderContext,
): void {
  const own = ownRecords(before, record);
  const keyOf = ({ name, type, content }: PanelRecord) => JSON.stringify([name, type, content]);
  const left = new Set(after.map(keyOf));
  const gone = before.filter((other) => !own.includes(other) && !left.has(keyOf(other)));
  if (gone.length === 0) return;
  const named = gone.map(({ name, type, content = '' }) => `${type} ${name} ${content}`).join(', ');
  log.warn(
    `while ${record.name} was withdrawn, other records of ${record.zone} went as well: ${named}; ` +
      'if no other program removed them, add them again: this panel can only delete a record by its line, which may have moved',
  );
}

/** The same failure of a step after a write: the change may have been made. */
function throwAfterWrite(error: unknown): never {
  throw asUnknown(withContext(error, 'after the change was sent'));
}

function notShown({ zone }: Place, { name }: TxtRecord): Dns01Error {
  return new Dns01Error('E_REMOTE', `the panel took the TXT record at ${name}, but does not list it in ${zone}`, {
    outcomeUnknown: true,
    hint: 'the DNS server behind the panel may be slow: check the zone in the panel, and run it again a little later',
  });
}

function alwaysDoubled({ zone }: Place, { name }: TxtRecord): Dns01Error {
  return new Dns01Error(
    'E_REJECTED',
    `the panel makes ${doubled(name, zone)} of ${name}, in every form that it is sent`,
    {
      hint: 'run again with --verbose and report it; until then, give the name a CNAME to a zone at another provider',
    },
  );
}

function stillThere({ zone }: Place, { name }: TxtRecord): Dns01Error {
  return new Dns01Error('E_REMOTE', `the panel took the deletion at ${name}, but still lists the value in ${zone}`, {
    outcomeUnknown: true,
    hint: 'the DNS server behind the panel may be slow: run it again a little later',
  });
}
