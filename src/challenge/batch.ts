import * as z from 'zod/mini';
import { asDns01Error, Dns01Error } from '../errors.ts';
import type { Fqdn } from '../names.ts';
import { parseJson } from '../output/text.ts';
import { carryOut, check, type OrderResult } from './order.ts';
import { WHOLE_CONFIG } from './principal.ts';
import type { Run } from './run.ts';
import { findTarget } from './target.ts';

const lineSchema = z.strictObject({ action: z.enum(['add', 'remove']), name: z.string(), value: z.string() });

type BatchLine = z.output<typeof lineSchema>;

export interface BatchResult {
  /** Counted from 1. */
  readonly line: number;
  /** Undefined where the line could not be read. */
  readonly asked: BatchLine | undefined;
  readonly outcome: BatchDone | Dns01Error;
  /** No further line came for a while: whoever writes the lines may be waiting for this one. */
  readonly isLastForNow?: boolean | undefined;
}

export interface BatchDone {
  readonly target: Fqdn;
  readonly account: string;
  readonly provider: string;
  readonly zone: Fqdn | undefined;
  readonly changed: boolean | undefined;
}

/** How many lines are read ahead of the oldest unfinished one. This limits the memory of a batch. */
const MAX_READ_AHEAD = 256;

/** Milliseconds without another line, after which the lines so far are processed. */
const INPUT_PAUSE_MS = 100;

interface ReadLine {
  readonly line: number;
  readonly asked: BatchLine | undefined;
  readonly failure?: Dns01Error;
}

/**
 * Process many lines in as few calls as each provider allows, and yield their results in order. A line that fails does
 * not stop the others. An add and a removal of one value keep their order.
 */
export async function* runBatch(lines: AsyncIterable<string>, run: Run, dryRun: boolean): AsyncGenerator<BatchResult> {
  for await (const { group, isLastForNow } of groupsOf(lines, run.deadline.signal)) {
    const outcomes = new Map<ReadLine, Promise<OrderResult>>();
    const changes = dryRun ? [] : group.filter(({ asked }) => asked !== undefined);
    for (const action of ['add', 'remove'] as const) {
      const own = changes.filter(({ asked }) => asked?.action === action);
      const challenges = own.flatMap(({ asked }) => (asked ? [asked] : []));
      const { each } = carryOut({ action, challenges, principal: WHOLE_CONFIG }, run);
      for (const [index, line] of own.entries()) {
        const outcome = each[index];
        if (outcome) outcomes.set(line, outcome);
      }
    }
    for (const each of group) {
      const { line, asked } = each;
      const outcome = each.failure ?? (await outcomes.get(each)) ?? (await previewOf(asked, run));
      yield { line, asked, outcome, isLastForNow: isLastForNow && each === group.at(-1) };
    }
  }
}

async function previewOf(asked: BatchLine | undefined, run: Run): Promise<BatchDone | Dns01Error> {
  try {
    const { name } = check(asked ?? { name: '', value: '' }, run);
    const target = await findTarget(name, run, { principal: WHOLE_CONFIG });
    const { definition } = await run.account(target.account);
    const { account, zone } = target;
    return { target: target.name, account, provider: definition.type, zone, changed: true };
  } catch (error) {
    return asDns01Error(error);
  }
}

interface Group {
  readonly group: ReadLine[];
  readonly isLastForNow: boolean;
}

/** Lines that are processed together: until the window is full, the input pauses or ends, or a value comes a second time. */
async function* groupsOf(lines: AsyncIterable<string>, stop: AbortSignal): AsyncGenerator<Group> {
  const input = lines[Symbol.asyncIterator]();
  let group: ReadLine[] = [];
  let seen = new Map<string, string>();
  let line = 0;
  // The input may never end: the time limit and the stop signals end the reading.
  const end = () => void input.return?.();
  stop.addEventListener('abort', end, { once: true });
  try {
    for (let next = input.next(); ; ) {
      const step = group.length > 0 ? await withinPause(next) : await next;
      if (step !== 'pause' && (step.done || stop.aborted)) break;
      const read = step === 'pause' ? undefined : readLine(step.value, ++line);
      if (step !== 'pause') next = input.next();
      if (read === 'empty') continue;
      const key = `${read?.asked?.name} ${read?.asked?.value}`;
      if (
        !read ||
        group.length === MAX_READ_AHEAD ||
        (read.asked && (seen.get(key) ?? read.asked.action) !== read.asked.action)
      ) {
        yield { group, isLastForNow: !read };
        [group, seen] = [[], new Map()];
      }
      if (!read) continue;
      group.push(read);
      if (read.asked) seen.set(key, read.asked.action);
    }
    if (group.length > 0) yield { group, isLastForNow: false };
  } finally {
    stop.removeEventListener('abort', end);
  }
  if (!stop.aborted) return;
  throw new Dns01Error('E_REMOTE', `stopped after line ${line}, before the end of the input`, {
    hint: 'run it again with the lines that have no result, or give more time with --timeout SECONDS',
  });
}

/** The next line, or `pause` when none comes for a while. */
async function withinPause<Step>(next: Promise<Step>): Promise<Step | 'pause'> {
  let timer: NodeJS.Timeout | undefined;
  const pause = new Promise<'pause'>((resolve) => {
    timer = setTimeout(() => resolve('pause'), INPUT_PAUSE_MS);
  });
  return Promise.race([next, pause]).finally(() => clearTimeout(timer));
}

function readLine(text: string, line: number): ReadLine | 'empty' {
  if (text.trim() === '') return 'empty';
  const parsed = z.safeParse(lineSchema, parseJson(text));
  if (parsed.success) return { line, asked: parsed.data };
  const failure = new Dns01Error('E_USAGE', 'not a line of a batch', {
    hint: 'a line is {"action":"add","name":"_acme-challenge.example.com","value":"…"}, or with "remove"',
  });
  return { line, asked: undefined, failure };
}
