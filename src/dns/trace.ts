import { channel } from 'node:diagnostics_channel';
import type { Question } from './message.ts';
import type { QueryResult } from './query.ts';

interface About extends Question {
  readonly transport: 'udp' | 'tcp' | 'https';
  readonly server: string;
}

/** One query, as `--verbose` shows it. */
type TracedQuery = About & { readonly result: string; readonly ms: number };

const queries = channel('dns01:query');

/** Sends a query. It costs nothing more where nobody listens. */
export async function traceQuery(about: () => About, ask: () => Promise<QueryResult>): Promise<QueryResult> {
  if (!queries.hasSubscribers) return ask();
  const started = performance.now();
  const result = await ask();
  const traced: TracedQuery = { ...about(), result: textOf(result), ms: Math.round(performance.now() - started) };
  queries.publish(traced);
  return result;
}

/** Every query of this process. Returns how to end that. */
export function onQuery(listener: (query: TracedQuery) => void): () => void {
  const receive = (query: unknown) => listener(query as TracedQuery);
  queries.subscribe(receive);
  return () => queries.unsubscribe(receive);
}

function textOf(result: QueryResult): string {
  if (result.kind !== 'answer') return result.reason;
  const { rcode, answers, truncated } = result.message;
  const count = answers.length === 1 ? '1 record' : `${answers.length} records`;
  return `${rcode}, ${truncated ? 'truncated' : count}`;
}
