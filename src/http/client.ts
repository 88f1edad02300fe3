import { type Deadline, startDeadline } from '../deadline.ts';
import { Dns01Error } from '../errors.ts';
import type { HttpAnswer, HttpCall, HttpClient, ProviderLog } from '../provider.ts';
import { excerpt } from '../output/text.ts';
import { readBody } from './body.ts';
import { decode } from './decode.ts';
import { type ConnectionSettings, openDispatcher } from './dispatcher.ts';
import { networkFailure } from './failure.ts';
import { conflictPause, rateLimitPause, retryPause } from './pauses.ts';
import { type Dispatcher, loadRequest } from './undici.ts';

/** A provider's request budget as the client sees it; who keeps it is not its business. */
export interface RateLimiter {
  /** Resolves when one more request may be sent, to when it was booked. @throws E_RATE when that is after the deadline */
  take(deadline: Deadline): Promise<number>;
  /** That request is over, answered or not; with what a header of the answer said about the requests that are left. */
  over(booked: number, left: number | undefined, deadline: Deadline): Promise<void>;
  /** The provider said 429: milliseconds until its window is surely over. */
  untilReset(): Promise<number>;
  readonly remainingHeader?: string | undefined;
}

export interface HttpSettings {
  readonly connection: ConnectionSettings;
  /** Milliseconds for one request. */
  readonly requestTimeout: number;
  readonly deadline: Deadline;
  readonly log: ProviderLog & { info(message: string): void };
  readonly budget?: RateLimiter | undefined;
}

/** What is asked, with the answer to the question whether it may be asked twice. */
interface Attempt {
  readonly call: HttpCall;
  readonly number: number;
}

export interface ClosableHttpClient extends HttpClient {
  /** From now on only what it takes to say goodbye, within so many milliseconds, whatever became of the deadline. */
  beginClosing(milliseconds: number): void;
  /** Milliseconds by which the server's clock is ahead of ours, by its last answer; undefined where none said. */
  clockSkew(): number | undefined;
  close(): Promise<void>;
}

export function createHttpClient(settings: HttpSettings): ClosableHttpClient {
  const { log, budget } = settings;
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
        await waitFor(pause, answer);
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
    const { headers, body } = encode(call);
    const [open, request] = await Promise.all([dispatcher(), loadRequest()]);
    const booked = await budget?.take(deadline);
    let left: number | undefined;
    const limit = AbortSignal.timeout(settings.requestTimeout);
    const signal = AbortSignal.any([limit, deadline.signal]);
    const started = performance.now();
    try {
      const response = await request.call(open, {
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: call.method,
        headers,
        body,
        signal,
      });
      const text = await readBody(response.body, call.call);
      const answer = { call: call.call, status: response.statusCode, headers: flat(response.headers), text };
      log.debug('http', { ...about(call, url), status: answer.status, ms: Math.round(performance.now() - started) });
      skew = skewIn(answer) ?? skew;
      left = remainingIn(answer);
      return answer;
    } catch (error) {
      log.debug('http', { ...about(call, url), failure: String(error) });
      if (signal.aborted) throw tooLate(call, url, limit.aborted ? settings.requestTimeout : undefined);
      throw networkFailure(error, call.call, url.origin);
    } finally {
      if (booked !== undefined) await settle(booked, left);
    }
  }

  function remainingIn({ headers }: HttpAnswer): number | undefined {
    const shown = budget?.remainingHeader === undefined ? undefined : headers[budget.remainingHeader];
    return shown !== undefined && /^\d{1,6}$/.test(shown.trim()) ? Number(shown) : undefined;
  }

  /** An answer is not lost for want of the book that it should stand in. */
  async function settle(booked: number, left: number | undefined): Promise<void> {
    await budget
      ?.over(booked, left, deadline)
      .catch((failure: unknown) => log.debug('the budget could not be kept', { failure: String(failure) }));
  }

  /** Milliseconds to wait before the same request is sent again, where its answer says that it was not looked at. */
  async function pauseAfter(answer: HttpAnswer, { number }: Attempt): Promise<number | undefined> {
    if (answer.status === 429) return rateLimitPause(answer.headers['retry-after'], await budget?.untilReset(), number);
    if (answer.status === 409) return conflictPause(number);
    return undefined;
  }

  async function waitFor(pause: number, answer: HttpAnswer): Promise<void> {
    const seconds = Math.ceil(pause / 1000);
    if (pause >= deadline.remaining()) {
      const left = Math.floor(deadline.remaining() / 1000);
      const code = answer.status === 429 ? 'E_RATE' : 'E_REMOTE';
      const why = answer.status === 429 ? 'too many requests' : 'another request is in the way';
      throw new Dns01Error(
        code,
        `${answer.call}: ${why}, a wait of ${seconds} s is needed but only ${left} s are left`,
        {
          hint: 'run it again later, or give more time with --timeout SECONDS',
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

/** A failed request is repeated when it cannot have changed anything. Certificates do not get better by asking again. */
function pauseAfterFailure(failure: unknown, { call, number }: Attempt): number | undefined {
  if (!(failure instanceof Dns01Error) || failure.code !== 'E_REMOTE') return undefined;
  const harmless = !failure.outcomeUnknown || !writes(call);
  return harmless ? retryPause(number) : undefined;
}

const writes = (call: HttpCall): boolean => call.writes ?? call.method !== 'GET';

/** Redirects, rate limits and server faults are no answers, unless the provider wants to see its faults itself. */
function accepted(answer: HttpAnswer, call: HttpCall): HttpAnswer {
  if (answer.status >= 300 && answer.status < 400) throw redirected(answer, call);
  if (answer.status === 429) throw new Dns01Error('E_RATE', `${call.call}: too many requests, again and again`);
  if (answer.status >= 500 && !call.anyStatus) {
    throw new Dns01Error('E_REMOTE', `${call.call}: the server failed (status ${answer.status})${said(answer)}`, {
      outcomeUnknown: true,
      hint: 'the fault is at the provider: try again later',
    });
  }
  return answer;
}

/** Following would hand the credentials to a host that the server chose. */
function redirected(answer: HttpAnswer, call: HttpCall): Dns01Error {
  const target = answer.headers['location'] ?? '';
  const where = URL.canParse(target, call.url) ? new URL(target, call.url).origin : 'somewhere else';
  return new Dns01Error('E_PROTOCOL', `${call.call}: the server redirects to ${where} (status ${answer.status})`, {
    outcomeUnknown: true,
    hint: 'set url to the final address of the API: redirects are never followed, they would carry the credentials along',
  });
}

function said(answer: HttpAnswer): string {
  const text = excerpt(answer.text);
  return text ? `: ${text}` : '';
}

function encode({ json, form, headers }: HttpCall): { headers: Record<string, string>; body: string | null } {
  const common = { accept: 'application/json', 'user-agent': 'dns01', ...headers };
  if (json !== undefined) {
    return { headers: { 'content-type': 'application/json', ...common }, body: JSON.stringify(json) };
  }
  if (form !== undefined) {
    const body = new URLSearchParams({ ...form }).toString();
    return { headers: { 'content-type': 'application/x-www-form-urlencoded', ...common }, body };
  }
  return { headers: common, body: null };
}

function flat(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  );
}

/** RFC 9110 section 6.6.1: when the answer was made, by the clock of the server. */
function skewIn({ headers }: HttpAnswer): number | undefined {
  const date = Date.parse(headers['date'] ?? '');
  return Number.isNaN(date) ? undefined : date - Date.now();
}

/** What the log shows of a request: never its headers or its body, where the credentials are. */
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
