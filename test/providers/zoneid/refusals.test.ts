import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeReply, type FaultServer, startFaultServer } from '../../fakes/fault-server.ts';
import type { SearchingProvider } from '../../support/searching.ts';
import { failureOf, openZoneid, recordAt, startClock, VALUE } from './support.ts';

const NAME = '_acme-challenge.example.com';
const KNOWN = recordAt(NAME, VALUE, 'example.com');
const LISTED = { id: '8', name: NAME, destination: VALUE };

describe('what zoneid makes of a refusal', () => {
  let server: FaultServer;
  /** What the API says to each method. */
  let replies: Partial<Record<string, FakeReply>>;
  beforeEach(async () => {
    replies = {};
    server = await startFaultServer({
      nameOf: ({ method, path }) => `${method} ${path.replace('/v2/dns', '')}`,
      reply: ({ method }) => replies[method] ?? { status: 404 },
    });
  });
  afterEach(() => server.close());

  async function run<Result>(verb: (provider: SearchingProvider) => Promise<Result>): Promise<Result> {
    const account = { username: 'me', apiKey: 'k3y', url: `${server.origin}/v2` };
    const { provider, close } = openZoneid(account, { clock: startClock() });
    try {
      return await verb(provider);
    } finally {
      await close();
    }
  }
  const addFailure = (record = KNOWN) => failureOf(run((provider) => provider.addTxt(record)));
  const body = (value: unknown) => JSON.stringify(value);

  it.each([
    [400, 'E_REJECTED', /refused \(status 400\)/, /web interface/],
    [401, 'E_AUTH', /login was refused/, /not the e-mail address.*API key from the ZoneID account management/],
    [402, 'E_REJECTED', /package/, /upgrade the package of example\.com/],
    [403, 'E_AUTH', /does not have the right/, /owner of example\.com/],
    [404, 'E_ZONE', /no zone example\.com in this account/, /hosted in this ZoneID account/],
    [418, 'E_REJECTED', /refused \(status 418\)/, /web interface/],
    [422, 'E_REJECTED', /refused \(status 422\)/, /web interface/],
  ])('status %s to a POST in a known zone is %s, after one request', async (status, code, message, hint) => {
    replies = { POST: { status } };
    const failure = await addFailure();
    expect(failure.code).toBe(code);
    expect(failure.message).toMatch(message);
    expect(failure.message).toMatch(/^POST \/dns\/example\.com\/txt: /);
    expect(failure.hint).toMatch(hint);
    expect(server.takeCalls()).toEqual(['POST /example.com/txt']);
  });

  it.each([
    [400, 'E_REJECTED'],
    [401, 'E_AUTH'],
    [402, 'E_REJECTED'],
    [403, 'E_AUTH'],
  ])('status %s to a DELETE is %s, with the record id and after one request', async (status, code) => {
    replies = { DELETE: { status } };
    const failure = await failureOf(
      run((provider) => provider.removeTxt(KNOWN, { zone: 'example.com', id: '77', proven: true })),
    );
    expect(failure.code).toBe(code);
    expect(failure.message).toContain('/dns/example.com/txt/77');
    expect(server.takeCalls()).toEqual(['DELETE /example.com/txt/77']);
  });

  it.each([
    [401, 'E_AUTH'],
    [403, 'E_AUTH'],
    [404, 'E_ZONE'],
  ])('status %s to a list of a known zone is %s, never "nothing there"', async (status, code) => {
    replies = { GET: { status } };
    expect((await failureOf(run((provider) => provider.listTxt(NAME, 'example.com')))).code).toBe(code);
    expect((await failureOf(run((provider) => provider.removeTxt(KNOWN)))).code).toBe(code);
    expect(server.takeCalls()).toHaveLength(2);
  });

  it.each([
    [401, 'E_AUTH'],
    [402, 'E_REJECTED'],
  ])('status %s ends the search for the zone at once', async (status, code) => {
    replies = { POST: { status } };
    expect((await addFailure(recordAt('_acme-challenge.www.example.com'))).code).toBe(code);
    expect(server.takeCalls()).toEqual(['POST /www.example.com/txt']);
  });

  it('a 422 about the value ends the search for the zone at once', async () => {
    replies = { POST: { status: 422, body: body({ destination: 'too_long' }) } };
    const failure = await addFailure(recordAt('_acme-challenge.www.example.com'));
    expect(failure.code).toBe('E_REJECTED');
    expect(failure.message).toContain('destination: too_long');
    expect(server.takeCalls()).toEqual(['POST /www.example.com/txt']);
  });

  it('status 500 ends the search for the zone at once, and is no refusal', async () => {
    replies = { POST: { status: 500 }, GET: { status: 200, body: '[]' } };
    expect((await addFailure(recordAt('_acme-challenge.www.example.com'))).code).toBe('E_REMOTE');
    expect(new Set(server.takeCalls())).toEqual(new Set(['POST /www.example.com/txt', 'GET /www.example.com/txt']));
  });

  it('status 400 does not end the search for the zone', async () => {
    replies = { POST: { status: 400 } };
    expect((await addFailure(recordAt('_acme-challenge.www.example.com'))).code).toBe('E_ZONE');
    expect(server.takeCalls()).toHaveLength(3);
  });

  it.each([
    ['an object of codes', { name: 'zone_conflict' }],
    ['an object of lists', { name: ['zone_conflict'] }],
    ['an array', [{ name: 'zone_conflict' }]],
    ['an array of lists', [{ name: ['zone_conflict'] }]],
  ])('a conflict told by %s is looked up once, then told with the CNAME that is likely', async (_shape, fields) => {
    replies = { POST: { status: 422, body: body(fields) }, GET: { status: 200, body: '[]' } };
    const failure = await addFailure();
    expect(failure.code).toBe('E_REJECTED');
    expect(failure.message).toContain('name: zone_conflict');
    expect(failure.hint).toMatch(/another record at this name .* CNAME/);
    expect(server.takeCalls()).toEqual(['POST /example.com/txt', 'GET /example.com/txt']);
  });

  it('a conflict in a zone that is found by trying is not taken for a missing zone', async () => {
    replies = { POST: { status: 422, body: body({ name: 'zone_conflict' }) }, GET: { status: 200, body: '[]' } };
    expect((await addFailure(recordAt('_acme-challenge.www.example.com'))).code).toBe('E_REJECTED');
    expect(server.takeCalls()).toEqual(['POST /www.example.com/txt', 'GET /www.example.com/txt']);
  });

  it.each([409, 422])('a conflict (%s) with the very same record is a success', async (status) => {
    replies = {
      POST: { status, body: body({ name: 'zone_conflict' }) },
      GET: { status: 200, body: body([{ ...LISTED, id: '7', destination: 'another' }, LISTED]) },
    };
    const added = await run((provider) => provider.addTxt(KNOWN));
    expect(added).toEqual({ zone: 'example.com', id: '8', proven: true, changed: false });
    const calls = server.takeCalls();
    expect(calls.filter((call) => call.startsWith('GET'))).toHaveLength(1);
    expect(calls.at(-1)).toBe('GET /example.com/txt');
  });

  it('a conflict (409) that does not end is a failure to be tried later', async () => {
    replies = { POST: { status: 409 }, GET: { status: 200, body: '[]' } };
    const failure = await addFailure();
    expect(failure.code).toBe('E_REMOTE');
    expect(failure.retryable).toBe(true);
    expect(failure.message).toContain('another request is in progress');
    const calls = server.takeCalls();
    expect(calls.filter((call) => call.startsWith('POST'))).toHaveLength(6);
    expect(calls.filter((call) => call.startsWith('GET'))).toHaveLength(1);
  });

  it('tells several field codes and the message in its intact form', async () => {
    const message = 'Puudulik sisend: välja väärtus';
    replies = {
      POST: {
        status: 422,
        headers: {
          'x-status-message': Buffer.from(message).toString('latin1'),
          'x-status-message-base64': Buffer.from(message).toString('base64'),
        },
        body: body({ name: ['invalid_host', 'too_long'], destination: 'required' }),
      },
    };
    const failure = await addFailure();
    expect(failure.message).toBe(
      'POST /dns/example.com/txt: refused (status 422): name: invalid_host, name: too_long, destination: required: ' +
        'Puudulik sisend: välja väärtus',
    );
  });

  it('tells field codes alone where there is no message', async () => {
    replies = { POST: { status: 422, body: body({ name: 'invalid_host' }) } };
    expect((await addFailure()).message).toBe('POST /dns/example.com/txt: refused (status 422): name: invalid_host');
  });

  it('tells the plain message where there is no other', async () => {
    replies = { POST: { status: 400, headers: { 'x-status-message': 'Vigane' }, body: body({ messages: [] }) } };
    expect((await addFailure()).message).toBe('POST /dns/example.com/txt: refused (status 400): Vigane');
  });

  it('tells the page of a proxy without its tags', async () => {
    replies = { POST: { status: 418, body: '<html><h1>Blocked</h1><p>by firewall</p></html>' } };
    expect((await addFailure()).message).toMatch(/\(status 418\): Blocked by firewall$/);
  });

  it.each([401, 403])('repeats nothing that the API says where the login failed (status %s)', async (status) => {
    const said = {
      'x-status-message': 'key k3y',
      'x-status-message-base64': Buffer.from('key k3y').toString('base64'),
    };
    replies = { POST: { status, headers: said, body: body({ name: 'k3y' }) } };
    expect((await addFailure()).message).toMatch(new RegExp(`\\(status ${status}\\)$`));
  });

  it('cuts a long message short and takes control characters out', async () => {
    const message = `\u001b[31m\u0007red ${'x'.repeat(5000)}`;
    replies = {
      POST: { status: 400, headers: { 'x-status-message-base64': Buffer.from(message).toString('base64') } },
    };
    const { message: told } = await addFailure();
    expect(told).not.toMatch(/\p{Cc}/u);
    expect(told.length).toBeLessThan(300);
  });

  it.each([
    ['an object', { data: [], message: 'ok' }, 'unexpected answer'],
    ['a record without a name', [LISTED, { id: '1', destination: 'x' }], 'field 1.name'],
    ['a record with an odd id', [{ ...LISTED, id: {} }], 'field 0.id'],
  ])('names the field of a list that does not fit: %s', async (_what, answer, field) => {
    replies = { GET: { status: 200, body: body(answer) } };
    const failure = await failureOf(run((provider) => provider.removeTxt(KNOWN)));
    expect(failure.code).toBe('E_PROTOCOL');
    expect(failure.message).toContain(field);
  });
});
