import { type Deadline, startDeadline } from '../deadline.ts';
import { Dns01Error } from '../errors.ts';
import { excerpt } from '../output/text.ts';
import type { HttpAnswer, HttpCall, HttpClient, ProviderLog } from '../provider.ts';
import { readBody } from './body.ts';
import { decode } from './decode.ts';
import { type ConnectionSettings, openDispatcher } from './dispatcher.ts';
import { networkFailure } from './failure.ts';
import { conflictPause, parseRetryAfter, rateLimitPause, retryPause } from './pauses.ts';
import { type Dispatcher, loadRequest } from './undici.ts';

/** One of a provider's rate limits, as the client uses it. */
export interface RateLimiter {
  /** Resolves when one more request may be sent, with the time that it was booked for. @throws E_RATE when that is after the deadline */
  take(deadline: Deadline): Promise<number>;
  /** The request has ended, answered or not. `left`: the remaining requests, from a header of the answer. */
  over(booked: number, left: number | undefined, deadline: Deadline): Promise<void>;
  /** The provider sent a 429 with a time to come back, which counts more than our own count. */
  comeBackIn(milliseconds: number, deadline: Deadline): Promise<void>;
  /** After a 429: milliseconds until the window is surely over. */
  untilReset(): Promise<number>;
  readonly remainingHeader?: string | undefined;
}

export interface HttpSettings {
  readonly connection: ConnectionSettings;
  /** Milliseconds for one request. */
  readonly requestTimeout: number;
  readonly deadline: Deadline;
  readonly log: ProviderLog & { info(message: string): void };
  /** Called after each request with the status of its answer, or `none`. */
  answered?(status: string): void;
  /** Called before each request that writes, with its time limit; throws to stop it. */
  readonly beforeWrite?: ((requestMs: number) => Promise<void>) | undefined;
  /** The rate limits that a call counts towards. */
  readonly rateLimits?: ((call: HttpCall) => readonly RateLimiter[]) | undefined;
}

/** A request, and which attempt of it this is. */
interface Attempt {
  readonly call: HttpCall;
  readonly number: number;
}

export interface ClosableHttpClient extends HttpClient {
  /** From now on only this much time is left, even after the deadline: for a logout. */
  beginClosing(milliseconds: number): void;
  /** Milliseconds by which the server's clock is ahead of ours, from its last answer; undefined where it sent no time. */
  clockSkew(): number | undefined;
  close(): Promise<void>;
}

/** The largest answer, in bytes: 50,000 records are about 10 MB. */
const MAX_READ_BYTES = 16 * 1024 * 1024;
const MAX_WRITE_BYTES = 1024 * 1024;

interface Booking {
  readonly limiter: RateLimiter;
  readonly booked: number;
}

export function createHttpClient(settings: HttpSettings): ClosableHttpClient {
  const { log, rateLimits = () => [] } = settings;
  let deadline = settings.deadline;
  let opening: Promise<Dispatcher> | undefined;
  let skew: number | undefined;
  const dispatcher = () => {
    opening ??= openDispatcher(settings.connection);
    return opening;
  };

  async function send(call: HttpCall): Promise<HttpAnswer> {
    for (let number = 1; ; number++) {
      const attempt = { call, number };
      try {
        const answer = await sendOnce(call);
        const pause = await pauseAfter(answer, attempt);
        if (pause === undefined) return accepted(answer, call);
        await waitFor(pause, answer, call);
        if (answer.status === 429 && call.checkAfterRateLimit) throw tooManyRequests(call);
      } catch (failure) {
        const pause = pauseAfterFailure(failure, attempt);
        if (pause === undefined || pause >= deadline.remaining()) throw failure;
        log.debug('repeating a request', { call: call.call, pause });
        await deadline.sleep(pause);
      }
    }
  }

  async function sendOnce(call: HttpCall): Promise<HttpAnswer> {
    const url = new URL(call.url);
    if (deadline.signal.aborted) throw notSent(call);
    const [open, request] = await Promise.all([dispatcher(), loadRequest()]);
    const bookings: Booking[] = [];
    for (const limiter of rateLimits(call)) bookings.push({ limiter, booked: await limiter.take(deadline) });
    // After all waiting, because a lock may have been lost in the meantime.
    if (writes(call)) await settings.beforeWrite?.(settings.requestTimeout);
    const encoded = encode(call);
    let headers: HttpAnswer['headers'] = {};
    const limit = AbortSignal.timeout(settings.requestTimeout);
    const signal = AbortSignal.any([limit, deadline.signal]);
    const started = performance.now();
    try {
      const responding = request.call(open, {
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: call.method,
        ...encoded,
        signal,
      });
      const response = await Promise.race([responding, abortOf(signal)]);
      const text = await readBody(
        response.body,
        call.call,
        call.maxBytes ?? (writes(call) ? MAX_WRITE_BYTES : MAX_READ_BYTES),
      );
      const answer = { call: call.call, status: response.statusCode, headers: flat(response.headers), text };
      log.debug('http', { ...about(call, url), status: answer.status, ms: since(started) });
      skew = skewIn(answer) ?? skew;
      headers = answer.headers;
      settings.answered?.(String(answer.status));
      return answer;
    } catch (error) {
      log.debug('http', { ...about(call, url), failure: String(error), ms: since(started) });
      settings.answered?.('none');
      if (signal.aborted) throw tooLate(call, url, limit.aborted ? settings.requestTimeout : undefined);
      throw networkFailure(error, call.call, url.origin);
    } finally {
      for (const booking of bookings) await settle(booking, headers);
    }
  }

  /** An answer is worth more than the count: an error of the count does not fail the request. */
  async function settle({ limiter, booked }: Booking, headers: HttpAnswer['headers']): Promise<void> {
    const left = remainingIn(headers, limiter.remainingHeader);
    await limiter
      .over(booked, left, deadline)
      .catch((failure: unknown) => log.debug('the rate limit could not be updated', { failure: String(failure) }));
  }

  /** Milliseconds to wait before the same request is sent again, if its answer says that it was not done. */
  async function pauseAfter(answer: HttpAnswer, { call, number }: Attempt): Promise<number | undefined> {
    const asked = parseRetryAfter(answer.headers['retry-after']);
    if (answer.status === 429) {
      const limiters = rateLimits(call);
      if (asked !== undefined) for (const limiter of limiters) await limiter.comeBackIn(asked, deadline);
      const resets = await Promise.all(limiters.map((limiter) => limiter.untilReset()));
      return rateLimitPause(asked, resets.length > 0 ? Math.max(...resets) : undefined, number);
    }
    if (answer.status === 409 && call.retryConflict) return conflictPause(number);
    if (answer.status === 503 && asked !== undefined && !writes(call)) return rateLimitPause(asked, undefined, number);
    return undefined;
  }

  async function waitFor(pause: number, answer: HttpAnswer, call: HttpCall): Promise<void> {
    const seconds = Math.ceil(pause / 1000);
    if (pause >= deadline.remaining()) {
      const left = Math.floor(deadline.remaining() / 1000);
      const code = answer.status === 429 ? 'E_RATE' : 'E_REMOTE';
      const why = PAUSE_REASONS[answer.status] ?? 'the server is busy';
      throw new Dns01Error(
        code,
        `${answer.call}: ${why}, a wait of ${seconds} s is needed but only ${left} s are left`,
        {
          hint: 'run it again later, or give more time with --timeout SECONDS',
          outcomeUnknown: answer.status === 429 && call.checkAfterRateLimit,
        },
      );
    }
    if (answer.status === 429) log.info(`${answer.call}: too many requests, waiting ${seconds} s as the provider asks`);
    await deadline.sleep(pause);
  }

  return {
    send,
    decode,
    clockSkew: () => skew,
    beginClosing(milliseconds) {
      deadline = startDeadline(milliseconds);
    },
    async close() {
      if (opening) await (await opening).destroy();
    },
  };
}

/** A failed request is repeated if it cannot have changed anything. A certificate does not get better on a second attempt. */
function pauseAfterFailure(failure: unknown, { call, number }: Attempt): number | undefined {
  if (!(failure instanceof Dns01Error) || failure.code !== 'E_REMOTE') return undefined;
  const harmless = !failure.outcomeUnknown || !writes(call);
  return harmless ? retryPause(number) : undefined;
}

const PAUSE_REASONS: Readonly<Record<number, string>> = {
  409: 'another request is in progress',
  429: 'too many requests',
};

function remainingIn(headers: HttpAnswer['headers'], header: string | undefined): number | undefined {
  const shown = header === undefined ? undefined : headers[header];
  return shown !== undefined && /^\d{1,6}$/.test(shown.trim()) ? Number(shown) : undefined;
}

/** undici hears of an abort only when it has a connection, which a proxy may never give it. */
export function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

const writes = (call: HttpCall): boolean => call.writes ?? call.method !== 'GET';

/** Redirects, rate limits and server faults are errors, unless the call asks for every status. */
function accepted(answer: HttpAnswer, call: HttpCall): HttpAnswer {
  if (answer.status >= 300 && answer.status < 400) throw redirected(answer, call);
  if (answer.status === 429) throw tooManyRequests(call, ' after several attempts');
  if (answer.status >= 500 && !call.anyStatus) {
    throw new Dns01Error('E_REMOTE', `${call.call}: the server failed (status ${answer.status})${said(answer)}`, {
      outcomeUnknown: true,
      hint: 'the fault is at the provider: try again later',
    });
  }
  return answer;
}

function tooManyRequests({ call, checkAfterRateLimit }: HttpCall, how = ''): Dns01Error {
  return new Dns01Error('E_RATE', `${call}: too many requests${how}`, { outcomeUnknown: checkAfterRateLimit });
}

/** Following a redirect would send the credentials to a host that the server chose. */
function redirected(answer: HttpAnswer, call: HttpCall): Dns01Error {
  const target = answer.headers['location'] ?? '';
  const where = URL.canParse(target, call.url) ? new URL(target, call.url).origin : 'somewhere else';
  return new Dns01Error('E_PROTOCOL', `${call.call}: the server redirects to ${where} (status ${answer.status})`, {
    outcomeUnknown: true,
    hint: 'set url to the final address of the API: redirects are never followed, because they would pass on the credentials',
  });
}

function said(answer: HttpAnswer): string {
  const text = excerpt(answer.text);
  return text ? `: ${text}` : '';
}

function encode({ json, form, text, headers }: HttpCall): { headers: Record<string, string>; body: string | null } {
  const own = typeof headers === 'function' ? headers() : headers;
  const common = { accept: 'application/json', 'user-agent': 'dns01', ...own };
  if (json !== undefined) {
    return { headers: { 'content-type': 'application/json', ...common }, body: JSON.stringify(json) };
  }
  if (form !== undefined) {
    const body = new URLSearchParams({ ...form }).toString();
    return { headers: { 'content-type': 'application/x-www-form-urlencoded', ...common }, body };
  }
  return { headers: common, body: text ?? null };
}

function flat(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  );
}

/** RFC 9110 section 6.6.1: the time of the answer by the server's clock. */
function skewIn({ headers }: HttpAnswer): number | undefined {
  const date = Date.parse(headers['date'] ?? '');
  return Number.isNaN(date) ? undefined : date - Date.now();
}

const since = (started: number): number => Math.round(performance.now() - started);

/** What the log shows of a request: never its headers or body, which may have credentials. */
function about(call: HttpCall, url: URL): Record<string, unknown> {
  return { call: call.call, method: call.method, url: `${url.origin}${url.pathname}` };
}

function notSent(call: HttpCall): Dns01Error {
  return new Dns01Error('E_REMOTE', `${call.call}: the time limit was reached before the request was sent`, {
    hint: 'give more time with --timeout SECONDS',
  });
}

function tooLate(call: HttpCall, url: URL, requestTimeout: number | undefined): Dns01Error {
  const limit = requestTimeout === undefined ? 'before the time limit' : `within ${requestTimeout / 1000} s`;
  return new Dns01Error('E_REMOTE', `${call.call}: no answer from ${url.origin} ${limit}`, {
    outcomeUnknown: true,
    hint: 'the server is slow or down; more time can be given with timeout in the account and --timeout',
  });
}
