import type { IncomingMessage } from 'node:http';
import { userOf } from '../challenge/principal.ts';
import type { Fqdn } from '../names.ts';
import { type Answer, failure, refuse, tooMany } from './answer.ts';
import { readRequestBody } from './body.ts';
import { clientAddress } from './connections.ts';
import { createGate } from './gate.ts';
import { createLoginCheck } from './login.ts';
import { type ChallengeRequest, parseBody } from './request.ts';
import { answerWithin, type Work } from './work.ts';

export interface ServeUser {
  readonly hash: string;
  /** The domains whose challenge names, and those below, the user may write. */
  readonly names: readonly Fqdn[];
}

export type Action = 'add' | 'remove';

export interface ServeSettings {
  readonly work: Work;
  /** Undefined for a user who does not exist, or not any more. */
  user(name: string): ServeUser | undefined;
  /** True for names without the challenge label that may be written. */
  isDelegated(name: Fqdn): boolean;
  /** Milliseconds until a request gets an answer, even if its change is not done. */
  readonly answerWithinMs: number;
  /** @param names the domains that the user may write */
  change(action: Action, challenge: ChallengeRequest, names: readonly Fqdn[]): Promise<void>;
  /** Called with every failure, also of a change that the answer did not wait for. */
  failed(user: string, challenge: ChallengeRequest, error: unknown): void;
}

/** In a minute. A certificate has at most 100 names, each with two requests. */
const MAX_REQUESTS_PER_USER = 300;

const COME_BACK = { 'retry-after': '5' };

/** Answers one request. The answer has the value only after it was published or withdrawn. */
export function createHandler(settings: ServeSettings): (request: IncomingMessage) => Promise<Answer> {
  const checkLogin = createLoginCheck();
  const requests = createGate(MAX_REQUESTS_PER_USER);

  return async (request) => {
    const action = actionOf(request.url);
    if (!action) return refuse(404, 'there are POST /present and POST /cleanup');
    if (request.method !== 'POST') return refuse(405, 'only POST', { allow: 'POST' });

    const user = await authenticate(request);
    if (typeof user !== 'string') return user;
    const waitMs = requests.wait(user);
    if (waitMs > 0) return { ...tooMany(waitMs), user };
    requests.count(user);

    const text = await readRequestBody(request);
    if (text === undefined) return { ...refuse(413, 'the body is larger than any challenge'), user };
    const names = settings.user(user)?.names ?? [];
    const { mayWrite } = userOf(names);
    // A user must not find out which names of others are in a delegated zone.
    const challenge = parseBody(text, (name) => mayWrite(name) && settings.isDelegated(name));
    if (typeof challenge === 'string') return { ...refuse(400, challenge), user };
    const who = { user, name: challenge.name };
    if (!mayWrite(challenge.name)) return { ...refuse(403, 'this user may not write that name'), ...who };
    return { ...(await carryOut(action, user, challenge, names)), ...who };
  };

  async function carryOut(
    action: Action,
    user: string,
    challenge: ChallengeRequest,
    names: readonly Fqdn[],
  ): Promise<Answer> {
    const change = () => settings.change(action, challenge, names);
    const work = settings.work.enter(user, [`${challenge.name} ${challenge.value}`], change);
    if (!work) return refuse(503, 'too many challenges at once', COME_BACK);
    const answer = work.then(
      (): Answer => ({ status: 200, body: { fqdn: challenge.fqdn, value: challenge.value } }),
      (error: unknown) => {
        settings.failed(user, challenge, error);
        return failure(error, challenge.fqdn);
      },
    );
    return answerWithin(answer, settings.answerWithinMs, () =>
      refuse(503, 'the change takes too long, and continues', { 'retry-after': '60' }),
    );
  }

  async function authenticate(request: IncomingMessage): Promise<string | Answer> {
    const [user, password] = credentials(request.headers.authorization) ?? [];
    if (user === undefined || password === undefined) return WRONG_LOGIN;
    const address = clientAddress(request.socket);
    const outcome = await checkLogin({ address, user, password, hash: settings.user(user)?.hash });
    if (outcome === 'right') return user;
    if (outcome === 'wrong') return WRONG_LOGIN;
    return outcome === 'busy' ? refuse(503, 'too many logins at once', COME_BACK) : tooMany(outcome.waitMs);
  }
}

const WRONG_LOGIN = refuse(401, 'wrong user or password', { 'www-authenticate': 'Basic realm="dns01"' });

/** The last part of the path is the action; the client's config decides what comes before it. */
function actionOf(url = '/'): Action | undefined {
  if (!URL.canParse(url, 'http://server')) return undefined;
  switch (new URL(url, 'http://server').pathname.split('/').at(-1)) {
    case 'present':
      return 'add';
    case 'cleanup':
      return 'remove';
    default:
      return undefined;
  }
}

function credentials(header: string | undefined): [string, string] | undefined {
  const [, encoded] = /^Basic ([A-Za-z0-9+/=]{1,1000})$/i.exec(header ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : [text.slice(0, colon), text.slice(colon + 1)];
}
