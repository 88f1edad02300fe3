import { randomInt } from 'node:crypto';
import {
  CLASS,
  decodeMessage,
  encodeMessage,
  FLAG,
  type Message,
  OPCODE,
  rcodeName,
  TYPE,
  type WireRecord,
} from '../../src/dns/wire.ts';
import { sign, type TsigKey, verify } from '../../src/dns/wire-tsig.ts';
import { isDns01Error } from '../../src/errors.ts';
import type { Fqdn, ProviderLog } from '../../src/provider.ts';
import { type Connection, openConnection } from './connection.ts';
import { badSignature, refused, signatureRefused, unreadable } from './refusal.ts';

export interface ServerAccess {
  readonly host: string;
  readonly port: number;
  readonly key: TsigKey;
  /** Milliseconds for one message and its answer. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Milliseconds since 1970, for the time in signatures. */
  now(): number;
  readonly log: Pick<ProviderLog, 'debug'>;
}

export interface Update {
  readonly zone: Fqdn;
  readonly prerequisites: readonly WireRecord[];
  readonly changes: readonly WireRecord[];
  /** REFUSED is also a result: the server's policy may refuse one of many names, and with it the whole message. */
  readonly ofManyNames?: boolean;
}

/** A query, or an update of a zone (RFC 2136 section 2), which has the same form. */
interface Request {
  readonly opcode: number;
  /** The question, or the zone with type SOA. */
  readonly question: { readonly name: Fqdn; readonly type: number };
  readonly prerequisites?: readonly WireRecord[];
  readonly changes?: readonly WireRecord[];
}

/** One conversation with the server over one connection. All messages are signed, so that views by key apply to all of them. */
export interface UpdateClient {
  /** The answer, even a refusal. @throws E_REMOTE, E_AUTH for a refused signature, E_PROTOCOL */
  ask(name: Fqdn, type: number): Promise<Message>;
  /** The answer of a server that has the name or knows that it does not exist. @throws as `ask`; E_AUTH, E_ZONE, E_REJECTED */
  query(name: Fqdn, type: number): Promise<Message>;
  /**
   * All of the changes, or none if a prerequisite fails (RFC 2136 section 3.2).
   * @throws as `query`, with `outcomeUnknown` where they may have been made
   */
  update(update: Update): Promise<'done' | 'prerequisite failed' | 'refused'>;
  close(): void;
}

const RCODE = { NOERROR: 0, NXDOMAIN: 3, REFUSED: 5, YXRRSET: 7, NXRRSET: 8 } as const;

export function openUpdateClient(access: ServerAccess): UpdateClient {
  const { host, port, key, timeoutMs, signal, now, log } = access;
  const connection: Connection = openConnection({ server: { host, port }, timeoutMs, signal });
  const where = `${host} port ${port}`;

  async function exchange(request: Request): Promise<Message> {
    const started = performance.now();
    const report = (result: string) => {
      const changes = request.changes ? { changes: request.changes.length } : {};
      log.debug('update', {
        server: where,
        call: callOf(request),
        result,
        ...changes,
        ms: Math.round(performance.now() - started),
      });
    };
    try {
      const answer = await exchangeOnce(request);
      report(rcodeName(answer.rcode));
      return answer;
    } catch (error) {
      report(isDns01Error(error) ? `failed: ${error.message}` : String(error));
      throw error;
    }
  }

  async function exchangeOnce(request: Request): Promise<Message> {
    const call = callOf(request);
    const seconds = () => Math.floor(now() / 1000);
    const id = randomInt(0x1_0000);
    const { bytes, mac } = sign(encodeRequest(request, id), key, seconds());
    const received = await connection.exchange(bytes);
    try {
      const answer = decodeMessage(received);
      if (answer.id !== id || (answer.flags & FLAG.RESPONSE) === 0 || answer.opcode !== request.opcode)
        throw unreadable(call, where);
      const verdict = verify(received, key, mac, seconds());
      if (verdict.kind === 'refused') throw signatureRefused(call, where, verdict, key, now());
      // A refusal is accepted without a signature: many servers do not sign refusals, and it changes nothing.
      if (verdict.kind === 'unsigned' && answer.rcode !== RCODE.NOERROR) return answer;
      if (verdict.kind === 'unsigned') throw badSignature(call, where, 'it is not signed');
      if (verdict.kind === 'bad') throw badSignature(call, where, verdict.why);
      return answer;
    } catch (error) {
      connection.close();
      if (error instanceof RangeError) throw unreadable(call, where);
      throw error;
    }
  }

  /** A message that changes nothing is sent again after a broken connection: a server may close an idle one at any time. */
  async function read(request: Request): Promise<Message> {
    try {
      return await exchange(request);
    } catch (error) {
      if (!isDns01Error(error) || error.code !== 'E_REMOTE' || !error.outcomeUnknown) throw error;
      return exchange(request);
    }
  }

  return {
    ask: (name, type) => read({ opcode: OPCODE.QUERY, question: { name, type } }),
    async query(name, type) {
      const request = { opcode: OPCODE.QUERY, question: { name, type } };
      const answer = await read(request);
      if (answer.rcode === RCODE.NOERROR || answer.rcode === RCODE.NXDOMAIN) return answer;
      throw refused(callOf(request), where, answer.rcode, { name, key });
    },
    async update({ zone, prerequisites, changes, ofManyNames = false }) {
      const question = { name: zone, type: TYPE.SOA };
      const request = { opcode: OPCODE.UPDATE, question, prerequisites, changes };
      const { rcode } = await exchange(request);
      if (rcode === RCODE.NOERROR) return 'done';
      if (rcode === RCODE.YXRRSET || rcode === RCODE.NXRRSET) return 'prerequisite failed';
      if (rcode === RCODE.REFUSED && ofManyNames) return 'refused';
      throw refused(callOf(request), where, rcode, { name: changes[0]?.name ?? zone, zone, key });
    },
    close: () => connection.close(),
  };
}

function encodeRequest({ opcode, question, prerequisites = [], changes = [] }: Request, id: number): Buffer {
  return encodeMessage({
    id,
    flags: opcode << 11,
    questions: [question],
    answers: prerequisites,
    authorities: changes,
  });
}

/** The call's name in errors. */
function callOf({ opcode, question: { name, type } }: Request): string {
  if (opcode === OPCODE.UPDATE) return `UPDATE ${name}`;
  const [shown] = Object.entries(TYPE).find(([, number]) => number === type) ?? [type];
  return `query ${name} ${shown}`;
}

/** The prerequisite that there is no record of this type at the name (RFC 2136 section 2.4.3). */
export function noneOf(name: Fqdn, type: number): WireRecord {
  return { name, type, class: CLASS.NONE, ttl: 0, data: Buffer.alloc(0) };
}

/** The prerequisite that this record is there and no other of its type (RFC 2136 section 2.4.2). */
export function exactly(name: Fqdn, type: number, data: Buffer): WireRecord {
  return { name, type, class: CLASS.IN, ttl: 0, data };
}

/** Adds one record to those that are there (RFC 2136 section 2.5.1). */
export function addition(name: Fqdn, type: number, ttl: number, data: Buffer): WireRecord {
  return { name, type, class: CLASS.IN, ttl, data };
}

/** Deletes exactly this record (RFC 2136 section 2.5.4). */
export function deletion(name: Fqdn, type: number, data: Buffer): WireRecord {
  return { name, type, class: CLASS.NONE, ttl: 0, data };
}
