import type { IncomingMessage } from 'node:http';
import { userOf } from '../challenge/principal.ts';
import { asDns01Error, type ErrorCode } from '../errors.ts';
import type { Fqdn } from '../names.ts';
import { readRequestBody } from './body.ts';
import { createFloodGate } from './flood.ts';
import { createPasswordCheck } from './password.ts';
import { type ChallengeRequest, parseBody } from './request.ts';

export interface ServeUser {
  readonly hash: string;
  /** The domains whose challenge names, and those below, the user may write. */
  readonly names: readonly Fqdn[];
}

export interface ServeSettings {
  readonly users: ReadonlyMap<string, ServeUser>;
  /** True for names without the challenge label that may be written all the same. */
  isDelegated(name: Fqdn): boolean;
  /** @param names the domains that the user may write */
  change(action: 'add' | 'remove', challenge: ChallengeRequest, names: readonly Fqdn[]): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** Who asked, once that is known; for the log. */
  readonly user?: string;
  readonly name?: Fqdn;
}

/** In a minute. A certificate has at most 100 names, each with two requests. */
const REQUESTS_PER_USER = 300;
const FAILED_LOGINS_PER_ADDRESS = 10;

/** How many challenges are worked on at once; the next ones are asked to come back. */
const AT_ONCE = 32;

/** What the server answers to one request. The value is in the answer only when it is published or withdrawn. */
export function createHandler(settings: ServeSettings): (request: IncomingMessage) => Promise<Answer> {
  const passwords = createPasswordCheck();
  const requests = createFloodGate(REQUESTS_PER_USER);
  const failedLogins = createFloodGate(FAILED_LOGINS_PER_ADDRESS);
  let underWay = 0;

  return async (request) => {
    const action = ACTIONS[new URL(request.url ?? '/', 'http://server').pathname.split('/').at(-1) ?? ''];
    if (!action) return refuse(404, 'there are POST /present and POST /cleanup');
    if (request.method !== 'POST') return refuse(405, 'only POST', { allow: 'POST' });

    const user = await authenticate(request);
    if (typeof user !== 'string') return user;
    const wait = requests.enter(user);
    if (wait > 0) return { ...tooMany(wait), user };

    const text = await readRequestBody(request);
    if (text === undefined) return { ...refuse(413, 'the body is larger than any challenge'), user };
    const challenge = parseBody(text, settings.isDelegated);
    if (typeof challenge === 'string') return { ...refuse(400, challenge), user };
    const who = { user, name: challenge.name };
    const names = settings.users.get(user)?.names ?? [];
    if (!userOf(names).mayWrite(challenge.name)) {
      return { ...refuse(403, 'this user may not write that name'), ...who };
    }
    if (underWay >= AT_ONCE) return { ...refuse(503, 'too many challenges at once', { 'retry-after': '5' }), ...who };

    underWay++;
    try {
      await settings.change(action, challenge, names);
      return { status: 200, body: { fqdn: challenge.fqdn, value: challenge.value }, ...who };
    } catch (error) {
      return { ...failure(error), ...who };
    } finally {
      underWay--;
    }
  };

  async function authenticate(request: IncomingMessage): Promise<string | Answer> {
    const address = request.socket.remoteAddress ?? 'socket';
    const [name, password] = credentials(request.headers.authorization) ?? [];
    if (name !== undefined && password !== undefined) {
      const user = settings.users.get(name);
      // An unknown user costs as much time as a wrong password.
      const matched = await passwords.matches(password, user?.hash ?? NOBODY);
      if (user && matched) return name;
    }
    const wait = failedLogins.enter(address);
    if (wait > 0) return tooMany(wait);
    return refuse(401, 'wrong user or password', { 'www-authenticate': 'Basic realm="dns01"' });
  }
}

const ACTIONS: Readonly<Record<string, 'add' | 'remove' | undefined>> = { present: 'add', cleanup: 'remove' };

/** A hash that no password has. */
const NOBODY = `scrypt$16384$8$1$${'A'.repeat(22)}$${'A'.repeat(43)}`;

function credentials(header: string | undefined): [string, string] | undefined {
  const [, encoded] = /^Basic ([A-Za-z0-9+/=]{1,1000})$/i.exec(header ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : [text.slice(0, colon), text.slice(colon + 1)];
}

/** An error never repeats the value in quotes: acme.sh takes that for success, whatever the status. */
function refuse(status: number, message: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, body: { error: message }, headers };
}

function tooMany(wait: number): Answer {
  return refuse(429, 'too many requests', { 'retry-after': String(Math.ceil(wait / 1000)) });
}

/** The status by which a client can tell its own mistakes from those behind this server. */
const STATUSES: Partial<Record<ErrorCode, number>> = {
  E_USAGE: 400,
  E_ZONE: 404,
  E_REJECTED: 422,
  E_RATE: 503,
  E_LOCK: 503,
  E_PROPAGATION: 504,
  E_REMOTE: 502,
  E_PROTOCOL: 502,
  E_AUTH: 502,
};

function failure(error: unknown): Answer {
  const { code, message, hint } = asDns01Error(error);
  const status = STATUSES[code] ?? 500;
  const headers = status === 503 ? { 'retry-after': '60' } : {};
  return { status, headers, body: { error: message, code, ...(hint ? { hint } : {}) } };
}
