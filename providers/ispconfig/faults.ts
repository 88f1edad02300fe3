/**
 * The meaning of the panel's answers. The HTTP status is 200 for faults too, so `code` decides first, then the text: the
 * numbers of ISPConfig's faults are not sent. All as observed on ISPConfig 3.2.12p1.
 */
import { Dns01Error, type ErrorCode } from '../../src/errors.ts';
import {
  excerpt,
  type Fqdn,
  type HttpAnswer,
  type HttpClient,
  type Refusal,
  refusalError,
} from '../../src/provider.ts';
import { envelopeSchema } from './schema.ts';

/**
 * `ok`: the function returned a result, which may have the wrong form.
 * `refused`: the function was called and failed. `no such row`: the row to change, or its zone, is not there for this
 * user; ISPConfig then sends a page of its own. `session lost`: a new login helps; a write may have been done.
 */
export type Verdict =
  | { readonly kind: 'ok'; readonly answer: HttpAnswer }
  | { readonly kind: 'refused' | 'no such row' | 'session lost'; readonly failure: Dns01Error };

const URL_HINT = 'set url to the JSON API of the panel, like https://panel.example.com:8080/remote/json.php';

const ZONE_BOX = '"DNS zone functions"';
const TXT_BOX = '"DNS txt functions"';

/** Where the rights of a remote user are set. */
const RIGHTS_PLACE = 'in the panel under System > Remote Users, for this user';

/**
 * Classifies an answer.
 * @throws E_CONFIG the API is not at this address or switched off; E_AUTH the login may not be used, E_REMOTE not now;
 *   E_PROTOCOL anything else that is not an answer of the API (with `outcomeUnknown`, because a write may have been done)
 */
export function readAnswer(answer: HttpAnswer, http: HttpClient): Verdict {
  if (answer.status >= 400) throw refusalError(answer, { refusalOf });
  if (isPage(answer)) {
    // "Primary ID fehlt!" in an alert box, whatever the panel's language.
    if (/\bPrimary ID\b/i.test(answer.text)) return { kind: 'no such row', failure: outOfReach(answer.call) };
    throw pageInstead(answer);
  }
  const { code, message } = http.decode(answer, envelopeSchema);
  if (code === 'ok') return { kind: 'ok', answer };
  if (code !== 'remote_fault') throw notUnderstood(answer.call, code, message);
  return sortFault(answer.call, message);
}

function sortFault(call: string, message: string): Verdict {
  const known = FAULTS.find(({ says }) => says.test(message));
  const text = known?.text ?? `the panel refuses: ${withoutSql(excerpt(message))}`;
  const hint = known?.says === NO_RIGHT ? `tick ${boxesFor(call)} ${RIGHTS_PLACE}` : known?.hint;
  const code = known?.code ?? 'E_REJECTED';
  const loginRefused = known?.ends === 'login' && code === 'E_AUTH';
  const failure = new Dns01Error(code, `${call}: ${text}`, { hint, loginRefused });
  if (known?.ends === 'login') throw failure;
  return { kind: known?.ends === 'session' ? 'session lost' : 'refused', failure };
}

interface KnownFault {
  readonly says: RegExp;
  readonly code: ErrorCode;
  /** Where it is missing, the panel's own text is shown. */
  readonly text?: string;
  readonly hint?: string;
  /** The login, or the session, cannot be used any more. */
  readonly ends?: 'login' | 'session';
}

const NO_RIGHT = /permissions to access this function/i;

const FAULTS: readonly KnownFault[] = [
  {
    says: /may not use api/i,
    code: 'E_AUTH',
    text: 'the panel does not let this customer use the API',
    hint: 'ask the provider of the panel to allow the API in the limits of this client',
    ends: 'login',
  },
  {
    says: /login failed|login (username|password) is empty/i,
    code: 'E_AUTH',
    text: 'wrong user name or password',
    hint: 'check username and password of a remote user (System > Remote Users); a login of the panel itself needs clientLogin: true',
    ends: 'login',
  },
  {
    says: /failure limit has been reached/i,
    code: 'E_AUTH',
    text: 'the panel has blocked this address after too many failed logins',
    hint: 'wait at least 5 minutes without an attempt, and check username and password before the next one',
    ends: 'login',
  },
  {
    says: /not allowed from/i,
    code: 'E_AUTH',
    text: 'the panel does not let this user log in from this address',
    hint: `tick "Remote Access" and add the address of this machine ${RIGHTS_PLACE}`,
    ends: 'login',
  },
  {
    says: /under maintenance/i,
    code: 'E_REMOTE',
    text: 'the panel is under maintenance',
    hint: 'try again later',
    ends: 'login',
  },
  {
    says: /session is expired or does not exist/i,
    code: 'E_REMOTE',
    text: 'the panel does not know its own session, even after a new login',
    hint: 'try again later; if it happens again, check whether several panels share this address',
    ends: 'session',
  },
  {
    says: /session ip mismatch/i,
    code: 'E_REMOTE',
    text: 'the panel sees requests of this machine from changing addresses',
    hint: 'send all requests from one address: only IPv4 or only IPv6, and no pool of proxies',
    ends: 'session',
  },
  { says: NO_RIGHT, code: 'E_AUTH', text: 'the remote user may not use this function' },
  {
    says: /invalid client_id/i,
    code: 'E_CONFIG',
    text: 'the panel has no client with the number in clientId',
    hint: 'leave clientId out, or set it to the number of a client',
  },
  {
    says: /_error/,
    code: 'E_REJECTED',
    hint: 'the panel names the field it does not accept, of the record or of the settings of its zone (SOA)',
  },
];

/** Adding and deleting with a new serial also need the zone functions, and the fault does not say which right is missing. */
function boxesFor(call: string): string {
  if (/^dns_zone_/.test(call)) return ZONE_BOX;
  return call === 'dns_txt_get' ? TXT_BOX : `${ZONE_BOX} and ${TXT_BOX}`;
}

/** Database faults come with the whole statement, values included. */
function withoutSql(text: string): string {
  return text.replace(/\s*\b(INSERT INTO|DELETE FROM|UPDATE|SELECT)\b.*$/s, '');
}

const outOfReach = (call: string): Dns01Error =>
  new Dns01Error('E_AUTH', `${call}: the panel does not let this user change the zone`, {
    hint: 'check in the panel that the zone still exists and which client owns it',
  });

function isPage({ text, headers }: HttpAnswer): boolean {
  const start = text.trimStart()[0] ?? '{';
  return !'{['.includes(start) && (start === '<' || /html/i.test(headers['content-type'] ?? ''));
}

function pageInstead({ call, text }: HttpAnswer): Dns01Error {
  if (/remote api is disabled/i.test(text)) {
    return new Dns01Error('E_CONFIG', `${call}: the panel's remote API is switched off`, {
      hint: "set remote_api_allowed=yes in the panel's security/security_settings.ini",
    });
  }
  const what = `${call}: the answer is a web page: "${excerpt(text)}"`;
  if (call === 'login') return new Dns01Error('E_CONFIG', what, { hint: URL_HINT });
  return new Dns01Error('E_PROTOCOL', what, {
    outcomeUnknown: true,
    // After a login the address is right.
    hint: 'check what is between this machine and the panel: a proxy or firewall answered instead of it',
  });
}

/** The meaning of a status of 400 or more. ISPConfig itself sends none. */
function refusalOf({ status }: HttpAnswer): Refusal {
  const text = 'the web server refuses the request';
  const hint = 'allow this machine in the web server of the panel';
  if (status === 401 || status === 403) return { code: 'E_AUTH', text, hint };
  return { code: status === 404 || status === 410 ? 'E_CONFIG' : 'E_PROTOCOL', text, hint: URL_HINT };
}

/** `invalid_method`, `invalid_data` and `invalid_class`: the request was changed on its way to the API. */
function notUnderstood(call: string, code: string, message: string): Dns01Error {
  const words = `${excerpt(code)}: ${excerpt(message)}`;
  return new Dns01Error('E_PROTOCOL', `${call}: the panel does not understand the call (${words})`, {
    hint: `${URL_HINT}, and check that no proxy drops the query or the body of a request`,
  });
}

export function serialHint({ message, hint }: Dns01Error, zone: Fqdn): string {
  if (/may not use this function/.test(message)) {
    return `tick ${ZONE_BOX} ${RIGHTS_PLACE}: raising the serial needs dns_zone_get and dns_zone_update`;
  }
  // Faults of the zone's own form: `minimum_range_error`, `mbox_error_empty`.
  const fields = new Set([...message.matchAll(/\b([a-z]+)(?:_range)?_error/g)].map(([, field]) => field));
  if (fields.size > 0) {
    return `correct ${[...fields].join(', ')} in the settings of the zone ${zone}, in the panel under DNS`;
  }
  return hint ?? `save the settings of the zone ${zone} once in the panel under DNS, and read the message there`;
}
