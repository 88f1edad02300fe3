import nock from 'nock';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openZoneid, recordAt, VALUE } from './support.ts';

const ACCOUNT = { username: 'zoneid_username', apiKey: 'zoneid_api_key', url: 'https://api.zone.eu/v2' };
const AUTHORIZATION = 'Basic em9uZWlkX3VzZXJuYW1lOnpvbmVpZF9hcGlfa2V5';
const NAME = '_acme-challenge.www.example.ee';
const RECORD = recordAt(NAME, VALUE, 'example.ee');

/** A request that was made: `METHOD path body`, to the letter. */
interface Seen {
  readonly line: string;
  readonly headers: Record<string, string>;
}
let seen: Seen[] = [];

/** The API says this to the next such request. */
function answers(method: string, path: string, status: number, body?: unknown, headers?: Record<string, string>) {
  nock('https://api.zone.eu')
    .intercept(path, method)
    .reply(async (request: Request) => {
      const sent = await request.text();
      seen.push({ line: [method, path, sent].join(' ').trim(), headers: Object.fromEntries(request.headers) });
      return [status, body === undefined ? emptyBody(status) : JSON.stringify(body), headers];
    });
}

/** nock takes no body at all, not even an empty one, for a 204. */
const emptyBody = (status: number) => (status === 204 ? null : '');

async function run<Result>(verb: (zoneid: ReturnType<typeof openZoneid>) => Promise<Result>): Promise<Result> {
  const opened = openZoneid(ACCOUNT);
  try {
    return await verb(opened);
  } finally {
    await opened.close();
  }
}

const add = () => run(({ provider }) => provider.addTxt(RECORD));
const lines = () => seen.map(({ line }) => line);

describe('what zoneid sends and understands', () => {
  beforeAll(() => nock.disableNetConnect());
  afterAll(() => nock.enableNetConnect());
  afterEach(() => {
    nock.cleanAll();
    seen = [];
  });

  it('adds with one POST of the full name and the value, with Basic authentication', async () => {
    answers('POST', '/v2/dns/example.ee/txt', 201, [{ id: '123', name: NAME, destination: VALUE }]);
    expect(await add()).toEqual({ zone: 'example.ee', id: '123', proven: true, changed: true });
    expect(lines()).toEqual([`POST /v2/dns/example.ee/txt {"name":"${NAME}","destination":"${VALUE}"}`]);
    expect(seen[0]?.headers).toMatchObject({
      authorization: AUTHORIZATION,
      'content-type': 'application/json',
      'content-length': String(JSON.stringify({ name: NAME, destination: VALUE }).length),
    });
  });

  it('removes by handle with one DELETE of the id, without a body', async () => {
    answers('DELETE', '/v2/dns/example.ee/txt/123', 204);
    const handle = { zone: 'example.ee', id: '123', proven: true };
    expect(await run(({ provider }) => provider.removeTxt(RECORD, handle))).toBe('removed');
    expect(lines()).toEqual(['DELETE /v2/dns/example.ee/txt/123']);
    expect(seen[0]?.headers['authorization']).toBe(AUTHORIZATION);
  });

  it('removes without a handle by list and DELETE, and never follows resource_url', async () => {
    const mine = { id: 7, resource_url: 'https://evil.example/x', name: NAME, destination: VALUE, delete: true };
    answers('GET', '/v2/dns/example.ee/txt', 200, [{ ...mine, id: 6, destination: 'another' }, mine]);
    answers('DELETE', '/v2/dns/example.ee/txt/7', 204);
    expect(await run(({ provider }) => provider.removeTxt(RECORD))).toBe('removed');
    expect(lines()).toEqual(['GET /v2/dns/example.ee/txt', 'DELETE /v2/dns/example.ee/txt/7']);
    expect(seen[0]?.headers).toMatchObject({ authorization: AUTHORIZATION, 'x-pager-limit': '100' });
    expect(seen[0]?.headers).not.toHaveProperty('x-pager-page');
  });

  it('encodes what it puts into a path', async () => {
    answers('DELETE', '/v2/dns/example.ee/txt/1%2F..%2F2%3Fx', 204);
    const handle = { zone: 'example.ee', id: '1/../2?x', proven: true };
    expect(await run(({ provider }) => provider.removeTxt(RECORD, handle))).toBe('removed');
  });

  it.each(['', '.', '..'])('never sends a DELETE for the id "%s", which would be one for the zone', async (id) => {
    const handle = { zone: 'example.ee', id, proven: true };
    await expect(run(({ provider }) => provider.removeTxt(RECORD, handle))).rejects.toMatchObject({
      code: 'E_PROTOCOL',
    });
    expect(lines()).toEqual([]);
  });

  it.each([
    ['an integer id', 201, [{ id: 123, name: NAME, destination: VALUE }], '123'],
    ['a bare object', 201, { id: '123', name: NAME, destination: VALUE }, '123'],
    ['status 200', 200, [{ id: '123', name: NAME, destination: VALUE }], '123'],
    ['status 202', 202, [{ id: '123', name: NAME, destination: VALUE }], '123'],
    ['status 202 with nothing to show yet', 202, [], undefined],
    ['status 202 without a body', 202, undefined, undefined],
    ['no id', 201, [{ name: NAME, destination: VALUE }], undefined],
    ['id null', 201, [{ id: null, name: NAME, destination: VALUE }], undefined],
    ['only an id', 201, [{ id: '123' }], '123'],
    ['a quoted value and a dot', 201, [{ id: '123', name: `${NAME}.`, destination: `"${VALUE}"` }], '123'],
    ['a short name', 201, [{ id: '123', name: '_acme-challenge.WWW', destination: VALUE }], '123'],
    ["another record's id", 201, [{ id: '9', name: NAME, destination: 'another' }], undefined],
    ["another name's id", 201, [{ id: '9', name: `x.${NAME}`, destination: VALUE }], undefined],
    ['unknown fields', 201, [{ id: '123', name: NAME, destination: VALUE, comment: null, dnssec: 1 }], '123'],
  ])('takes a created record with %s', async (what, status, body, id) => {
    answers('POST', '/v2/dns/example.ee/txt', status, body);
    const proven = id === undefined ? undefined : what !== 'only an id';
    expect(await add()).toEqual({ zone: 'example.ee', id, proven, changed: true });
    expect(lines()).toHaveLength(1);
  });

  it('looks for the record that an empty array does not show', async () => {
    answers('POST', '/v2/dns/example.ee/txt', 201, []);
    answers('GET', '/v2/dns/example.ee/txt', 200, [{ id: '5', name: NAME, destination: VALUE }]);
    expect(await add()).toEqual({ zone: 'example.ee', id: '5', proven: true, changed: true });
  });

  it.each([
    [`${NAME}.`, VALUE],
    [NAME.toUpperCase(), VALUE],
    ['_acme-challenge.www', VALUE],
    [NAME, `"${VALUE}"`],
  ])('finds its record where the API shows it as %s %s', async (name, destination) => {
    answers('GET', '/v2/dns/example.ee/txt', 200, [{ id: '5', name, destination }]);
    answers('DELETE', '/v2/dns/example.ee/txt/5', 204);
    expect(await run(({ provider }) => provider.removeTxt(RECORD))).toBe('removed');
  });

  it.each([
    [NAME, VALUE.toLowerCase()],
    [NAME, `""${VALUE}""`],
    [NAME, `${VALUE} `],
    ['_acme-challenge.example.ee', VALUE],
    [`x.${NAME}`, VALUE],
    ['www.example.ee', VALUE],
    ['@', VALUE],
    ['', VALUE],
  ])('leaves the record %s %s alone', async (name, destination) => {
    answers('GET', '/v2/dns/example.ee/txt', 200, [{ id: '5', name, destination }]);
    expect(await run(({ provider }) => provider.removeTxt(RECORD))).toBe('absent');
  });

  it('knows an internationalised name in Unicode as well', async () => {
    const name = '_acme-challenge.xn--un-bka.ee';
    answers('GET', '/v2/dns/xn--un-bka.ee/txt', 200, [{ id: '5', name: '_acme-challenge.Õun.ee', destination: VALUE }]);
    expect(await run(({ provider }) => provider.listTxt(name, 'xn--un-bka.ee'))).toEqual([VALUE]);
  });

  it('knows the apex of the zone by its short forms', async () => {
    answers('GET', '/v2/dns/example.ee/txt', 200, [
      { id: '1', name: '@', destination: 'one' },
      { id: '2', name: 'example.ee', destination: '"two"' },
      { id: '3', name: 'www', destination: 'three' },
    ]);
    expect(await run(({ provider }) => provider.listTxt('example.ee', 'example.ee'))).toEqual(['one', 'two']);
  });

  describe('pages', () => {
    const paged = (page: string, pages: string, enabled = '1') => ({
      'x-pager-enabled': enabled,
      'x-pager-page': page,
      'x-pager-pages': pages,
    });
    const list = () => run(({ provider }) => provider.listTxt(NAME, 'example.ee'));
    const entry = (destination: string) => [{ id: '1', name: NAME, destination }];

    it('are followed to the last where the pager is on', async () => {
      answers('GET', '/v2/dns/example.ee/txt', 200, entry('one'), paged('1', '3'));
      answers('GET', '/v2/dns/example.ee/txt', 200, entry('two'), paged('2', '3'));
      answers('GET', '/v2/dns/example.ee/txt', 200, entry('three'), paged('3', '3'));
      expect(await list()).toEqual(['one', 'two', 'three']);
      expect(seen.map(({ headers }) => headers['x-pager-page'])).toEqual([undefined, '2', '3']);
      expect(seen.map(({ headers }) => headers['x-pager-limit'])).toEqual(['100', '100', '100']);
    });

    it('are not followed where the pager is off', async () => {
      answers('GET', '/v2/dns/example.ee/txt', 200, entry('one'), paged('1', '3', '0'));
      expect(await list()).toEqual(['one']);
    });

    it('end when the list shrinks meanwhile', async () => {
      answers('GET', '/v2/dns/example.ee/txt', 200, entry('one'), paged('1', '3'));
      answers('GET', '/v2/dns/example.ee/txt', 200, [], paged('2', '1'));
      expect(await list()).toEqual(['one']);
    });

    it.each([
      ['a server that always sends the first page', [paged('1', '2'), paged('1', '2')]],
      ['a server that counts without end', [paged('1', '1000001')]],
      ['a server that does not say how many', [{ 'x-pager-enabled': '1' }]],
    ])('do not lead round in circles: %s', async (_what, headers) => {
      for (const each of headers) answers('GET', '/v2/dns/example.ee/txt', 200, entry('one'), each);
      await expect(list()).rejects.toMatchObject({ code: 'E_PROTOCOL' });
      expect(lines()).toHaveLength(headers.length);
    });
  });
});
