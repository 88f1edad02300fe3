import { carryOut } from '../challenge/order.ts';
import { valuesAt, valuesIfKnown } from '../challenge/preview.ts';
import { WHOLE_CONFIG } from '../challenge/principal.ts';
import type { Run } from '../challenge/run.ts';
import { findTarget } from '../challenge/target.ts';
import { isDns01Error } from '../errors.ts';
import type { Io } from '../output/io.ts';
import { oneColumn } from '../output/text.ts';
import { entriesIn } from '../state/journal.ts';
import { placeOf, publish } from './one-value.ts';
import { withRun } from './open-run.ts';
import { placeDocument, printResult, whereAndWho } from './output.ts';
import type { PersistFlags } from './persist-commands.ts';
import { emitterOf } from './persist-print.ts';
import { isOf, type PersistSubject, persistSubject, valueFor } from './persist-subject.ts';

/**
 * `dns01 persist add`: publishes a record and waits for it, then removes the older ones for the same CA and account that
 * this machine published.
 */
export async function persistAdd(domain: string, flags: PersistFlags, io: Io): Promise<void> {
  const emit = emitterOf(flags);
  const subject = await persistSubject(domain, flags, io);
  const value = valueFor(subject, flags);
  if (emit) return io.stdout(`${emit(subject, value)}\n`);
  const { name } = subject;
  await withRun(flags, io, async (run) => {
    const older = (await ownRecords(subject, run)).filter((other) => other !== value);
    if (flags.dryRun) {
      const place = await placeOf({ name, value }, run, flags);
      const what = place.present ? 'is there already' : 'would be published';
      const replaced = older.length > 0 ? `, and would replace ${shown(older)}` : '';
      const document = {
        action: 'add',
        ...placeDocument(place),
        changed: !place.present,
        replaced: older,
        dryRun: true,
      };
      return printResult(io, flags, `${name}: ${what}${whereAndWho(place)}${replaced}`, document);
    }
    const options = { ...flags, wait: flags.wait !== false };
    const { published, seen, waitedMs } = await publish({ name, value }, run, options, io);
    await withdraw(subject, older, run);
    await warnOfOthers(subject, value, run, flags);
    const { changed } = published;
    const what = changed === false ? 'was there already' : 'published';
    const replaced = older.length > 0 ? `, replaced ${shown(older)}` : '';
    const document = {
      action: 'add',
      ...placeDocument(published),
      changed,
      replaced: older,
      waitedMs,
    };
    printResult(io, flags, `${name}: ${what}${whereAndWho(published)}${seen}${replaced}`, document);
  });
}

/** Where the journal has them, whatever account the new record goes to. */
async function withdraw({ name }: PersistSubject, values: readonly string[], run: Run): Promise<void> {
  const challenges = values.map((value) => ({ name, value }));
  await carryOut({ action: 'remove', challenges, principal: WHOLE_CONFIG }, run).all;
}

const shown = (values: readonly string[]): string =>
  values.length === 1 ? 'one older record' : `${values.length} older records`;

/** The records of this CA and account that the journal has: those that this machine published. */
export async function ownRecords(subject: PersistSubject, run: Run): Promise<string[]> {
  try {
    const entries = await entriesIn(run.state.journal, { name: subject.name });
    return entries.map(({ value }) => value).filter((value) => isOf(value, subject));
  } catch (error) {
    if (!isDns01Error(error)) throw error;
    run.log.warn(`records that were published earlier are not known here: ${error.message}`);
    return [];
  }
}

/** The values that the provider holds; none where it cannot list. */
export async function heldRecords(subject: PersistSubject, run: Run, flags: PersistFlags): Promise<string[]> {
  const target = await findTarget(subject.name, run, { principal: WHOLE_CONFIG, overrides: flags });
  const account = await run.account(target.account);
  const listed = await valuesIfKnown(() => valuesAt(target, account));
  return listed?.values ?? [];
}

/** A record of somebody else may allow more than the new one, and one good record is enough for a CA. */
async function warnOfOthers(subject: PersistSubject, value: string, run: Run, flags: PersistFlags): Promise<void> {
  const held = await heldRecords(subject, run, flags).catch(() => []);
  for (const other of held.filter((each) => each !== value && isOf(each, subject))) {
    run.log.warn(
      `${subject.name}: a record for the same account that was not published here stays: ${oneColumn(other)}`,
    );
  }
}
