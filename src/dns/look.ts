import type { Fqdn } from '../names.ts';
import { ask } from './ask.ts';
import type { NameServer } from './authority.ts';
import type { DnsMessage } from './message.ts';

/** What one server says of the values awaited at one name. */
export type Sight =
  | { readonly state: 'shown' }
  | { readonly state: 'missing'; readonly detail: string }
  | { readonly state: 'silent'; readonly detail: string }
  | { readonly state: 'unreachable'; readonly detail: string };

export interface LookOptions {
  /** Milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  /** Whether a server must speak for the zone for its word to count. */
  readonly authoritative: boolean;
}

/** Ask one server whether it shows the values, among however many others, at the name or where a CNAME of its leads. */
export async function look(
  server: NameServer,
  { name, values }: { readonly name: Fqdn; readonly values: readonly string[] },
  { timeout, signal, authoritative }: LookOptions,
): Promise<Sight> {
  const reply = await ask(server, { name, type: 'TXT' }, { recursive: false, timeout, signal });
  if (reply.kind !== 'answer') return { state: reply.kind, detail: reply.reason };
  const { message } = reply;
  if (!IS_ANSWER.has(message.rcode)) return { state: 'missing', detail: `answers ${message.rcode}` };
  if (authoritative && !message.authoritative) return { state: 'missing', detail: 'does not serve the zone' };
  const found = message.answers.filter((record) => record.type === 'TXT').map((record) => record.data);
  const shown = values.filter((value) => found.includes(value));
  if (shown.length === values.length) return { state: 'shown' };
  const others = found.length - shown.length;
  if (shown.length > 0) return { state: 'missing', detail: `has ${shown.length} of the ${values.length} values` };
  return { state: 'missing', detail: whatInstead(message, others) };
}

const IS_ANSWER = new Set(['NOERROR', 'NXDOMAIN']);

function whatInstead(message: DnsMessage, others: number): string {
  if (message.rcode !== 'NOERROR') return `answers ${message.rcode}`;
  const alias = message.answers.find(({ type }) => type === 'CNAME');
  if (alias && others === 0) return `has a CNAME to ${alias.data}`;
  if (others === 0) return 'has no TXT there';
  return `has ${others} other ${others === 1 ? 'value' : 'values'}`;
}
