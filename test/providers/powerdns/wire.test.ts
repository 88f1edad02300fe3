import nock from 'nock';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { normaliseName } from '../../../src/names.ts';
import { failureOf, inProcess, NAME, OTHER, recordAt, VALUE } from './support.ts';

const ORIGIN = 'http://pdns.example.net:8081';
const ACCOUNT = { url: ORIGIN, apiKey: 'the-api-key' };
const BASE = '/api/v1/servers/localhost';
const ZONE = `${BASE}/zones/example.com.`;
const RRSET = `${ZONE}?rrset_name=${NAME}.&rrset_type=TXT`;
const SEARCH = `${BASE}/search-data?q=${NAME}&max=10000&object_type=record`;
const RECORD = recordAt(NAME, VALUE, 'example.com');

/** A request that was made: `METHOD path body`, to the letter. */
interface Seen {
  readonly line: string;
  readonly headers: Record<string, string>;
}
let seen: Seen[] = [];
const lines = () => seen.map(({ line }) => line);

/** The server says this to the next such request. */
function answers(method: string, path: string, status: number, body?: unknown) {
  nock(ORIGIN)
    .intercept(path, method)
    .reply(async (request: Request) => {
      const sent = await request.text();
      seen.push({ line: [method, path, sent].join(' ').trim(), headers: Object.fromEntries(request.headers) });
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      return [status, status === 204 ? null : text];
    });
}

/** An answer of PowerDNS 4.7.3, shortened by what nobody reads. */
function zoneWith(contents: readonly string[], { ttl = 300, ...head }: Record<string, unknown> = {}) {
  const records = contents.map((content) => ({ content, disabled: false }));
  const rrset = { comments: [], name: `${NAME}.`, records, ttl, type: 'TXT' };
  return { id: 'example.com.', kind: 'Native', soa_edit_api: '', ...head, rrsets: records.length ? [rrset] : [] };
}

const add = () => inProcess(ACCOUNT, (provider) => provider.addTxt(RECORD));
const remove = () =>
  inProcess(ACCOUNT, (provider) => provider.removeTxt(RECORD, { zone: normaliseName('example.com') }));
const list = () => inProcess(ACCOUNT, (provider) => provider.listTxt(NAME, 'example.com'));

describe('what powerdns sends and understands', () => {
  beforeAll(() => nock.disableNetConnect());
  afterAll(() => nock.enableNetConnect());
  afterEach(() => {
    nock.cleanAll();
    seen = [];
  });

  it('adds the first value: read, search, replace, read, each with the key', async () => {
    answers('GET', RRSET, 200, zoneWith([]));
    answers('GET', SEARCH, 200, []);
    answers('PATCH', ZONE, 204);
    answers('GET', RRSET, 200, zoneWith([`"${VALUE}"`]));
    expect(await add()).toEqual({ zone: 'example.com', changed: true });
    expect(lines()).toEqual([
      `GET ${RRSET}`,
      `GET ${SEARCH}`,
      `PATCH ${ZONE} {"rrsets":[{"name":"${NAME}.","type":"TXT","ttl":60,"changetype":"REPLACE",` +
        `"records":[{"content":"\\"${VALUE}\\"","disabled":false}]}]}`,
      `GET ${RRSET}`,
    ]);
    for (const { headers } of seen) expect(headers).toMatchObject({ 'x-api-key': 'the-api-key' });
    expect(seen[2]?.headers['content-type']).toBe('application/json');
  });

  it('keeps what is there: spelling, TTL and disabled flags', async () => {
    const odd = '"a\\034b\\195\\164" "second"';
    const disabled = { object_type: 'record', name: `${NAME}.`, zone: 'example.com.', type: 'TXT', ttl: 900 };
    answers('GET', RRSET, 200, zoneWith([odd, `"${OTHER}"`], { ttl: 3600 }));
    answers('GET', SEARCH, 200, [
      { ...disabled, content: '"off"', disabled: true },
      { ...disabled, content: `"${OTHER}"`, disabled: false },
      { ...disabled, content: '"in between"', disabled: false },
      { ...disabled, content: '"elsewhere"', zone: 'example.org.', disabled: true },
      { ...disabled, content: '"deeper"', name: `x.${NAME}.`, disabled: true },
      { ...disabled, content: 'ns1.example.com.', type: 'NS', disabled: true },
      { object_type: 'zone', name: 'example.com.' },
    ]);
    answers('PATCH', ZONE, 204);
    answers('GET', RRSET, 200, zoneWith([odd, `"${OTHER}"`, `"${VALUE}"`]));
    await add();
    const [, , patch = ''] = lines();
    expect(JSON.parse(patch.slice(`PATCH ${ZONE} `.length)).rrsets).toEqual([
      {
        name: `${NAME}.`,
        type: 'TXT',
        ttl: 3600,
        changetype: 'REPLACE',
        records: [
          { content: odd, disabled: false },
          { content: `"${OTHER}"`, disabled: false },
          { content: '"off"', disabled: true },
          { content: `"${VALUE}"`, disabled: false },
        ],
      },
    ]);
  });

  it('removes the last value with DELETE, without records and TTL', async () => {
    answers('GET', RRSET, 200, zoneWith([`"${VALUE}"`]));
    answers('GET', SEARCH, 200, []);
    answers('PATCH', ZONE, 204);
    answers('GET', RRSET, 200, zoneWith([]));
    expect(await remove()).toBe('removed');
    expect(lines()[2]).toBe(`PATCH ${ZONE} {"rrsets":[{"name":"${NAME}.","type":"TXT","changetype":"DELETE"}]}`);
  });

  it('removes one of several by itself', async () => {
    answers('GET', RRSET, 200, zoneWith([`"${VALUE}"`, `"${OTHER}"`]));
    answers('GET', SEARCH, 200, []);
    answers('PATCH', ZONE, 204);
    answers('GET', RRSET, 200, zoneWith([`"${OTHER}"`]));
    expect(await remove()).toBe('removed');
    expect(lines()[2]).toBe(
      `PATCH ${ZONE} {"rrsets":[{"name":"${NAME}.","type":"TXT","ttl":300,"changetype":"PRUNE",` +
        `"records":[{"content":"\\"${VALUE}\\"","disabled":false}]}]}`,
    );
  });

  it('removes one of several with the rest, where the server cannot do it by itself', async () => {
    answers('GET', RRSET, 200, zoneWith([`"${VALUE}"`, `"${OTHER}"`]));
    answers('GET', SEARCH, 200, []);
    answers('PATCH', ZONE, 422, { error: 'Changetype not understood' });
    answers('PATCH', ZONE, 204);
    answers('GET', RRSET, 200, zoneWith([`"${OTHER}"`]));
    expect(await remove()).toBe('removed');
    expect(lines()[3]).toBe(
      `PATCH ${ZONE} {"rrsets":[{"name":"${NAME}.","type":"TXT","ttl":300,"changetype":"REPLACE",` +
        `"records":[{"content":"\\"${OTHER}\\"","disabled":false}]}]}`,
    );
  });

  it('reads the values without quotes, escapes and borders of strings', async () => {
    answers('GET', RRSET, 200, zoneWith(['"plain"', '"two" "parts"', '"a\\"b\\\\c"', '"\\195\\164"', '"ö"', '""']));
    expect(await list()).toEqual(['plain', 'twoparts', 'a"b\\c', 'ä', 'ö', '']);
  });

  it('reads only its own record set out of more than it asked for', async () => {
    const answer = zoneWith([`"${VALUE}"`]);
    const record = { content: '"not mine"', disabled: false };
    const others = [
      { name: `x.${NAME}.`, type: 'TXT', ttl: 60, records: [record] },
      { name: `${NAME}.`, type: 'SPF', ttl: 60, records: [record] },
    ];
    answers('GET', RRSET, 200, { ...answer, rrsets: [...others, ...answer.rrsets] });
    expect(await list()).toEqual([VALUE]);
  });

  it('knows its record set in another letter case', async () => {
    const answer = zoneWith([`"${VALUE}"`]);
    answers('GET', RRSET, 200, {
      ...answer,
      rrsets: answer.rrsets.map((set) => ({ ...set, name: `${NAME.toUpperCase()}.` })),
    });
    expect(await list()).toEqual([VALUE]);
  });

  it.each([
    ['a text instead of record sets', { kind: 'Native', rrsets: 'none' }, 'field rrsets'],
    ['no record sets at all', { kind: 'Native' }, 'field rrsets is missing'],
    [
      'a record without content',
      { rrsets: [{ name: 'x.', type: 'TXT', ttl: 1, records: [{}] }] },
      'content is missing',
    ],
    ['HTML', '<h1>It works</h1>', 'expected JSON, got "It works"'],
    ['nothing', '', 'an empty body'],
  ])('calls %s a broken answer, not an empty record set', async (_what, body, told) => {
    answers('GET', RRSET, 200, body);
    const failure = await failureOf(add());
    expect(failure.code).toBe('E_PROTOCOL');
    expect(failure.message).toContain(told);
    expect(lines()).toHaveLength(1);
  });

  it.each([
    [401, 'Unauthorized', 'E_AUTH', 'the API key was refused (status 401)'],
    [404, 'Not Found', 'E_ZONE', 'there is no such zone or address (status 404): Not Found'],
    [422, { error: 'no way' }, 'E_REJECTED', 'refused (status 422): no way'],
    [400, 'Bad Request', 'E_REJECTED', 'refused (status 400): Bad Request'],
  ] as const)('tells a refusal with status %i', async (status, body, code, told) => {
    answers('GET', RRSET, status, body);
    const failure = await failureOf(add());
    expect(failure).toMatchObject({ code, message: `GET /zones/example.com.: ${told}`, outcomeUnknown: false });
    expect(failure.hint).toBeTruthy();
    expect(lines()).toHaveLength(1);
  });

  it('tells why a change was refused, and that nothing was changed', async () => {
    answers('GET', RRSET, 200, zoneWith([]));
    answers('GET', SEARCH, 200, []);
    answers('PATCH', ZONE, 422, { error: `RRset ${NAME}. IN TXT: Conflicts with pre-existing RRset` });
    const failure = await failureOf(add());
    expect(failure).toMatchObject({
      code: 'E_REJECTED',
      message: `PATCH /zones/example.com.: refused (status 422): RRset ${NAME}. IN TXT: Conflicts with pre-existing RRset`,
      outcomeUnknown: false,
    });
    expect(failure.hint).toMatch(/CNAME/);
  });

  it('lists the zones of the server but those that are copies', async () => {
    answers('GET', `${BASE}/zones`, 200, [
      { name: 'example.com.', kind: 'Native' },
      { name: 'Example.ORG.', kind: 'Master' },
      { name: 'copy.example.', kind: 'Slave' },
      { name: 'copy2.example.', kind: 'Secondary' },
    ]);
    const zones = await inProcess(ACCOUNT, async ({ listZones }) => {
      const names: string[] = [];
      for await (const { name } of listZones?.() ?? []) names.push(name);
      return names;
    });
    expect(zones).toEqual(['example.com', 'example.org']);
  });

  it('tells where there is no API at all', async () => {
    answers('GET', `${BASE}/zones`, 404, 'Not Found');
    const failure = await failureOf(
      inProcess(ACCOUNT, async ({ listZones }) => listZones?.()[Symbol.asyncIterator]().next()),
    );
    expect(failure).toMatchObject({
      code: 'E_ZONE',
      message: 'GET /zones: there is no such zone or address (status 404): Not Found',
    });
  });
});
