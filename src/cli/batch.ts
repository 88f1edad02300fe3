import { createInterface } from 'node:readline';
import { type BatchResult, runBatch } from '../challenge/batch.ts';
import { onceVisible, type VisibleResult } from '../challenge/batch-wait.ts';
import { Dns01Error, isDns01Error } from '../errors.ts';
import type { Io } from '../output/io.ts';
import { hasProgressLine, openProgress } from '../output/progress.ts';
import { withRun } from './open-run.ts';
import type { CommonOptions } from './options.ts';
import { placeDocument } from './output.ts';

export interface BatchOptions extends CommonOptions {
  readonly wait: boolean;
}

/** Seconds. A provider that allows 60 requests a minute needs hours for thousands of names. */
const BATCH_SECONDS = 86_400;

interface Tally {
  lines: number;
  failed: number;
  first: Dns01Error | undefined;
}

/**
 * `dns01 batch`: one JSON line in, one out, in order. The result of an add is printed when its value is visible, after
 * one wait for all; with `--no-wait` as soon as it is published.
 */
export function batch(options: BatchOptions, io: Io): Promise<void> {
  return withRun({ ...options, timeout: options.timeout ?? BATCH_SECONDS }, io, async (run) => {
    const tally: Tally = { lines: 0, failed: 0, first: undefined };
    const progress = await openProgress(io, options);
    const total = hasProgressLine(io, options) ? await linesOnStdin() : undefined;
    // Right before they are read: lines that come earlier are lost.
    const lines = createInterface({ input: process.stdin });
    const count = () => progress.count(tally.lines, total);
    const done = counted(runBatch(lines, run, options.dryRun), tally, count);
    const results = options.wait && !options.dryRun ? onceVisible(done, run, progress.update) : done;
    try {
      for await (const result of results) {
        if (isDns01Error(result.outcome)) {
          tally.failed++;
          tally.first ??= result.outcome;
        }
        io.stdout(`${JSON.stringify(resultDocument(result, options.dryRun))}\n`);
      }
    } finally {
      progress.clear();
      // An input that is still open would keep the process alive.
      lines.close();
    }
    if (tally.first) throw someFailed(tally, tally.first);
  });
}

async function* counted(
  results: AsyncIterable<BatchResult>,
  tally: Tally,
  count: () => void,
): AsyncGenerator<BatchResult> {
  for await (const result of results) {
    tally.lines++;
    count();
    yield result;
  }
}

async function linesOnStdin(): Promise<number | undefined> {
  const { countLines } = await import('./count-lines.ts');
  return countLines(process.stdin.fd);
}

function resultDocument({ line, asked, outcome, waitedMs = 0 }: VisibleResult, dryRun: boolean): object {
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
