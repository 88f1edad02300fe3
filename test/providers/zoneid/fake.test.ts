import { afterEach, describe, expect, it } from 'vitest';
import { startZoneidFake, type ZoneidFake, type ZoneidFakeSettings } from '../../fakes/zoneid.ts';
import { failureOf, openZoneid, recordAt, VALUE } from './support.ts';

const NAME = '_acme-challenge.example.com';

/** What the other tests take for granted of the fake. */
describe('the fake ZoneID API', () => {
  let fake: ZoneidFake;
  afterEach(() => fake.close());

  async function start(settings: ZoneidFakeSettings = {}) {
    fake = await startZoneidFake(settings);
    const login = `Basic ${Buffer.from(`${fake.username}:${fake.apiKey}`).toString('base64')}`;
    return (method: string, path: string, body?: string | ReadableStream) =>
      fetch(fake.url + path, {
        method,
        headers: { authorization: login },
        ...(body === undefined ? {} : { body, duplex: 'half' }),
      } as RequestInit);
  }
  const txt = (name: string) => JSON.stringify({ name, destination: VALUE });

  it('refuses short names and names of other zones', async () => {
    const ask = await start();
    for (const name of ['_acme-challenge', '_acme-challenge.example.org', 'badexample.com']) {
      const response = await ask('POST', '/dns/example.com/txt', txt(name));
      expect([response.status, await response.json()]).toEqual([422, { name: 'invalid_host' }]);
    }
  });

  it('refuses a chunked body', async () => {
    const ask = await start();
    const response = await ask('POST', '/dns/example.com/txt', new Blob([txt(NAME)]).stream());
    expect(response.status).toBe(411);
    expect(fake.held(NAME)).toEqual([]);
  });

  it('answers with arrays, counts every request and says the rest twice in Estonian', async () => {
    const ask = await start({ rateLimit: { requests: 2, window: 60_000 } });
    const created = await ask('POST', '/dns/example.com/txt', txt(NAME));
    expect([created.status, await created.json()]).toMatchObject([201, [{ id: '1001', name: NAME }]]);
    expect(created.headers.get('x-ratelimit-remaining')).toBe('1');
    const refused = await ask('DELETE', '/dns/example.com/txt/1');
    expect(refused.status).toBe(404);
    expect(refused.headers.get('x-ratelimit-remaining')).toBe('0');
    expect((await ask('GET', '/dns/example.com')).status).toBe(429);
    expect(fake.server.takeCalls()).toEqual(['POST txt', 'DELETE txt', 'GET zone']);
  });

  it('mangles its messages, except in Base64', async () => {
    await start();
    const { headers } = await fetch(`${fake.url}/dns/example.com/txt`);
    expect(headers.get('x-status-message')).toBe('Autoriseerimine ebaÃµnnestus');
    expect(Buffer.from(headers.get('x-status-message-base64') ?? '', 'base64').toString()).toMatch(/ebaõnnestus$/);
  });

  it('tells of changes before it answers', async () => {
    const changes: string[] = [];
    await start({
      onChange: async (...change) => {
        await new Promise((resolve) => setImmediate(resolve));
        changes.push(change.join(' '));
      },
    });
    const { provider, close } = openZoneid(fake);
    await provider.addTxt(recordAt(NAME));
    expect(changes).toEqual([`example.com ${NAME} ${VALUE} added`]);
    await provider.removeTxt(recordAt(NAME));
    expect(changes.at(-1)).toBe(`example.com ${NAME} ${VALUE} removed`);
    await close();
  });

  it('lets no TXT record stand beside a CNAME, which the provider says', async () => {
    await start({ cnames: [NAME] });
    const { provider, close } = openZoneid(fake);
    const failure = await failureOf(provider.addTxt(recordAt(NAME)));
    await close();
    expect(failure.code).toBe('E_REJECTED');
    expect(failure.hint).toContain('CNAME');
  });
});
