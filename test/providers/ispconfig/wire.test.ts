/** The requests as they go over the wire, against answers as a real panel gave them. */

import nock from 'nock';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { open, record, VALUE } from './support.ts';

const ORIGIN = 'https://panel.example.com:8080';
const API = `${ORIGIN}/remote/json.php`;
const SESSION = 'r380947d9cd4a1f3f0c6be2f0a5d7c2b19e84fa06';

let sent: { url: string; contentType: string | null; body: unknown }[];

beforeEach(() => {
  nock.disableNetConnect();
  sent = [];
});
afterEach(() => {
  vi.useRealTimers();
  expect(nock.pendingMocks()).toEqual([]);
  nock.cleanAll();
});

/** The panel's answers, one request each, in this order. */
function panelAnswers(...responses: unknown[]): void {
  const rest = [...responses];
  nock(ORIGIN)
    .post(/.*/)
    .times(responses.length)
    .reply(async (request: Request) => {
      const { pathname, search } = new URL(request.url);
      const contentType = request.headers.get('content-type');
      sent.push({ url: `${pathname}${search}`, contentType, body: await request.json() });
      return [
        200,
        JSON.stringify({ code: 'ok', message: '', response: rest.shift() }),
        { 'content-type': 'application/json; charset="utf-8"' },
      ];
    });
}

const ZONE = {
  id: '7',
  sys_userid: '5',
  sys_groupid: '4',
  server_id: '3',
  origin: 'example.com.',
  serial: '2026112001',
  ttl: '3600',
  active: 'Y',
  update_acl: null,
  rendered_zone: '$TTL 3600\n',
};
const ROW = {
  id: '19',
  server_id: '3',
  zone: '7',
  name: '_acme-challenge.example.com.',
  type: 'TXT',
  data: VALUE,
  aux: '0',
  ttl: '60',
  active: 'Y',
  stamp: '2026-11-20 10:00:00',
  serial: '0',
};

const login = {
  url: '/remote/json.php?login',
  contentType: 'application/json',
  body: { username: 'acme', password: 'correct-horse-battery', client_login: false },
};
const call = (name: string, body: object) => ({
  url: `/remote/json.php?${name}`,
  contentType: 'application/json',
  body: { session_id: SESSION, ...body },
});

it('adds with five requests when the zone is known', async () => {
  panelAnswers(SESSION, [ZONE], [], '19', true);
  const { provider } = open({ url: API });
  expect(await provider.addTxt(record)).toEqual({ zone: 'example.com', id: '19', changed: true });
  await provider.close?.();
  expect(sent).toEqual([
    login,
    call('dns_zone_get', { primary_id: { origin: 'example.com.' } }),
    call('dns_txt_get', { primary_id: { zone: '7', name: '_acme-challenge%', '#OFFSET#': 0, '#LIMIT#': 10_000 } }),
    call('dns_txt_add', {
      client_id: 0,
      params: {
        server_id: '3',
        zone: '7',
        name: '_acme-challenge.example.com.',
        type: 'TXT',
        data: VALUE,
        aux: '0',
        ttl: '60',
        active: 'Y',
        stamp: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
        serial: '0',
      },
      update_serial: true,
    }),
    call('logout', {}),
  ]);
});

it('takes numbers where other versions send them', async () => {
  panelAnswers(SESSION, [{ ...ZONE, id: 7, server_id: 3, serial: 2026112001 }], [], 19);
  const { provider } = open({ url: API });
  expect(await provider.addTxt(record)).toEqual({ zone: 'example.com', id: '19', changed: true });
});

it('asks for every zone that the core tries, the longest first and the full name last', async () => {
  panelAnswers(SESSION, [], [], []);
  const { provider } = open({ url: API });
  const searched = { ...record, name: '_acme-challenge.www.example.com', zone: undefined };
  await expect(provider.addTxt(searched)).rejects.toMatchObject({ code: 'E_ZONE' });
  expect(sent.slice(1)).toEqual(
    ['www.example.com.', 'example.com.', '_acme-challenge.www.example.com.'].map((origin) =>
      call('dns_zone_get', { primary_id: { origin } }),
    ),
  );
});

it('sends what the account says: a customer login, a client and a ttl', async () => {
  panelAnswers(SESSION, [ZONE], [], '19');
  const { provider } = open({ url: API, clientLogin: true, clientId: 4, ttl: 120 });
  await provider.addTxt(record);
  expect(sent[0]?.body).toMatchObject({ client_login: true });
  expect(sent[3]?.body).toMatchObject({ client_id: 4, params: { ttl: '120' } });
});

it.each([
  [30, '60'],
  [300, '300'],
])('asked for a ttl of %i it sends %s', async (ttl, sentTtl) => {
  panelAnswers(SESSION, [ZONE], [], '19');
  const { provider } = open({ url: API });
  await provider.addTxt({ ...record, ttl });
  expect(sent[3]?.body).toMatchObject({ params: { ttl: sentTtl } });
});

it('removes with four requests, without reading the zone', async () => {
  panelAnswers(SESSION, [ROW], 1, true);
  const { provider } = open({ url: API });
  expect(await provider.removeTxt(record)).toBe('removed');
  await provider.close?.();
  expect(sent).toEqual([
    login,
    call('dns_txt_get', { primary_id: { name: '_acme-challenge%', type: 'TXT', data: VALUE } }),
    call('dns_txt_delete', { primary_id: '19', update_serial: true }),
    call('logout', {}),
  ]);
});

it('finds with four requests that there is nothing to remove in a zone that is there', async () => {
  panelAnswers(SESSION, [], [ZONE], true);
  const { provider } = open({ url: API });
  expect(await provider.removeTxt(record)).toBe('absent');
  await provider.close?.();
  expect(sent.map(({ url }) => url.split('?')[1])).toEqual(['login', 'dns_txt_get', 'dns_zone_get', 'logout']);
});

it('lists with one search in the zone', async () => {
  panelAnswers(SESSION, [ZONE], [ROW, { ...ROW, id: '20' }, { ...ROW, id: '21', data: 'off', active: 'N' }]);
  const { provider } = open({ url: API });
  expect(await provider.listTxt(record.name)).toEqual([VALUE]);
  const primary_id = { zone: '7', name: '_acme-challenge%', '#OFFSET#': 0, '#LIMIT#': 10_000 };
  expect(sent[2]).toEqual(call('dns_txt_get', { primary_id }));
});

it('asks for the zones a page at a time, and for as many as will weigh 4 MB', async () => {
  const pageOf = (from: number, zone: object) =>
    Array.from({ length: 25 }, (_, index) => ({
      ...zone,
      id: String(from + index),
      origin: `z${from + index}.example.`,
    }));
  panelAnswers(SESSION, pageOf(0, ZONE), [{ ...ZONE, id: '25', origin: 'off.example.', active: 'N' }]);
  const { provider } = open({ url: API });
  const zones = [];
  for await (const zone of provider.listZones?.() ?? []) zones.push(zone);
  expect(zones).toHaveLength(26);
  expect(zones.at(0)).toEqual({ name: 'z0.example', active: true });
  expect(zones.at(-1)).toEqual({ name: 'off.example', active: false });
  expect(sent.slice(1)).toEqual([
    call('dns_zone_get', { primary_id: { '#OFFSET#': 0, '#LIMIT#': 25 } }),
    call('dns_zone_get', { primary_id: { '#OFFSET#': 25, '#LIMIT#': 1000 } }),
  ]);

  sent = [];
  panelAnswers(SESSION, pageOf(0, { ...ZONE, rendered_zone: 'x'.repeat(1_000_000) }), pageOf(25, ZONE).slice(0, 2));
  const large = open({ url: API });
  for await (const zone of large.provider.listZones?.() ?? []) zones.push(zone);
  expect(sent[2]).toEqual(call('dns_zone_get', { primary_id: { '#OFFSET#': 25, '#LIMIT#': 3 } }));
});

it('asks for fewer zones again where many at once are too much', async () => {
  const some = Array.from({ length: 25 }, (_, index) => ({ ...ZONE, id: String(index), origin: `z${index}.example.` }));
  panelAnswers(SESSION, some, 'out of memory', [{ ...ZONE, id: '25' }]);
  const { provider } = open({ url: API });
  const zones = [];
  for await (const zone of provider.listZones?.() ?? []) zones.push(zone.name);
  expect(zones).toHaveLength(26);
  expect(sent.slice(2).map(({ body }) => body)).toMatchObject([
    { primary_id: { '#OFFSET#': 25, '#LIMIT#': 1000 } },
    { primary_id: { '#OFFSET#': 25, '#LIMIT#': 25 } },
  ]);
});

it('ends the list of zones where the panel does not page', async () => {
  const page = Array.from({ length: 30 }, (_, index) => ({ ...ZONE, id: String(index), origin: `z${index}.example.` }));
  panelAnswers(SESSION, page, page);
  const { provider } = open({ url: API });
  const zones = [];
  for await (const zone of provider.listZones?.() ?? []) zones.push(zone.name);
  expect(zones).toHaveLength(30);
});

it('logs in once for several verbs, and not at all for none', async () => {
  panelAnswers(SESSION, [ZONE], [], []);
  const { provider } = open({ url: API });
  const names = [record.name, `_acme-challenge.www.${record.zone}`];
  await Promise.all(names.map((name) => provider.listTxt(name, record.zone)));
  expect(sent.map(({ url }) => url.split('?')[1])).toEqual(['login', 'dns_zone_get', 'dns_txt_get', 'dns_txt_get']);
  await open({ url: API }).provider.close?.();
  expect(sent).toHaveLength(4);
});

it.each([[null], [false], [{}], ['x']])(
  'takes %j instead of a list for a broken answer, not for nothing found',
  async (answer) => {
    panelAnswers(SESSION, answer);
    const { provider } = open({ url: API });
    await expect(provider.removeTxt(record)).rejects.toMatchObject({
      code: 'E_PROTOCOL',
      message: expect.stringContaining('dns_txt_get: unexpected answer, field response '),
    });
  },
);

it.each([[null], [false], [[]], ['']])('does not take %j for a session', async (answer) => {
  panelAnswers(answer);
  const { provider } = open({ url: API });
  await expect(provider.listTxt(record.name)).rejects.toMatchObject({
    code: 'E_PROTOCOL',
    message: expect.stringContaining('login: unexpected answer, field response'),
  });
});

it.each([[null], [false], [[]], ['x1']])('looks for the row when an add answers ok with %j', async (answer) => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-11-20T10:00:00Z') });
  panelAnswers(SESSION, [ZONE], [], answer, [ROW], [{ ...ZONE, serial: '2026112002' }]);
  const { provider } = open({ url: API });
  expect(await provider.addTxt(record)).toEqual({ zone: 'example.com', id: '19', changed: true });
});
