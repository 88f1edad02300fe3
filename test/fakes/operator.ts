import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createSecureServer } from 'node:http2';
import type { AddressInfo, Server, Socket } from 'node:net';
import * as dnsPacket from 'dns-packet';

/** What a resolver answers to one question. */
export interface OperatorAnswer {
  readonly rcode?: 'NOERROR' | 'SERVFAIL' | 'NXDOMAIN' | 'REFUSED';
  /** It has validated the answer (AD). */
  readonly secure?: boolean;
  /** It is a server of the zone (AA). */
  readonly authoritative?: boolean;
  readonly answers?: readonly dnsPacket.Answer[];
  readonly authorities?: readonly dnsPacket.Answer[];
  /** Extended errors (RFC 8914). */
  readonly errors?: readonly { readonly code: number; readonly text?: string }[];
}

export interface OperatorQuestion {
  readonly name: string;
  readonly type: string;
  /** CD: answer without a check. */
  readonly unchecked: boolean;
  /** DO: with signatures. */
  readonly dnssec: boolean;
  readonly transport: 'udp' | 'https';
}

export type Answering = (question: OperatorQuestion) => OperatorAnswer | Promise<OperatorAnswer>;

export interface FakeOperator {
  /** Of the DoH endpoint. */
  readonly url: string;
  /** Of UDP, in the form of a config file. */
  readonly at: string;
  readonly questions: OperatorQuestion[];
  answer: Answering;
  close(): Promise<void>;
}

export interface OperatorSettings {
  readonly answer: Answering;
  /** `http` (default, HTTP/1.1), or `h2`: TLS with HTTP/2 alone, as Unbound has it. */
  readonly scheme?: 'http' | 'h2';
  /** Answers HTTP requests instead. */
  readonly respond?: RequestListener;
}

const RCODES = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;
const [AUTHENTICATED, RECURSION_AVAILABLE] = [0x20, 0x80];
const fixture = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url));

/** A validating resolver on loopback, over UDP and over HTTPS (RFC 8484) with real messages. */
export async function startOperator(settings: OperatorSettings): Promise<FakeOperator> {
  const { scheme = 'http' } = settings;
  const questions: OperatorQuestion[] = [];
  let closed: Promise<unknown> | undefined;
  const reply = async (bytes: Buffer, transport: OperatorQuestion['transport']): Promise<Buffer> => {
    const query = dnsPacket.decode(bytes);
    const [{ name = '', type = 'A' } = {}] = query.questions ?? [];
    const dnssec = (query.additionals ?? []).some((record) => record.type === 'OPT' && record.flag_do);
    const question = { name: name === '.' ? '' : name, type, unchecked: query.flag_cd, dnssec, transport };
    questions.push(question);
    return encode(query, await operator.answer(question));
  };
  const respond: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      response.setHeader('content-type', 'application/dns-message');
      response.end(await reply(Buffer.concat(chunks), 'https'));
    });
  };
  const listener = settings.respond ?? respond;
  const web =
    scheme === 'http'
      ? createHttp(listener)
      : (createSecureServer(
          { cert: fixture('server.pem'), key: fixture('server.key') },
          listener as never,
        ) as unknown as Server);
  const open = new Set<Socket>();
  web.on(scheme === 'http' ? 'connection' : 'secureConnection', (socket: Socket) => {
    open.add(socket.on('error', () => {}).on('close', () => open.delete(socket)));
  });
  web.on('tlsClientError', () => {}).on('sessionError', () => {});
  web.listen(0, '127.0.0.1');
  const udp = createSocket('udp4');
  udp.on('message', async (bytes, from) => {
    const answer = await reply(bytes, 'udp');
    if (!closed) udp.send(answer, from.port, from.address);
  });
  udp.bind(0, '127.0.0.1');
  await Promise.all([once(web, 'listening'), once(udp, 'listening')]);
  const operator: FakeOperator = {
    url: `${scheme === 'http' ? 'http' : 'https'}://127.0.0.1:${(web.address() as AddressInfo).port}/dns-query`,
    at: `127.0.0.1:${udp.address().port}`,
    questions,
    answer: settings.answer,
    close() {
      for (const socket of open) socket.destroy();
      closed ??= Promise.all([once(udp.close(), 'close'), new Promise((resolve) => web.close(resolve))]);
      return closed.then(() => {});
    },
  };
  return operator;
}

function encode(query: dnsPacket.DecodedPacket, answer: OperatorAnswer): Buffer {
  const {
    rcode = 'NOERROR',
    secure = false,
    authoritative = false,
    answers = [],
    authorities = [],
    errors = [],
  } = answer;
  const options = errors.map(({ code, text = '' }) => ({
    code: 15,
    data: Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.from(text)]),
  }));
  return dnsPacket.encode({
    type: 'response',
    id: query.id ?? 0,
    flags:
      RCODES[rcode] |
      (authoritative ? dnsPacket.AUTHORITATIVE_ANSWER : RECURSION_AVAILABLE) |
      (secure ? AUTHENTICATED : 0),
    questions: query.questions ?? [],
    answers: [...answers],
    authorities: [...authorities],
    additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 1232, flags: 0, options } as unknown as dnsPacket.Answer],
  });
}
