import { CLASS, decodeMessage, FLAG, type Message, OPCODE, rcodeName, TYPE } from '../../dns/wire.ts';
import { type RequestVerdict, signAnswer, TSIG_ERROR, type TsigKey, verifyRequest } from '../../dns/wire-tsig.ts';
import type { Log } from '../../output/log.ts';
import { NO_STATE } from '../answer.ts';
import { failureLine } from '../audit.ts';
import { addressKey } from '../connections.ts';
import { createGate } from '../gate.ts';
import type { GatewayUser } from '../users.ts';
import type { Client } from './core.ts';
import { createReplays } from './replays.ts';
import { encodeReply, malformed, notNow, RCODE, REASON, type Reply, refused } from './reply.ts';
import { createUserRequests, type UserRequestSettings } from './user-requests.ts';
import { answerSoa } from './zones.ts';

export interface UpdateFrontSettings extends UserRequestSettings {
  readonly log: Log;
  /** @param name of the key, in lower case */
  keyOf(name: string): Promise<UserKey | undefined>;
  /** Called before the signature of a request is checked. */
  refresh(): void;
}

export interface UserKey {
  readonly user: GatewayUser;
  readonly key: TsigKey;
}

/** A message, and where it comes from. */
export interface Received {
  readonly bytes: Buffer;
  readonly ip: string;
  /** The largest answer that fits. */
  limit(request: Message): number;
}

/**
 * In a minute from one address: requests without the signature of a user, which lego sends too, and lines in the log about
 * wrong ones. Beyond that there is no answer, because an address may be forged.
 */
const MAX_FROM_STRANGERS = 3000;
const MAX_LINES_ABOUT_STRANGERS = 10;

/** In characters. The log shows no more of a name that a client sends. */
const MAX_SHOWN_NAME = 100;

/**
 * RFC 2136 for users with a TSIG key (RFC 8945).
 * @returns the answer; undefined for bytes that get none
 */
export function createUpdateFront(settings: UpdateFrontSettings): (received: Received) => Promise<Buffer | undefined> {
  const { config, log, work } = settings;
  const answerUser = createUserRequests(settings);
  const strangers = createGate(MAX_FROM_STRANGERS);
  const lines = createGate(MAX_LINES_ABOUT_STRANGERS);
  const replays = createReplays();

  return async (received) => {
    const request = decoded(received.bytes);
    if (!request || (request.flags & FLAG.RESPONSE) !== 0) return undefined;
    const { verdict, user } = await signer(received, request).catch(unread);
    if (verdict.kind === 'good' && user) return respond(request, verdict, user, received);
    const address = addressKey(received.ip);
    if (strangers.wait(address) > 0) return undefined;
    strangers.count(address);
    if (verdict.kind === 'bad') return refuseKey(request, verdict, address);
    if (verdict.kind === 'unread') {
      logLine(address, () => log.warn(failureLine('-', 'keys', verdict.error)));
      return encodeReply(request, STATELESS);
    }
    return encodeReply(request, verdict.kind === 'malformed' ? malformed('the signature') : answerStranger(request));
  };

  async function signer(
    { bytes, ip }: Received,
    request: Message,
  ): Promise<{ verdict: RequestVerdict; user?: GatewayUser | undefined }> {
    const signature = request.additionals.at(-1);
    if (signature?.type === TYPE.TSIG) settings.refresh();
    const known = signature?.type === TYPE.TSIG ? await settings.keyOf(signature.name) : undefined;
    // From elsewhere, the right key is an unknown one.
    const key = known?.user.mayComeFrom(ip) ? known.key : undefined;
    try {
      return { verdict: verifyRequest(bytes, request, key, now()), user: known?.user };
    } catch (error) {
      if (error instanceof RangeError) return { verdict: { kind: 'malformed' } };
      throw error;
    }
  }

  /** The same message again gets the same answer and changes nothing more. */
  function respond(
    request: Message,
    verdict: Extract<RequestVerdict, { kind: 'good' }>,
    user: GatewayUser,
    { ip, limit }: Received,
  ): Promise<Buffer> {
    const signed = { id: request.id, by: verdict.by };
    const before = replays.find(signed);
    if (before) return before;
    const bytes = answered(request, { user, ip }).then((reply) => {
      const whole = signAnswer(encodeReply(request, reply), verdict, now());
      const fits = whole.length <= limit(request);
      // A flood of one user must not push out what has to be remembered, and a client may ask again over TCP.
      if (reply === LIMITED || reply === STATELESS || !fits) replays.forget(signed);
      return fits ? whole : signAnswer(encodeReply(request, reply, true), verdict, now());
    });
    if (!isFree(request)) replays.keep(signed, bytes);
    return bytes;
  }

  async function answered(request: Message, client: Client): Promise<Reply> {
    const started = performance.now();
    const blocked = isFree(request) ? undefined : await obstacle(client.user);
    const reply = blocked ?? oddity(request) ?? (await answerUser(request, client));
    const ms = Math.round(performance.now() - started);
    if (isFree(request) && reply.rcode === RCODE.NOERROR) return reply;
    const reason = reply.reason ? `, ${reply.reason.text}` : '';
    log.info(`serve: ${client.user.name} ${whatOf(request)} ${rcodeName(reply.rcode)} ${ms} ms${reason}`);
    return reply;
  }

  function logLine(address: string, write: () => void): void {
    if (lines.wait(address) > 0) return;
    lines.count(address);
    write();
  }

  /** What keeps this request of a user from being carried out. */
  async function obstacle(user: GatewayUser): Promise<Reply | undefined> {
    try {
      return (await work.admit(user)) > 0 ? LIMITED : undefined;
    } catch (error) {
      log.warn(failureLine(user.name, 'update', error));
      return STATELESS;
    }
  }

  function refuseKey(request: Message, verdict: Extract<RequestVerdict, { kind: 'bad' }>, address: string): Buffer {
    logLine(address, () => {
      const key = verdict.by.keyName.slice(0, MAX_SHOWN_NAME);
      log.info(`serve: ${address} ${whatOf(request)} NOTAUTH, ${ERROR_NAMES.get(verdict.error)} for the key ${key}`);
    });
    return signAnswer(encodeReply(request, { rcode: RCODE.NOTAUTH }), verdict, now());
  }

  /** Some clients ask for the zone without a signature. */
  function answerStranger(request: Message): Reply {
    const odd = oddity(request);
    if (odd) return odd;
    const [question] = request.questions;
    return question && isFree(request) ? answerSoa(question, config()) : refused('not signed with the key of a user');
  }
}

const LIMITED = notNow('too many requests');
const STATELESS = notNow(NO_STATE);

/** The state has not said whose key it is. */
const unread = (error: unknown) => ({ verdict: { kind: 'unread', error } as const, user: undefined });

const ERROR_NAMES = new Map<number, string>(Object.entries(TSIG_ERROR).map(([name, number]) => [number, name]));

const now = (): number => Math.floor(Date.now() / 1000);

/** Questions for the zone cost nothing, and clients ask several for each name. */
const isFree = ({ opcode, questions }: Message): boolean => opcode === OPCODE.QUERY && questions[0]?.type === TYPE.SOA;

function decoded(bytes: Buffer): Message | undefined {
  try {
    return decodeMessage(bytes);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** What is wrong with a request of any kind. */
function oddity({ opcode, questions, additionals }: Message): Reply | undefined {
  const version = ((additionals.find(({ type }) => type === TYPE.OPT)?.ttl ?? 0) >> 16) & 0xff;
  if (version > 0) return { rcode: RCODE.BADVERS };
  if (opcode !== OPCODE.QUERY && opcode !== OPCODE.UPDATE) {
    return { rcode: RCODE.NOTIMP, reason: { code: REASON.NOT_SUPPORTED, text: 'only queries and updates' } };
  }
  if (questions.length !== 1) return malformed('expected one question');
  return opcode === OPCODE.QUERY && questions[0]?.class !== CLASS.IN ? refused('only class IN') : undefined;
}

/** For the log. A name that is no domain name is escaped. */
function whatOf({ opcode, questions, authorities }: Message): string {
  const [name = ''] = [...authorities, ...questions].map((record) => record.name);
  return `${opcode === OPCODE.UPDATE ? 'update' : 'query'} ${name.slice(0, MAX_SHOWN_NAME) || '.'}`;
}
