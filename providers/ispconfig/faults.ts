/**
 * What the panel's answers mean. Its HTTP status says next to nothing (200 also for faults), so `code` is looked at
 * first, then the text: the numbers of ISPConfig's faults are not sent. All as observed on ISPConfig 3.2.12p1.
 */
import { Dns01Error } from '../../src/errors.ts';
import { excerpt, type HttpAnswer, type HttpClient } from '../../src/provider.ts';
import { envelopeSchema } from './schema.ts';

/**
 * `ok`: the function returned something, which may still be of the wrong form.
 * `refused`: the function was reached and failed. `no such row`: the row to change, or its zone, is not there for this
 * user; ISPConfig says so with a page of its own. `session lost`: nothing was done, a new login helps.
 */
export type Verdict =
  | { readonly kind: 'ok'; readonly answer: HttpAnswer }
  | { readonly kind: 'refused'; readonly failure: Dns01Error }
  | { readonly kind: 'no such row' }
  | { readonly kind: 'session lost'; readonly failure: Dns01Error };

const URL_HINT = 'set url to the JSON API of the panel, like https://panel.example.com:8080/remote/json.php';

export const ZONE_BOX = '"DNS zone functions"';
const TXT_BOX = '"DNS txt functions"';

/** Where the rights of a remote user are ticked. */
export const RIGHTS_PLACE = 'in the panel under System > Remote Users, for this user';

/**
 * Sort an answer.
 * @throws E_CONFIG the API is not at this address or switched off; E_AUTH the login may not be used, E_REMOTE not now;
 *   E_PROTOCOL anything that is no answer of the API (with `outcomeUnknown`, for a write may have been done)
 */
export function readAnswer(answer: HttpAnswer, http: HttpClient): Verdict {
  if (answer.status >= 400) throw refusedByWebServer(answer);
  if (isPage(answer)) {
    // "Primary ID fehlt!" in an alert box, whatever the panel's language.
    if (/\bPrimary ID\b/i.test(answer.text)) return { kind: 'no such row' };
    throw pageInstead(answer);
  }
  const { code, message } = http.decode(answer, envelopeSchema);
  if (code === 'ok') return { kind: 'ok', answer };
  if (code !== 'remote_fault') throw notUnderstood(answer.call, code, message);
  return sortFault(answer.call, message);
}

function sortFault(call: string, message: string): Verdict {
  const text = withoutSql(excerpt(message));
  const known = FAULTS.find(({ says }) => says.test(message));
  const failure = new Dns01Error(
    known?.code ?? 'E_REJECTED',
    `${call}: ${known?.text ?? `the panel refuses: ${text}`}`,
    {
      hint: known?.hint?.(call),
    },
  );
  if (known?.meaning === 'session lost') return { kind: 'session lost', failure };
  if (known?.meaning === 'nobody gets in') throw failure;
  return { kind: 'refused', failure };
}

interface KnownFault {
  readonly says: RegExp;
  readonly code: 'E_AUTH' | 'E_REMOTE' | 'E_CONFIG' | 'E_REJECTED';
  /** Without it the panel's own words are told. */
  readonly text?: string;
  readonly hint?: (call: string) => string;
  readonly meaning?: 'session lost' | 'nobody gets in';
}

const FAULTS: readonly KnownFault[] = [
  {
    says: /may not use api/i,
    code: 'E_AUTH',
    text: 'the panel does not let this customer use the API',
    hint: () => 'the provider of the panel has to allow the API in the limits of this client',
    meaning: 'nobody gets in',
  },
  {
    says: /login failed|login (username|password) is empty/i,
    code: 'E_AUTH',
    text: 'wrong user name or password',
    hint: () =>
      'check username and password of a remote user (System > Remote Users); a login of the panel itself needs clientLogin: true',
    meaning: 'nobody gets in',
  },
  {
    says: /failure limit has been reached/i,
    code: 'E_AUTH',
    text: 'the panel has locked this address out after too many failed logins',
    hint: () => 'wait at least 5 minutes without any try, and check username and password before the next one',
    meaning: 'nobody gets in',
  },
  {
    says: /not allowed from/i,
    code: 'E_AUTH',
    text: 'the panel does not let this user log in from this address',
    hint: () => `tick "Remote Access" and add the address of this machine ${RIGHTS_PLACE}`,
    meaning: 'nobody gets in',
  },
  {
    says: /under maintenance/i,
    code: 'E_REMOTE',
    text: 'the panel is under maintenance',
    hint: () => 'try again later',
    meaning: 'nobody gets in',
  },
  {
    says: /session is expired or does not exist/i,
    code: 'E_REMOTE',
    text: 'the panel does not know its own session any more, also after a new login',
    hint: () => 'try again later; if it stays so, look whether several panels share this address',
    meaning: 'session lost',
  },
  {
    says: /session ip mismatch/i,
    code: 'E_REMOTE',
    text: 'the panel sees this machine under changing addresses',
    hint: () => 'let all requests leave by one address: one of IPv4 and IPv6, and no pool of proxies',
    meaning: 'session lost',
  },
  {
    says: /permissions to access this function/i,
    code: 'E_AUTH',
    text: 'the remote user may not use this function',
    hint: (call) => `tick ${boxesFor(call)} ${RIGHTS_PLACE}`,
  },
  {
    says: /invalid client_id/i,
    code: 'E_CONFIG',
    text: 'the panel has no client with the number in clientId',
    hint: () => 'leave clientId out, or set it to the number of a client',
  },
  {
    says: /_error/,
    code: 'E_REJECTED',
    hint: () => 'the panel names the field it does not accept, of the record or of the settings of its zone (SOA)',
  },
];

/** Adding and deleting with a new serial also needs the zone functions, and the fault does not tell which one is missing. */
function boxesFor(call: string): string {
  if (/^dns_zone_/.test(call)) return ZONE_BOX;
  return call === 'dns_txt_get' ? TXT_BOX : `${ZONE_BOX} and ${TXT_BOX}`;
}

/** Database faults come with the whole statement, values and all. */
function withoutSql(text: string): string {
  return text.replace(/\s*\b(INSERT INTO|DELETE FROM|UPDATE|SELECT)\b.*$/s, '');
}

function isPage(answer: HttpAnswer): boolean {
  const text = answer.text.trimStart();
  if (text === '' || /^[{[]/.test(text)) return false;
  return text.startsWith('<') || /html/i.test(answer.headers['content-type'] ?? '');
}

function pageInstead(answer: HttpAnswer): Dns01Error {
  const { call } = answer;
  if (/remote api is disabled/i.test(answer.text)) {
    return new Dns01Error('E_CONFIG', `${call}: the panel's remote API is switched off`, {
      hint: "set remote_api_allowed=yes in the panel's security/security_settings.ini",
    });
  }
  // After a login the address is right, so a page is then some proxy's.
  const atLogin = call === 'login';
  const what = `${call}: a web page came instead of an answer: "${excerpt(answer.text)}"`;
  return new Dns01Error(atLogin ? 'E_CONFIG' : 'E_PROTOCOL', what, {
    outcomeUnknown: !atLogin,
    hint: atLogin
      ? URL_HINT
      : 'look what stands between here and the panel: a proxy or firewall has answered in its place',
  });
}

function refusedByWebServer({ call, status, text }: HttpAnswer): Dns01Error {
  const said = excerpt(text);
  const message = `${call}: the web server refuses the request (status ${status})${said ? `: ${said}` : ''}`;
  if (status === 404 || status === 410) return new Dns01Error('E_CONFIG', message, { hint: URL_HINT });
  if (status === 401 || status === 403) {
    return new Dns01Error('E_AUTH', message, { hint: 'the web server of the panel has to let this machine in' });
  }
  return new Dns01Error('E_PROTOCOL', message, { hint: URL_HINT });
}

/** `invalid_method`, `invalid_data` and `invalid_class`: what was sent did not reach the API as it was sent. */
function notUnderstood(call: string, code: string, message: string): Dns01Error {
  return new Dns01Error(
    'E_PROTOCOL',
    `${call}: the panel does not understand the call (${excerpt(code)}: ${excerpt(message)})`,
    {
      hint: `${URL_HINT}, and see that no proxy drops the query or the body of a request`,
    },
  );
}
