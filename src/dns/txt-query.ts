import type { Fqdn } from '../names.ts';
import { answersFor, type DnsMessage, isAnswer } from './message.ts';
import { query } from './query.ts';
import type { NameServer } from './zone-cut.ts';

/** One server's result for the values awaited at one name. */
export type TxtResult =
  | { readonly state: 'shown' }
  /** `lame`: the answer is not that of a server of the zone. */
  | { readonly state: 'missing'; readonly detail: string; readonly lame?: boolean }
  | { readonly state: 'silent'; readonly detail: string }
  | { readonly state: 'unreachable'; readonly detail: string };

export interface TxtQueryOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Whether an answer counts only if the server is authoritative. */
  readonly authoritative: boolean;
}

/** Queries one server for the values, among any others, at the name or at the end of a CNAME that it serves. */
export async function queryTxt(
  server: NameServer,
  { name, values }: { readonly name: Fqdn; readonly values: readonly string[] },
  { timeoutMs, signal, authoritative }: TxtQueryOptions,
): Promise<TxtResult> {
  const result = await query(server, { name, type: 'TXT' }, { recursive: false, timeoutMs, signal });
  if (result.kind !== 'answer') return { state: result.kind, detail: result.reason };
  const { message } = result;
  const lame = authoritative && !message.authoritative;
  // Servers of the zone say SERVFAIL too, while they load it.
  const isResolver = lame && (message.rcode !== 'SERVFAIL' || message.recursive);
  if (!isAnswer(message)) return { state: 'missing', detail: `answers ${message.rcode}`, lame: isResolver };
  if (lame) return { state: 'missing', detail: 'does not serve the zone', lame };
  const found = answersFor(message, { name, type: 'TXT' }).map((record) => record.data);
  const shown = values.filter((value) => found.includes(value));
  if (shown.length === values.length) return { state: 'shown' };
  const others = found.length - shown.length;
  if (shown.length > 0) return { state: 'missing', detail: `has ${shown.length} of the ${values.length} values` };
  return { state: 'missing', detail: whatInstead(message, name, others) };
}

function whatInstead(message: DnsMessage, name: Fqdn, others: number): string {
  if (message.rcode !== 'NOERROR') return `answers ${message.rcode}`;
  const alias = message.answers.find((record) => record.type === 'CNAME' && record.name === name);
  if (alias && others === 0) return `has a CNAME to ${alias.data}`;
  if (others === 0) return 'has no TXT there';
  return `has ${others} other ${others === 1 ? 'value' : 'values'}`;
}
