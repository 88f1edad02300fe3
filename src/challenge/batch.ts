import pLimit, { type LimitFunction } from 'p-limit';
import * as z from 'zod/mini';
import { asDns01Error, Dns01Error } from '../errors.ts';
import type { Fqdn } from '../names.ts';
import { guard } from './challenge.ts';
import { findTarget } from './delegation.ts';
import { publish } from './publish.ts';
import type { Run } from './run.ts';
import { findWayBack, withdraw } from './withdraw.ts';

const lineSchema = z.strictObject({ action: z.enum(['add', 'remove']), name: z.string(), value: z.string() });

type BatchLine = z.output<typeof lineSchema>;

/** What became of one line. */
export interface BatchResult {
  /** Counted from 1. */
  readonly line: number;
  /** Undefined where the line could not be read. */
  readonly asked: BatchLine | undefined;
  readonly outcome: BatchDone | Dns01Error;
}

export interface BatchDone {
  readonly target: Fqdn;
  readonly account: string;
  readonly provider: string;
  readonly zone: string | undefined;
  readonly changed: boolean;
}

/** Lines that are read ahead of the oldest one that is not done: what bounds the memory of a batch. */
const WINDOW = 256;

/** Lines whose accounts are being looked for at once. */
const ROUTED_AT_ONCE = 32;

/**
 * Do many lines, as much at once as each provider allows, and give their results in the order of the lines. A line that
 * fails does not stop the others.
 */
export async function* runBatch(lines: AsyncIterable<string>, run: Run, dryRun: boolean): AsyncGenerator<BatchResult> {
  const limits = new Map<string, LimitFunction>();
  const routing = pLimit(ROUTED_AT_ONCE);
  const underWay: Promise<BatchResult>[] = [];
  let line = 0;
  for await (const text of lines) {
    line++;
    if (text.trim() === '') continue;
    underWay.push(doLine(text, line, { run, dryRun, limits, routing }));
    const oldest = underWay.length === WINDOW ? underWay.shift() : undefined;
    if (oldest) yield await oldest;
  }
  for (const result of underWay) yield await result;
}

interface BatchContext {
  readonly run: Run;
  readonly dryRun: boolean;
  /** By account: its provider says how much it takes at once. */
  readonly limits: Map<string, LimitFunction>;
  readonly routing: LimitFunction;
}

async function doLine(text: string, line: number, context: BatchContext): Promise<BatchResult> {
  let asked: BatchLine | undefined;
  try {
    asked = parseLine(text);
    return { line, asked, outcome: await doTask(asked, context) };
  } catch (error) {
    return { line, asked, outcome: asDns01Error(error) };
  }
}

async function doTask(asked: BatchLine, { run, dryRun, limits, routing }: BatchContext): Promise<BatchDone> {
  const challenge = guard(asked, run.config, run.log.warn);
  const way = asked.action === 'remove' ? await routing(() => findWayBack(challenge, run)) : undefined;
  const target = way?.target ?? (await routing(() => findTarget(challenge.name, run)));
  const { definition } = await run.account(target.account);
  const limit = limits.get(target.account) ?? pLimit(definition.concurrency ?? 1);
  limits.set(target.account, limit);
  return limit(async () => {
    const place = { target: target.name, account: target.account, provider: definition.type, zone: target.zone };
    if (dryRun) return { ...place, changed: true };
    if (way) return withdraw(challenge, run, {}, undefined, way);
    const { handle, ...published } = await publish(challenge, run, {}, target);
    return { ...published, zone: handle.zone };
  });
}

function parseLine(text: string): BatchLine {
  const parsed = z.safeParse(lineSchema, parseJson(text));
  if (parsed.success) return parsed.data;
  throw new Dns01Error('E_USAGE', 'not a line of a batch', {
    hint: 'a line is {"action":"add","name":"_acme-challenge.example.com","value":"…"}, or with "remove"',
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
