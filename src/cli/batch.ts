import { createInterface } from 'node:readline';
import { type BatchDone, type BatchResult, runBatch } from '../challenge/batch.ts';
import type { Run } from '../challenge/run.ts';
import { waitForMost } from '../challenge/wait.ts';
import { Dns01Error, isDns01Error } from '../errors.ts';
import type { Io } from './io.ts';
import { withRun } from './open-run.ts';
import type { CommonOptions } from './options.ts';
import { placeDocument } from './output.ts';
import { progressLine } from './progress.ts';

export interface BatchOptions extends CommonOptions {
  readonly wait: boolean;
}

/** Seconds. A provider that allows 60 requests a minute needs hours for thousands of names. */
const BATCH_TIME = 86_400;

interface Tally {
  lines: number;
  failed: number;
  first: Dns01Error | undefined;
}

/**
 * `dns01 batch`: one JSON line in, one out, in order. Results of adds are printed when their values can be seen, after
 * one wait for all; with `--no-wait` as soon as they are published.
 */
export function batch(options: BatchOptions, io: Io): Promise<void> {
  return withRun({ ...options, timeout: options.timeout ?? BATCH_TIME }, io, async (run) => {
    const tally: Tally = { lines: 0, failed: 0, first: undefined };
    const print = (result: BatchResult, waitedMs = 0) => {
      if (isDns01Error(result.outcome)) {
        tally.failed++;
        tally.first ??= result.outcome;
      }
      io.stdout(`${JSON.stringify(resultDocument(result, waitedMs, options.dryRun))}\n`);
    };
    const held: BatchResult[] = [];
    const progress = progressLine(io, options);
    for await (const result of runBatch(createInterface({ input: process.stdin }), run, options.dryRun)) {
      tally.lines++;
      progress.say(`${tally.lines} lines done`);
      // From the first add on the order has to wait for it.
      if (options.wait && !options.dryRun && (held.length > 0 || isPublished(result))) held.push(result);
      else print(result);
    }
    progress.clear();
    await printHeld(held, run, io, options, print);
    if (tally.first) throw someFailed(tally, tally.first);
  });
}

const isPublished = ({ asked, outcome }: BatchResult): boolean => asked?.action === 'add' && !isDns01Error(outcome);

async function printHeld(
  held: readonly BatchResult[],
  run: Run,
  io: Io,
  options: BatchOptions,
  print: (result: BatchResult, waitedMs?: number) => void,
): Promise<void> {
  const published = held.filter(isPublished);
  const values = published.map(({ asked, outcome }) => ({
    name: (outcome as BatchDone).target,
    value: asked?.value ?? '',
  }));
  const progress = progressLine(io, options);
  const { late, waitedMs } = await waitForMost(values, run, progress.update).finally(progress.clear);
  for (const result of held) {
    const isLate = isPublished(result) && late?.names.has((result.outcome as BatchDone).target);
    if (isLate && late) print({ ...result, outcome: late.error });
    else print(result, isPublished(result) ? waitedMs : 0);
  }
}

function resultDocument({ line, asked, outcome }: BatchResult, waitedMs: number, dryRun: boolean): object {
  if (isDns01Error(outcome)) {
    const { code, message, hint } = outcome;
    return { ok: false, line, ...asked, error: { code, message, ...(hint ? { hint } : {}) } };
  }
  const { name = '', value = '', action } = asked ?? {};
  const place = placeDocument({ name, value, ...outcome });
  return { ok: true, action, ...place, changed: outcome.changed, ...(dryRun ? { dryRun } : { waitedMs }) };
}

function someFailed({ lines, failed }: Tally, first: Dns01Error): Dns01Error {
  return new Dns01Error(first.code, `${failed} of ${lines} lines failed; the first: ${first.message}`, {
    hint: first.hint,
    cause: first,
  });
}
