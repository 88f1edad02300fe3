import { carryOut } from '../challenge/order.ts';
import { WHOLE_CONFIG } from '../challenge/principal.ts';
import type { Io } from '../output/io.ts';
import { oneColumn } from '../output/text.ts';
import { withRun } from './open-run.ts';
import { printResult } from './output.ts';
import { heldRecords, ownRecords } from './persist-add.ts';
import type { PersistFlags } from './persist-commands.ts';
import { isOf, persistSubject } from './persist-subject.ts';

/** `dns01 persist remove`: withdraws every record of this CA and account; none is a success. */
export async function persistRemove(domain: string, flags: PersistFlags, io: Io): Promise<void> {
  const subject = await persistSubject(domain, flags, io);
  const { name } = subject;
  await withRun(flags, io, async (run) => {
    const held = (await heldRecords(subject, run, flags)).filter((value) => isOf(value, subject));
    const values = [...new Set([...held, ...(await ownRecords(subject, run))])];
    const challenges = values.map((value) => ({ name, value }));
    const order = { action: 'remove', challenges, principal: WHOLE_CONFIG, overrides: flags } as const;
    if (!flags.dryRun) await carryOut(order, run).all;
    const what = flags.dryRun ? 'would be withdrawn' : 'withdrawn';
    const line =
      values.length === 0
        ? `${name}: no record of this CA and account`
        : values.map((value) => `${name}: ${what}: ${oneColumn(value)}`).join('\n');
    const document = { action: 'remove', name, removed: values, changed: values.length > 0 };
    printResult(io, flags, line, flags.dryRun ? { ...document, dryRun: true } : document);
  });
}
