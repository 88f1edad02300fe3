import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import { type HttpAnswer, type ProviderContext, type Refusal, refusalError } from '../../src/provider.ts';

export interface InwxLogin {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly totpSecret?: string | undefined;
}

/** Every answer has status 200 and says in here what happened, with a code as in EPP (RFC 5730 section 3). */
export const answerSchema = z.object({
  code: z.int(),
  msg: z._default(z.string(), ''),
  reasonCode: z.optional(z.string()),
  reason: z.optional(z.string()),
  resData: z.optional(z.unknown()),
});
export type Answer = z.output<typeof answerSchema>;

/** Sends one method, in a session or to open one. */
export type Send = (method: string, params: object, more?: { cookie?: string; writes?: boolean }) => Promise<Sent>;
interface Sent {
  readonly answer: Answer;
  readonly headers: HttpAnswer['headers'];
}

const loginSchema = z.object({ tfa: z.optional(z.string()) });

const SUCCESS = 1000;

/** Milliseconds for which one TOTP code is valid. */
const PERIOD_MS = 30_000;

/** How many codes are tried: INWX takes each only once, and other processes may be using the same secret. */
const MAX_CODES = 4;

/** Logs in, and unlocks the account with a TOTP code where it has two-factor authentication. Returns the cookie. */
export async function openSession(login: InwxLogin, send: Send, context: ProviderContext): Promise<string> {
  const { username: user, password: pass } = login;
  const { answer, headers } = await send('account.login', { user, pass, lang: 'en' });
  if (answer.code !== SUCCESS) throw loginRefused(answer);
  const value = /\bdomrobot=([\w.%+/=-]+)/.exec(headers['set-cookie'] ?? '')?.[1];
  if (value === undefined) {
    throw new Dns01Error('E_PROTOCOL', 'account.login: unexpected answer, there is no cookie named domrobot', {
      hint: 'check that url is the address of the JSON-RPC API',
    });
  }
  context.keepSecret(value);
  const cookie = `domrobot=${value}`;
  const { tfa = '0' } = z.safeParse(loginSchema, answer.resData).data ?? {};
  if (tfa !== '0' && tfa !== '') await unlock(login, { cookie, aheadMs: aheadMsIn(headers['date']) }, send, context);
  return cookie;
}

async function unlock(
  { totpSecret }: InwxLogin,
  { cookie, aheadMs }: { readonly cookie: string; readonly aheadMs: number },
  send: Send,
  context: ProviderContext,
): Promise<void> {
  if (totpSecret === undefined) {
    throw new Dns01Error('E_AUTH', 'account.login: this user has two-factor authentication', {
      loginRefused: true,
      hint: 'set totpSecret, or use a user for the API that has no two-factor authentication and only the role DNS Management',
    });
  }
  const codeAt = await codes(totpSecret);
  for (let attempt = 1; ; attempt++) {
    const now = Date.now() + aheadMs;
    const { answer } = await send('account.unlock', { tan: codeAt(now) }, { cookie });
    if (answer.code === SUCCESS) return;
    if (attempt === MAX_CODES) throw codeRefused(answer);
    const pauseMs = PERIOD_MS - (now % PERIOD_MS) + Math.random() * 1000;
    context.log.debug('INWX refused the TOTP code, which may have been used already; waiting for the next', {
      pauseMs,
    });
    await context.sleep(pauseMs);
  }
}

/** The code for a time, in milliseconds. The library is loaded only for accounts with two-factor authentication. */
async function codes(totpSecret: string): Promise<(timestamp: number) => string> {
  const { Secret, TOTP } = await import('otpauth');
  try {
    const totp = new TOTP({ secret: Secret.fromBase32(totpSecret.replace(/[\s-]/g, '')) });
    return (timestamp) => totp.generate({ timestamp });
  } catch {
    throw new Dns01Error('E_CONFIG', 'totpSecret is not a secret in Base32', {
      hint: 'set totpSecret to the text that INWX shows beside the QR code, not to a code of six digits',
    });
  }
}

/** Milliseconds by which the server's clock is ahead of ours, to the second. */
function aheadMsIn(date = ''): number {
  const ahead = Date.parse(date) - Date.now();
  return Number.isNaN(ahead) || Math.abs(ahead) < 2000 ? 0 : ahead;
}

const loginRefused = (answer: Answer): Dns01Error =>
  asError('account.login', answer, {
    code: 'E_AUTH',
    text: 'the login was refused',
    hint: 'check username and password; the test system ote.inwx.com has users and an address of its own',
    loginRefused: true,
  });

const codeRefused = (answer: Answer): Dns01Error =>
  asError('account.unlock', answer, {
    code: 'E_AUTH',
    text: `${MAX_CODES} TOTP codes in a row were refused`,
    hint: 'check totpSecret and the clock of this machine; if many processes use this user at the same time, use a user without two-factor authentication and only the role DNS Management',
    loginRefused: true,
  });

/** A refusal inside an answer with status 200. */
export function asError(method: string, { code, msg, reason }: Answer, refusal: Refusal): Dns01Error {
  const text = [msg, reason].filter(Boolean).join(': ');
  return refusalError({ call: method, status: code, headers: {}, text }, { refusalOf: () => refusal });
}
