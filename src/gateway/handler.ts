import type { IncomingMessage } from 'node:http';
import type { Fqdn } from '../names.ts';
import type { Networks } from '../networks.ts';
import type { Log } from '../output/log.ts';
import { type Answer, NO_STATE, refuse, tooMany } from './answer.ts';
import { failureLine } from './audit.ts';
import { readRequestBody } from './body.ts';
import { addressKey, clientIp } from './connections.ts';
import { type Front, isAnswer } from './front.ts';
import { createLoginCheck } from './login.ts';
import type { ChangeMaker } from './make-change.ts';
import { lastPart, probe } from './probes.ts';
import type { Registration } from './register.ts';
import type { GatewayUser, Users } from './users.ts';
import { answerWithin, type Work } from './work.ts';

export interface HandlerSettings {
  readonly fronts: readonly Front[];
  readonly work: Work;
  readonly changes: ChangeMaker;
  readonly users: Users;
  readonly registration: Registration;
  /** True for names without the challenge label that may be written. */
  isDelegated(name: Fqdn): boolean;
  /** The load balancers; undefined where there are none. */
  isProxy(): Networks | undefined;
  /** Whether changes can be taken. */
  isReady(): Promise<boolean>;
  /** Milliseconds until a request gets an answer, even if its change is not done. */
  readonly answerWithinMs: number;
  readonly log: Log;
}

const COME_BACK = { 'retry-after': '5' };

/** Answers one request of any front. */
export function createHandler(settings: HandlerSettings): (request: IncomingMessage) => Promise<Answer> {
  const { fronts, work, changes } = settings;
  const checkLogin = createLoginCheck();

  return async (request) => {
    const word = lastPart(request.url);
    const status = await probe(word, request.method, settings.isReady);
    if (status) return status;
    const front = fronts.find((each) => each.actionOf(word));
    const action = front?.actionOf(word);
    if (word === 'register' && settings.registration.isOpenTo(clientIp(request, settings.isProxy()))) {
      return register(request);
    }
    if (!front || !action) return refuse(404, 'there are POST /present, /cleanup and /update');
    if (request.method !== 'POST') return refuse(405, 'only POST', { allow: 'POST' });

    const user = await authenticate(front, request).catch(withoutState('users'));
    if ('status' in user) return user;
    const who = { user: user.name };
    const full = await work.admit(user).then((waitMs) => waitMs > 0 && tooMany(waitMs), withoutState(user.name));
    if (full) return { ...full, ...who };
    const text = await readRequestBody(request);
    if (text === undefined) return { ...TOO_LARGE, ...who };
    const challenge = front.parse(text, user, settings.isDelegated);
    if (isAnswer(challenge)) return { ...challenge, ...who };
    const about = { ...who, name: challenge.name };
    if (!user.principal.mayWrite(challenge.name)) {
      return { ...refuse(403, 'this user may not write that name'), ...about };
    }
    const from = clientIp(request, settings.isProxy());
    const job = { action, lines: [challenge], user, from, front: front.name, hasLease: front.hasLease };
    const change = work.enter(user.name, [`${challenge.name} ${challenge.value}`], () =>
      changes.logged(user, challenge.name, () => changes.make(job)),
    );
    if (!change) return { ...refuse(503, 'too many challenges at once', COME_BACK), ...about };
    const answer = change.then(
      () => front.done(challenge),
      (error: unknown) => front.failed(error, challenge),
    );
    return { ...(await answerWithin(answer, settings.answerWithinMs, tooLate)), ...about };
  };

  /** The answer where the state fails, and a line in the log. @param what for that line */
  function withoutState(what: string): (error: unknown) => Answer {
    return (error) => {
      settings.log.warn(failureLine('-', what, error));
      return refuse(503, NO_STATE, COME_BACK);
    };
  }

  async function register(request: IncomingMessage): Promise<Answer> {
    if (request.method !== 'POST') return refuse(405, 'only POST', { allow: 'POST' });
    const { registration } = settings;
    const from = clientIp(request, settings.isProxy());
    const full = registration.admit(addressKey(from));
    if (full) return full;
    const text = await readRequestBody(request);
    if (text === undefined) return TOO_LARGE;
    return registration.register(text, from).catch(withoutState('register'));
  }

  async function authenticate(front: Front, request: IncomingMessage): Promise<GatewayUser | Answer> {
    const given = front.credentials(request.headers);
    if (!given) return front.wrongLogin;
    const address = clientIp(request, settings.isProxy());
    const user = await settings.users.find(given.user);
    // From elsewhere, the right password is a wrong one.
    const hash = user?.mayComeFrom(address) ? front.hashOf(user) : undefined;
    const outcome = await checkLogin({ ...given, address: addressKey(address), hash });
    if (outcome === 'right' && user) return user;
    if (outcome === 'right' || outcome === 'wrong') return front.wrongLogin;
    return outcome === 'busy' ? refuse(503, 'too many logins at once', COME_BACK) : tooMany(outcome.waitMs);
  }
}

const TOO_LARGE = refuse(413, 'the body is larger than any challenge');

const tooLate = () => refuse(503, 'the change takes too long, and continues', { 'retry-after': '60' });
