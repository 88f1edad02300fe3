import { readBytes } from '../http/body.ts';
import { abortOf } from '../http/client.ts';
import { openDispatcher } from '../http/dispatcher.ts';
import { networkFailure } from '../http/failure.ts';
import { proxyFor } from '../http/proxy.ts';
import { type Dispatcher, loadRequest } from '../http/undici.ts';
import { decodeAnswer, encodeQuery, type Question } from './message.ts';
import { type QueryOptions, type QueryResult, secondsText } from './query.ts';
import { traceQuery } from './trace.ts';

/**
 * Validating resolvers of three operators, for `dns01 check` where the config names none. Addresses, which their
 * certificates cover, because the names may be impossible to resolve where port 53 is blocked.
 */
export const PUBLIC_DOH: readonly string[] = [
  // https://developers.cloudflare.com/1.1.1.1/encryption/dns-over-https/
  'https://1.1.1.1/dns-query',
  // https://developers.google.com/speed/public-dns/docs/doh
  'https://8.8.8.8/dns-query',
  // HTTP/2 only since 2025-12-15: https://quad9.net/news/blog/doh-http-1-1-retirement
  'https://9.9.9.9/dns-query',
];

/** A resolver that answers over HTTPS (RFC 8484). */
export interface DohResolver {
  /** The host in its URL. */
  readonly operator: string;
  /** Never throws: what is no answer to the question is `silent`, with the reason. */
  query(question: Question, options: QueryOptions): Promise<QueryResult>;
}

/** The longest message, as over TCP (RFC 8484 section 6). */
const MAX_MESSAGE_BYTES = 65_535;

const MEDIA_TYPE = 'application/dns-message';

/** @throws E_CONFIG where the environment names a proxy that is none */
export function openDoh(address: string, env: Readonly<Record<string, string | undefined>>): DohResolver {
  const url = new URL(address);
  const proxy = proxyFor({}, url, { env });
  let opening: Promise<Dispatcher> | undefined;

  async function send(body: Buffer, signal: AbortSignal): Promise<Buffer | string> {
    opening ??= openDispatcher({ proxy, http2: true });
    const [open, request] = await Promise.all([opening, loadRequest()]);
    const responding = request.call(open, {
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: 'POST',
      headers: { 'content-type': MEDIA_TYPE, accept: MEDIA_TYPE, 'user-agent': 'dns01' },
      body,
      signal,
    });
    const response = await Promise.race([responding, abortOf(signal)]);
    const media = String(response.headers['content-type']).split(';')[0]?.trim().toLowerCase();
    // Redirects are not followed: whoever sends one would choose the resolver.
    const problem =
      response.statusCode !== 200 ? `answers HTTP status ${response.statusCode}` : 'answers no DNS message';
    if (response.statusCode === 200 && media === MEDIA_TYPE)
      return (await readBytes(response.body, MAX_MESSAGE_BYTES)) ?? problem;
    response.body.on('error', () => {}).destroy();
    return problem;
  }

  return {
    operator: url.host,
    query: (question, options) =>
      traceQuery(
        () => ({ transport: 'https', server: url.host, ...question }),
        () => ask(question, options),
      ),
  };

  async function ask(question: Question, options: QueryOptions): Promise<QueryResult> {
    const sent = encodeQuery(question, { ...options, edns: true });
    const limit = AbortSignal.timeout(Math.max(1, Math.ceil(options.timeoutMs)));
    const signal = options.signal ? AbortSignal.any([limit, options.signal]) : limit;
    try {
      const received = await send(sent, signal);
      if (typeof received === 'string') return { kind: 'silent', reason: received };
      const message = decodeAnswer(received, sent, question);
      if (message) return { kind: 'answer', message };
      return { kind: 'silent', reason: 'answers something else' };
    } catch (error) {
      if (limit.aborted) return { kind: 'silent', reason: `no answer within ${secondsText(options.timeoutMs)}` };
      return { kind: 'silent', reason: networkFailure(error, 'DNS over HTTPS', url.origin).message };
    }
  }
}
