import nock from 'nock';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readPage } from '../../../providers/panelalpha/answers.ts';
import { type Access, failureOf, inProcess, NAME, OTHER, recordAt, VALUE, warnings } from './support.ts';

const ORIGIN = 'https://panel.example.net:8443';
const ACCOUNT = { url: ORIGIN, token: '7|secret', userId: '5', accountId: '12' };
const RECORDS = '/api/server-accounts/12/dns-zones/example.com/records';
const LIST = `${RECORDS}?per_page=100`;
const RECORD = recordAt(NAME, VALUE, 'example.com');
const POSTED = `POST ${RECORDS} {"name":"_acme-challenge","type":"TXT","txtdata":"${VALUE}","ttl":60}`;

/** A request that was made: `METHOD path body`, to the letter. */
interface Seen {
  readonly line: string;
  readonly headers: Record<string, string>;
}
let seen: Seen[] = [];
const lines = () => seen.map(({ line }) => line);

/** The panel says this to the next such request. */
function answers(method: string, path: string, status: number, body?: unknown) {
  nock(ORIGIN)
    .intercept(path, method)
    .reply(async (request: Request) => {
      const sent = await request.text();
      seen.push({ line: [method, path, sent].join(' ').trim(), headers: Object.fromEntries(request.headers) });
      return [status, status === 204 ? null : typeof body === 'string' ? body : JSON.stringify(body)];
    });
}

const shown = (name: string, value = VALUE, extra: object = {}) => ({
  name,
  type: 'TXT',
  line: '7',
  txtdata: value,
  ...extra,
});
const mine = shown('_acme-challenge');
const add = (access: Partial<Access> = {}) =>
  inProcess({ ...ACCOUNT, ...access }, (provider) => provider.addTxt(RECORD));
const remove = () => inProcess(ACCOUNT, (provider) => provider.removeTxt(RECORD));
const list = (name = NAME) => inProcess(ACCOUNT, (provider) => provider.listTxt(name, 'example.com'));

describe('what panelalpha sends and understands', () => {
  beforeAll(() => nock.disableNetConnect());
  afterAll(() => nock.enableNetConnect());
  afterEach(() => {
    nock.cleanAll();
    seen = [];
  });

  it('adds with the four fields that a TXT record has, and no other', async () => {
    answers('GET', LIST, 200, { data: [] });
    answers('POST', RECORDS, 201, { data: { id: 1 } });
    answers('GET', LIST, 200, { data: [mine] });
    expect(await add()).toEqual({ zone: 'example.com', id: '12', changed: true });
    expect(lines()).toEqual([`GET ${LIST}`, POSTED, `GET ${LIST}`]);
    for (const { headers } of seen) {
      expect(headers).toMatchObject({
        authorization: 'Bearer 7|secret',
        'x-panelalpha-user': '5',
        accept: 'application/json',
      });
    }
    expect(seen[1]?.headers['content-type']).toBe('application/json');
  });

  it('removes by the encoded line, without a body', async () => {
    answers('GET', LIST, 200, { data: [{ ...mine, line: 'a/b?c#1 "x"' }] });
    answers('DELETE', `${RECORDS}/a%2Fb%3Fc%231%20%22x%22`, 204);
    answers('GET', LIST, 200, { data: [] });
    expect(await remove()).toBe('removed');
    expect(lines()[1]).toBe(`DELETE ${RECORDS}/a%2Fb%3Fc%231%20%22x%22`);
  });

  it('removes by line 0', async () => {
    answers('GET', LIST, 200, [{ ...mine, line: 0 }]);
    answers('DELETE', `${RECORDS}/0`, 200, '');
    answers('GET', LIST, 200, []);
    expect(await remove()).toBe('removed');
  });

  it.each([
    ['..', '".." cannot be a part'],
    ['.', '"." cannot be a part'],
    ['', 'without a line'],
    [null, 'without a line'],
    [undefined, 'without a line'],
    [{ number: 7 }, 'without a line'],
  ])('sends no DELETE for the line %j, which would be one for something else', async (line, told) => {
    answers('GET', LIST, 200, { data: [{ ...mine, line }] });
    expect(await failureOf(remove())).toMatchObject({ code: 'E_PROTOCOL', message: expect.stringContaining(told) });
    expect(lines()).toHaveLength(1);
  });

  it.each([
    ['relative', 'www', '_acme-challenge'],
    ['relative', '@', '_acme-challenge'],
    ['relative, with the zone itself in full', ['example.com', 'www'], '_acme-challenge'],
    ['in full', 'www.example.com', NAME],
    ['in full', 'WWW.Example.COM', NAME],
    ['in full, but for the zone itself', ['@', 'www.example.com'], NAME],
    ['with a dot', 'www.example.com.', `${NAME}.`],
    ['with a dot, but for the zone itself', ['@', 'www.example.com.'], `${NAME}.`],
  ])('sends the name as the others are shown: %s (%s)', async (_style, others, sent) => {
    const neighbours = [others].flat().map((name) => ({ name, type: 'A', line: 1, address: '192.0.2.1' }));
    answers('GET', LIST, 200, { data: neighbours });
    answers('POST', RECORDS, 200, '');
    answers('GET', LIST, 200, { data: [...neighbours, shown(sent)] });
    await add();
    expect(lines()[1]).toContain(`{"name":"${sent}",`);
  });

  it.each([
    ['relative', '_acme-challenge'],
    ['fqdn', NAME],
    ['fqdn-dot', `${NAME}.`],
  ] as const)('sends the name in the style that is set: %s', async (nameStyle, sent) => {
    answers('GET', LIST, 200, { data: [] });
    answers('POST', RECORDS, 200, '');
    answers('GET', LIST, 200, { data: [mine] });
    await add({ nameStyle });
    expect(lines()[1]).toContain(`{"name":"${sent}",`);
  });

  it('takes a doubled name back and sends the other form, once', async () => {
    const www = { name: 'www.example.com', type: 'A', line: '1' };
    answers('GET', LIST, 200, { data: [www] });
    answers('POST', RECORDS, 200, '');
    answers('GET', LIST, 200, { data: [www, shown(`${NAME}.example.com`)] });
    answers('GET', LIST, 200, { data: [www, shown(`${NAME}.example.com`)] });
    answers('DELETE', `${RECORDS}/7`, 200, '');
    answers('GET', LIST, 200, { data: [www] });
    answers('POST', RECORDS, 200, '');
    answers('GET', LIST, 200, { data: [www, shown(NAME)] });
    await inProcess(ACCOUNT, async (provider, opened) => {
      expect((await provider.addTxt(RECORD)).changed).toBe(true);
      expect(warnings(opened)).toEqual([expect.stringContaining('set nameStyle: relative')]);
    });
    const posts = lines().filter((line) => line.startsWith('POST'));
    expect(posts.map((line) => /"name":"([^"]*)"/.exec(line)?.[1])).toEqual([NAME, '_acme-challenge']);
  });

  it('sees that a full name was doubled where the list shows relative ones', async () => {
    const www = { name: 'www', type: 'A', line: '1' };
    answers('GET', LIST, 200, { data: [www] });
    answers('POST', RECORDS, 200, '');
    for (let look = 0; look < 2; look++) answers('GET', LIST, 200, { data: [www, shown(NAME)] });
    answers('DELETE', `${RECORDS}/7`, 200, '');
    answers('GET', LIST, 200, { data: [www] });
    answers('POST', RECORDS, 200, '');
    answers('GET', LIST, 200, { data: [www, mine] });
    expect((await add({ nameStyle: 'fqdn' })).changed).toBe(true);
    expect(lines().filter((line) => line.startsWith('POST'))[1]).toContain('{"name":"_acme-challenge",');
  });

  it('gives up where the other form is doubled too, and leaves nothing behind', async () => {
    const www = { name: 'www.example.com', type: 'A', line: '1' };
    const both = [www, shown(`${NAME}.example.com`)];
    answers('GET', LIST, 200, { data: [www] });
    for (let round = 0; round < 2; round++) {
      answers('POST', RECORDS, 200, '');
      answers('GET', LIST, 200, { data: both });
      answers('GET', LIST, 200, { data: both });
      answers('DELETE', `${RECORDS}/7`, 200, '');
      answers('GET', LIST, 200, { data: [www] });
    }
    expect(await failureOf(add())).toMatchObject({
      code: 'E_REJECTED',
      message: `the panel makes ${NAME}.example.com of ${NAME}, in every form that it is sent`,
      outcomeUnknown: false,
    });
    const round = ['POST', 'GET', 'GET', 'DELETE', 'GET'];
    expect(lines().map((line) => line.split(' ')[0])).toEqual(['GET', ...round, ...round]);
  });

  it('takes away first what an interrupted run left at a doubled name', async () => {
    const left = shown(`${NAME}.example.com.`);
    for (let look = 0; look < 2; look++) answers('GET', LIST, 200, { data: [left] });
    answers('DELETE', `${RECORDS}/7`, 200, '');
    answers('GET', LIST, 200, { data: [] });
    answers('POST', RECORDS, 200, '');
    answers('GET', LIST, 200, { data: [mine] });
    expect((await add()).changed).toBe(true);
    expect(lines().map((line) => line.split(' ')[0])).toEqual(['GET', 'GET', 'DELETE', 'GET', 'POST', 'GET']);
  });

  it('takes a record for its own, however it is shown, that was sent with a relative name', async () => {
    const www = { name: 'www', type: 'A', line: '1' };
    answers('GET', LIST, 200, { data: [www] });
    answers('POST', RECORDS, 200, '');
    answers('GET', LIST, 200, { data: [www, shown(NAME)] });
    expect((await add()).changed).toBe(true);
    expect(lines()).toHaveLength(3);
  });

  it('removes a record that is shown in full among relative names', async () => {
    const www = { name: 'www', type: 'A', line: '1' };
    answers('GET', LIST, 200, { data: [www, shown(NAME)] });
    answers('DELETE', `${RECORDS}/7`, 200, '');
    answers('GET', LIST, 200, { data: [www] });
    expect(await remove()).toBe('removed');
  });

  it('removes what was left at a doubled name', async () => {
    answers('GET', LIST, 200, { data: [shown(`${NAME}.example.com.`)] });
    answers('DELETE', `${RECORDS}/7`, 200, '');
    answers('GET', LIST, 200, { data: [] });
    expect(await remove()).toBe('removed');
  });

  it('leaves the TTL out where the panel finds fault with it', async () => {
    answers('GET', LIST, 200, { data: [] });
    answers('POST', RECORDS, 422, { message: 'Die TTL ist zu klein.', errors: { ttl: ['mindestens 300'] } });
    answers('POST', RECORDS, 200, '');
    answers('GET', LIST, 200, { data: [mine] });
    expect((await add()).changed).toBe(true);
    expect(lines().slice(1, 3)).toEqual([POSTED, POSTED.replace(',"ttl":60', '')]);
  });

  it.each([
    ['"ttl" only in a text', { message: 'The ttl must be at least 300.' }],
    ['another field', { message: 'no', errors: { txtdata: ['ttl'] } }],
    ['a field whose name only ends like it', { message: 'no', errors: { minttl: ['x'] } }],
  ])('does not, where the panel says %s', async (_what, body) => {
    answers('GET', LIST, 200, { data: [] });
    answers('POST', RECORDS, 422, body);
    answers('GET', LIST, 200, { data: [] });
    expect((await failureOf(add())).code).toBe('E_REJECTED');
    expect(lines().filter((line) => line.startsWith('POST'))).toHaveLength(1);
  });

  it.each([400, 422])('takes a refusal (status %i) for a success where the list shows the value', async (status) => {
    answers('GET', LIST, 200, { data: [] });
    answers('POST', RECORDS, status, { message: 'Diesen Eintrag gibt es schon.' });
    answers('GET', LIST, 200, { data: [mine] });
    expect((await add()).changed).toBe(true);
  });

  it('tells what the panel says, and which fields it names', async () => {
    answers('GET', LIST, 200, { data: [] });
    answers('POST', RECORDS, 422, { message: 'Ungültig.', errors: { txtdata: ['zu lang', 'zu kurz'], type: 'nein' } });
    answers('GET', LIST, 200, { data: [] });
    expect(await failureOf(add())).toMatchObject({
      code: 'E_REJECTED',
      message: `POST ${RECORDS.slice(4)}: refused (status 422): Ungültig. · txtdata: zu lang zu kurz · type: nein`,
      outcomeUnknown: false,
    });
  });

  it('sends the full name where the relative one is refused by name', async () => {
    answers('GET', LIST, 200, { data: [] });
    answers('POST', RECORDS, 422, { message: 'x', errors: { name: ['x'] } });
    answers('GET', LIST, 200, { data: [] });
    answers('POST', RECORDS, 200, '');
    answers('GET', LIST, 200, { data: [shown(NAME)] });
    await add();
    expect(lines()[3]).toContain(`{"name":"${NAME}",`);
  });

  it('but not where the user has set the form', async () => {
    answers('GET', LIST, 200, { data: [] });
    answers('POST', RECORDS, 422, { message: 'x', errors: { name: ['x'] } });
    answers('GET', LIST, 200, { data: [] });
    expect((await failureOf(add({ nameStyle: 'relative' }))).code).toBe('E_REJECTED');
    expect(lines()).toHaveLength(3);
  });

  it.each([
    [401, 'E_AUTH'],
    [403, 'E_AUTH'],
    [404, 'E_ZONE'],
  ])('asks nothing more after a write that is refused with status %i', async (status, code) => {
    answers('GET', LIST, 200, { data: [] });
    answers('POST', RECORDS, status, { message: 'x' });
    expect(await failureOf(add())).toMatchObject({ code, outcomeUnknown: false });
    expect(lines()).toHaveLength(2);
  });

  it('says that the record may be there when the list does not come to show it', async () => {
    answers('GET', LIST, 200, { data: [] });
    answers('POST', RECORDS, 202, { message: 'queued' });
    for (let look = 0; look < 5; look++) answers('GET', LIST, 200, { data: [] });
    const failure = await failureOf(add());
    expect(failure).toMatchObject({
      code: 'E_REMOTE',
      outcomeUnknown: true,
      message: expect.stringContaining('does not list it'),
    });
    expect(lines()).toHaveLength(7);
  });

  it('says that the record may be there when the list fails after the write', async () => {
    answers('GET', LIST, 200, { data: [] });
    answers('POST', RECORDS, 200, '');
    for (let look = 0; look < 2; look++) answers('GET', LIST, 403, { message: 'x' });
    const failure = await failureOf(add());
    expect(failure).toMatchObject({ code: 'E_AUTH', outcomeUnknown: true });
    expect(failure.message).toMatch(/^after the change was sent: GET/);
  });

  it('sends the record again where a login page answered and the list does not come to show it', async () => {
    answers('GET', LIST, 200, { data: [] });
    answers('POST', RECORDS, 200, '<html><title>Log in</title></html>');
    for (let look = 0; look < 5; look++) answers('GET', LIST, 200, { data: [] });
    answers('POST', RECORDS, 200, '');
    answers('GET', LIST, 200, { data: [mine] });
    expect((await add()).changed).toBe(true);
    expect(lines().filter((line) => line.startsWith('POST'))).toEqual([POSTED, POSTED]);
  });

  it('is told why a record cannot be deleted', async () => {
    for (const body of [mine, mine]) answers('GET', LIST, 200, { data: [body] });
    answers('DELETE', `${RECORDS}/7`, 422, { message: 'Gesperrt.' });
    expect(await failureOf(remove())).toMatchObject({
      code: 'E_REJECTED',
      message: expect.stringMatching(/refused \(status 422\): Gesperrt\.$/),
    });
    expect(lines()).toHaveLength(3);
  });

  it.each([404, 422])('takes a refused deletion (status %i) for done where the value is gone', async (status) => {
    answers('GET', LIST, 200, { data: [mine] });
    answers('DELETE', `${RECORDS}/7`, status, { message: 'Eintrag nicht gefunden' });
    answers('GET', LIST, 200, { data: [] });
    expect(await remove()).toBe('removed');
  });

  describe('of a list', () => {
    it.each([
      ['HTML', '<html><title>Log in</title></html>', 'expected JSON, got "Log in"'],
      ['an empty body', '', 'an empty body'],
      ['a text', '"none"', 'there is no list in it'],
      ['null', 'null', 'there is no list in it'],
      ['an error with status 200', { message: 'Unable to get DNS records' }, 'there is no list in it'],
      ['data: null', { data: null }, 'there is no list in it'],
      ['data without a list', { data: { message: 'no' } }, 'there is no list in it'],
      ['data: {}', { data: {} }, 'there is no list in it'],
      ['a list that lies too deep', { data: { data: { data: [mine] } } }, 'there is no list in it'],
      ['an object of objects that may be anything', { first: mine }, 'there is no list in it'],
      [
        'items that are no records',
        { data: [42, 'x', { name: 'only' }] },
        'no item of the list has the fields it should',
      ],
    ])('calls %s a broken answer, never an empty list', async (_what, body, told) => {
      answers('GET', LIST, 200, body);
      expect(await failureOf(add())).toMatchObject({ code: 'E_PROTOCOL', message: expect.stringContaining(told) });
      expect(lines()).toHaveLength(1);
    });

    it('leaves out items that are no records, and logs that', async () => {
      answers('GET', LIST, 200, { data: [mine, 42, { name: 'only' }, { type: 'TXT', txtdata: VALUE }] });
      await inProcess(ACCOUNT, async (provider, { context }) => {
        expect(await provider.listTxt(NAME, 'example.com')).toEqual([VALUE]);
        expect(context.lines.join()).toContain('"of":4,"readable":1');
      });
    });

    it('does not write where a TXT record at the name has no value that can be read', async () => {
      answers('GET', LIST, 200, { data: [{ name: NAME, type: 'TXT', line: 1, strings: ['x'] }] });
      expect(await failureOf(add())).toMatchObject({
        code: 'E_PROTOCOL',
        message: expect.stringContaining('no value'),
      });
      expect(lines()).toHaveLength(1);
    });

    it('does write where that is so at another name', async () => {
      const other = { name: 'other.example.com', type: 'TXT', line: 1, strings: ['x'] };
      answers('GET', LIST, 200, { data: [other] });
      answers('POST', RECORDS, 200, '');
      answers('GET', LIST, 200, { data: [other, shown(NAME)] });
      expect((await add()).changed).toBe(true);
    });

    it.each([
      ['plain text', 'a b', 'a b'],
      ['quotes', '"a b"', 'a b'],
      ['strings', '"a " "b"', 'a b'],
      ['strings without a space', '"a""b"', 'ab'],
      ['escapes', '"a\\"b\\\\c\\100"', 'a"b\\cd'],
      ['a quote inside', 'a"b', 'a"b'],
      ['one quote only', '"ab', '"ab'],
      ['quotes that do not match', '"a" b', '"a" b'],
    ])('reads a value in the form of %s', async (_what, text, value) => {
      answers('GET', LIST, 200, { data: [shown(NAME, text)] });
      expect(await list()).toEqual([value]);
    });

    it('reads the first field that holds something', async () => {
      const fields = { txtdata: '', rdata: null, content: 5, value: OTHER, record: 'x', data: ['y'] };
      answers('GET', LIST, 200, { data: [{ name: NAME, type: 'txt', line: 1, ...fields }] });
      expect(await list()).toEqual([OTHER]);
    });

    it.each([
      ['_acme-challenge.xn--mller-kva.example.com', '_acme-challenge.Müller.example.com'],
      ['example.com', '@'],
      ['example.com', ''],
      ['example.com', 'example.com'],
    ])('knows the name %s as "%s"', async (name, text) => {
      answers('GET', LIST, 200, { data: [shown(text)] });
      expect(await list(name)).toEqual([VALUE]);
    });

    it.each([`x.${NAME}`, `x${NAME}`, `${NAME}.example.org`, `${NAME}x`, 'example.com', '@'])(
      'does not take "%s" for its name',
      async (text) => {
        answers('GET', LIST, 200, { data: [shown(text)] });
        expect(await list()).toEqual([]);
      },
    );
  });

  describe('of pages', () => {
    const paged = (value: string, told: object) => ({ data: [shown(NAME, value)], ...told });
    const NEXT = `${LIST}&page=2`;

    it.each([
      ['meta.last_page', { meta: { current_page: 1, last_page: 2 } }, { meta: { current_page: 2, last_page: 2 } }],
      ['last_page as a text', { last_page: '2' }, { last_page: '2' }],
      ['links.next', { links: { next: `${ORIGIN}${RECORDS}?page=2` } }, { links: { next: null } }],
      ['next_page_url', { next_page_url: '?page=2&per_page=5' }, { next_page_url: null }],
      ['next_page_url of a panel behind a proxy', { next_page_url: `http://panel.example.net${RECORDS}?page=2` }, {}],
      ['next', { next: `${RECORDS}?page=2` }, { next: '' }],
    ])('follows %s, by asking for the number of the page', async (_what, first, second) => {
      answers('GET', LIST, 200, paged('one', first));
      answers('GET', NEXT, 200, paged('two', second));
      expect(await list()).toEqual(['one', 'two']);
      expect(lines()).toEqual([`GET ${LIST}`, `GET ${NEXT}`]);
    });

    it.each([
      ['another host', { next_page_url: `https://evil.example${RECORDS}?page=2` }, 'at another address'],
      ['another path', { next_page_url: `${ORIGIN}/api/admin/users?page=2` }, 'at another address'],
      ['no page', { next_page_url: `${ORIGIN}${RECORDS}?cursor=x` }, 'which page is the next'],
      ['the same page', { next_page_url: `${ORIGIN}${RECORDS}?page=1` }, 'which page is the next'],
      ['a page far ahead', { next: `${ORIGIN}${RECORDS}?page=9` }, 'which page is the next'],
      ['a page that was not asked for', { current_page: 3, last_page: 4 }, 'it is page 3 instead of page 1'],
    ])('does not follow to %s', async (_what, told, message) => {
      answers('GET', LIST, 200, paged('one', told));
      expect(await failureOf(list())).toMatchObject({ code: 'E_PROTOCOL', message: expect.stringContaining(message) });
      expect(lines()).toHaveLength(1);
    });

    it('asks for no more than there can be', async () => {
      answers('GET', LIST, 200, paged('one', { last_page: 1001 }));
      const failure = await failureOf(list());
      expect(failure).toMatchObject({ code: 'E_PROTOCOL', message: expect.stringContaining('more than 1000 pages') });
      expect(lines()).toHaveLength(1);
    });

    it('nor where each page only names the next', () => {
      const page = (number: number) =>
        readPage({ data: [], next: `?page=${number + 1}` }, { call: 'GET x', url: `${ORIGIN}${LIST}`, page: number });
      expect(page(999).next).toBe(1000);
      expect(() => page(1000)).toThrow('more than 1000 pages');
    });
  });
});
