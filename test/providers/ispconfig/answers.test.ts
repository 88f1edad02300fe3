/** What a user is told of each answer that a panel, or what is in front of it, was seen to give. */

import nock from 'nock';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { failureOf, open, record } from './support.ts';

const ORIGIN = 'https://panel.example.com:8080';
const API = `${ORIGIN}/remote/json.php`;
const SESSION = 'r380947d9cd4a1f3f0c6be2f0a5d7c2b19e84fa06';

beforeEach(() => nock.disableNetConnect());
afterEach(() => nock.cleanAll());

interface Told {
  readonly status?: number;
  readonly type?: string;
  readonly body: string;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

const fault = (message: string) => JSON.stringify({ code: 'remote_fault', message, response: false });
const invalid = (code: string, message: string) => JSON.stringify({ code, message, response: false });

const atLogin: Told[] = [
  {
    body: fault('The login failed. Username or password wrong.'),
    code: 'E_AUTH',
    message: 'login: wrong user name or password',
    hint: 'check username and password',
  },
  {
    body: fault('The login password is empty.'),
    code: 'E_AUTH',
    message: 'login: wrong user name or password',
    hint: 'check username and password',
  },
  {
    body: fault('The login is not allowed from 192.0.2.7'),
    code: 'E_AUTH',
    message: 'login: the panel does not let this user log in from this address',
    hint: 'tick "Remote Access"',
  },
  {
    body: fault('The login failure limit has been reached.'),
    code: 'E_AUTH',
    message: 'login: the panel has blocked this address',
    hint: 'wait at least 5 minutes',
  },
  {
    body: fault('This ISPConfig installation is currently under maintenance. We should be back shortly.'),
    code: 'E_REMOTE',
    message: 'login: the panel is under maintenance',
    hint: 'try again later',
  },
  {
    type: 'text/html',
    body: 'Remote API is disabled in security settings.',
    code: 'E_CONFIG',
    message: "login: the panel's remote API is switched off",
    hint: 'remote_api_allowed=yes',
  },
  {
    type: 'text/html',
    body: '<!DOCTYPE html><title>ISPConfig</title><p>Login</p>',
    code: 'E_CONFIG',
    message: 'login: the answer is a web page: "ISPConfig Login"',
    hint: 'like https://panel.example.com:8080/remote/json.php',
  },
  {
    status: 404,
    type: 'text/html',
    body: '<h1>Not Found</h1>',
    code: 'E_CONFIG',
    message: 'login: the web server refuses the request (status 404): Not Found',
    hint: 'like https://panel.example.com:8080/remote/json.php',
  },
  {
    status: 403,
    body: '',
    code: 'E_AUTH',
    message: 'login: the web server refuses the request (status 403)',
    hint: 'allow this machine',
  },
  {
    status: 400,
    body: '',
    code: 'E_PROTOCOL',
    message: 'login: the web server refuses the request (status 400)',
    hint: 'set url',
  },
  {
    body: invalid('invalid_method', 'Method not provided in json call'),
    code: 'E_PROTOCOL',
    message: 'login: the panel does not understand the call (invalid_method: Method not provided in json call)',
    hint: 'no proxy drops the query',
  },
  {
    body: invalid('invalid_data', 'The JSON data sent to the api is invalid'),
    code: 'E_PROTOCOL',
    message: 'login: the panel does not understand the call (invalid_data',
    hint: 'or the body of a request',
  },
];

it.each(atLogin)('at the login: $message', async ({ status, type, body, code, message, hint }) => {
  nock(ORIGIN)
    .post(/login/)
    .reply(status ?? 200, body, { 'content-type': type ?? 'application/json' });
  const failure = await failureOf(open({ url: API }).provider.listTxt(record.name));
  expect(failure.code).toBe(code);
  expect(failure.message.startsWith(message)).toBe(true);
  expect(failure.hint).toContain(hint);
});

const later: Told[] = [
  {
    body: fault('You do not have the permissions to access this function.'),
    code: 'E_AUTH',
    message: 'dns_txt_get: the remote user may not use this function',
    hint: 'tick "DNS txt functions" in the panel under System > Remote Users',
  },
  {
    body: fault('data_error_empty<br />\r\n'),
    code: 'E_REJECTED',
    message: 'dns_txt_get: the panel refuses: data_error_empty',
    hint: 'the panel names the field',
  },
  {
    type: 'text/html',
    body: '<html><body>Access denied by ACME Firewall</body></html>',
    code: 'E_PROTOCOL',
    message: 'dns_txt_get: the answer is a web page: "Access denied by ACME Firewall"',
    hint: 'a proxy or firewall answered instead of it',
  },
];

/** What every verb asks for before it looks at rows. */
const ZONE = { id: '7', server_id: '1', origin: 'example.com.', active: 'Y', serial: '1' };

function zoneIsRead(): void {
  nock(ORIGIN)
    .post(/dns_zone_get/)
    .reply(200, { code: 'ok', message: '', response: [ZONE] });
}

it.each(later)('after the login: $message', async ({ type, body, code, message, hint }) => {
  nock(ORIGIN).post(/login/).reply(200, { code: 'ok', message: '', response: SESSION });
  zoneIsRead();
  nock(ORIGIN)
    .post(/dns_txt_get/)
    .reply(200, body, { 'content-type': type ?? 'application/json' });
  const failure = await failureOf(open({ url: API }).provider.listTxt(record.name));
  expect({ code: failure.code, message: failure.message }).toEqual({ code, message });
  expect(failure.hint).toContain(hint);
});

it('does not repeat the statement of a database fault', async () => {
  const sql = "Column 'server_id' cannot be null INSERT INTO `dns_rr` (`data`) VALUES ('the-value')";
  nock(ORIGIN).post(/login/).reply(200, { code: 'ok', message: '', response: SESSION });
  zoneIsRead();
  nock(ORIGIN)
    .post(/dns_txt_get/)
    .reply(200, fault(sql));
  const failure = await failureOf(open({ url: API }).provider.listTxt(record.name));
  expect(failure).toMatchObject({
    code: 'E_REJECTED',
    message: "dns_txt_get: the panel refuses: Column 'server_id' cannot be null",
  });
});

it('marks a session as secret before an unreadable answer is told', async () => {
  const noise = `<b>Warning</b>: something {"code":"ok","message":"","response":"${SESSION}"}`;
  nock(ORIGIN).post(/login/).reply(200, noise, { 'content-type': 'application/json' });
  const { provider, context } = open({ url: API });
  await failureOf(provider.listTxt(record.name));
  expect(context.secrets).toContain(SESSION);
});
