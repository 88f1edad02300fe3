import { afterEach, describe, expect, it } from 'vitest';
import definition from '../../../providers/cloudflare/index.ts';
import {
  CLOUDFLARE_TOKEN,
  type CloudflareFake,
  type CloudflareFakeSettings,
  startCloudflareFake,
} from '../../fakes/cloudflare.ts';
import document from '../../schemas/cloudflare.json' with { type: 'json' };
import { changesOf, failureOf, inProcessOf, NAME, recordOf, VALUE, ZONE } from '../../support/one-provider.ts';
import { vendorSchema } from '../../support/vendor-schema.ts';

const inProcess = inProcessOf(definition);
let fake: CloudflareFake;
afterEach(() => fake.close());
const start = async (settings: CloudflareFakeSettings = {}) => {
  fake = await startCloudflareFake(settings);
};

describe('cloudflare sends', () => {
  it('exactly this', async () => {
    await start();
    await inProcess(fake, async (provider) => {
      const { changed: _, ...handle } = await provider.addTxt(recordOf());
      await provider.listTxt(NAME, ZONE);
      await provider.removeTxt(recordOf(), handle);
      await provider.changeTxt?.(ZONE, changesOf('add', 1));
    });
    const zone = `/client/v4/zones/${fake.zoneIds.get(ZONE)}`;
    const sent = fake.server.requests.map(({ method, path, query, body }) => [method, path, query, body]);
    const posted = (name: string) => ({ type: 'TXT', name, content: `"${VALUE}"`, ttl: 60 });
    expect(sent).toEqual([
      ['GET', '/client/v4/zones', 'name=example.com&per_page=50', ''],
      ['POST', `${zone}/dns_records`, '', JSON.stringify(posted(NAME))],
      ['GET', `${zone}/dns_records`, `type=TXT&name=${NAME}&per_page=1000&page=1`, ''],
      ['DELETE', expect.stringMatching(`^${zone}/dns_records/[0-9a-f]{32}$`), '', ''],
      ['POST', `${zone}/dns_records/batch`, '', JSON.stringify({ posts: [posted(`_acme-challenge.host0.${ZONE}`)] })],
    ]);
    expect(fake.server.requests[0]?.headers).toMatchObject({
      authorization: `Bearer ${fake.options['token']}`,
      accept: 'application/json',
    });
  });

  it.each([
    [1, 60],
    [3600, 3600],
    [900_000, 86_400],
  ])('a TTL of %i as %i', async (ttl, expected) => {
    await start();
    await inProcess(fake, (provider) => provider.addTxt(recordOf({ ttl })));
    expect(JSON.parse(fake.everything()[0] ?? '')).toMatchObject({ ttl: expected });
  });

  it('a long value in strings of 255 octets', async () => {
    await start();
    const value = 'x'.repeat(1024);
    await inProcess(fake, (provider) => provider.addTxt(recordOf({ value })));
    expect(fake.held(NAME)).toEqual([value]);
  });
});

/** The pointer of each call's request and answer. */
const SHAPES: Readonly<Record<string, readonly [request: string | undefined, answer: string]>> = {
  'GET zones': [undefined, 'ZoneListAnswer'],
  'GET records': [undefined, 'RecordListAnswer'],
  'POST records': ['TxtRecord', 'RecordAnswer'],
  'DELETE records': [undefined, 'DeleteAnswer'],
  'POST batch': ['BatchRequest', 'BatchAnswer'],
  'GET verify': [undefined, 'VerifyAnswer'],
};

describe("Cloudflare's OpenAPI document", () => {
  const check = vendorSchema(document);
  const fits = (shape: string, value: unknown) => check(`/components/schemas/${shape}`, value);

  /** Repeats every request of the provider and checks it and its answer. */
  it('has the requests of the provider and the answers of the stand-in', async () => {
    await start({ expiresOn: '2027-01-01T00:00:00Z' });
    fake.plant(ZONE, 'christian.ns.cloudflare.com', 'NS');
    await inProcess(fake, async (provider) => {
      await provider.checkRights?.();
      const { changed: _, ...handle } = await provider.addTxt(recordOf());
      await provider.listTxt(NAME, ZONE);
      await provider.removeTxt(recordOf(), handle);
      await provider.changeTxt?.(ZONE, changesOf('add', 2));
    });
    const requests = [...fake.server.requests];
    await inProcess(fake, async (provider) => {
      await provider.changeTxt?.(ZONE, changesOf('remove', 2));
      await provider.addTxt(recordOf());
    });
    const seen = new Set<string>();
    for (const { call, method, path, query, body, headers } of requests) {
      const [request, answer = ''] = SHAPES[call] ?? [];
      if (request) fits(request, JSON.parse(body));
      const id = fake.everything().map((line) => (JSON.parse(line) as { id: string }).id)[1] ?? '';
      const again = path.replace(/(?<=\/dns_records\/)[0-9a-f]{32}$/, id);
      const response = await fetch(`${fake.server.origin}${again}?${query}`, {
        method,
        headers: { authorization: headers['authorization'] ?? '' },
        ...(body ? { body: body.replaceAll(VALUE, `again-${seen.size}`) } : {}),
      });
      expect([call, response.status]).toEqual([call, 200]);
      fits(answer, await response.json());
      seen.add(call);
    }
    expect([...seen].sort()).toEqual(Object.keys(SHAPES).sort());
    const refused = await fetch(`${fake.options['url']}/zones`, { headers: { authorization: 'Bearer no' } });
    fits('Failure', await refused.json());
  });
});

describe('cloudflare is refused', () => {
  const TOKEN = 'x'.repeat(40);
  const LOST = { code: 'E_ZONE', tryNextZone: true };
  const nowhere = recordOf({ zone: 'nowhere.test' as never, name: '_acme-challenge.nowhere.test' as never });

  it.each([
    [
      'an unknown token',
      { token: TOKEN },
      { code: 'E_AUTH', status: 403, tryNextZone: false, loginRefused: true },
      /not to the Global API Key/,
    ],
    ['what is no token', { token: 'short' }, { code: 'E_AUTH', status: 400 }, /not to the Global API Key/],
    ['a token with a line break', { token: `${TOKEN}\nx: y` }, { code: 'E_CONFIG' }, /put only the token/],
    ['another server', { url: 'https://127.0.0.1:1/client/v4' }, { code: 'E_REMOTE' }, /./],
  ])('with %s', async (_, options, expected, hint) => {
    await start();
    const failure = await failureOf(
      inProcess({ options: { ...fake.options, ...options } }, (provider) => provider.addTxt(recordOf())),
    );
    expect(failure).toMatchObject(expected);
    expect(failure.hint).toMatch(hint);
    expect(failure.message).not.toContain(TOKEN);
  });

  it('a zone that it does not see, whichever way the API says so', async () => {
    await start();
    expect(await failureOf(inProcess(fake, (provider) => provider.addTxt(nowhere)))).toMatchObject(LOST);
    await fake.close();
    await start({ seesZones: false });
    const hidden = await failureOf(inProcess(fake, (provider) => provider.addTxt(nowhere)));
    expect(hidden).toMatchObject({ code: 'E_AUTH', tryNextZone: true });
    expect(fake.everything()).toEqual([]);
  });

  it("with the API's own words where it refuses a record", async () => {
    await start();
    fake.plant(NAME, 'ns.example.net', 'NS');
    const failure = await failureOf(inProcess(fake, (provider) => provider.addTxt(recordOf())));
    expect(failure).toMatchObject({ code: 'E_REJECTED', status: 400 });
    expect(failure.message).toMatch(/An NS record with that host already exists \(code 81056\)$/);
  });
});

describe('the rights of a token', () => {
  const rights = (options = {}) =>
    inProcess({ options: { ...fake.options, ...options } }, async (provider) => provider.checkRights?.());

  it.each([
    ['of a user', { tokenOf: 'user' }, 1],
    ['of an account', { tokenOf: 'account' }, 2],
    ['of an account, from before 2026', { tokenOf: 'account', token: CLOUDFLARE_TOKEN }, 3],
  ] as const)('with its end, for a token %s', async (_, settings, count) => {
    await start({ ...settings, expiresOn: '2027-01-01T00:00:00Z' });
    expect(await rights()).toMatchObject([{ right: 'API token', held: true, until: new Date('2027-01-01T00:00:00Z') }]);
    expect(fake.server.takeCalls()).toHaveLength(count);
  });

  it('without an end, and held no more after it', async () => {
    await start();
    expect(await rights()).toMatchObject([{ held: true, until: undefined }]);
    await fake.close();
    await start({ expiresOn: '2026-01-01T00:00:00Z' });
    expect(await rights()).toMatchObject([{ held: false }]);
  });

  it('are unknown where a token of an account sees no zone, and refused where the token is unknown', async () => {
    await start({ tokenOf: 'account', seesZones: false });
    expect(await rights()).toEqual([]);
    expect(await failureOf(rights({ token: 'x'.repeat(40) }))).toMatchObject({ code: 'E_AUTH', loginRefused: true });
  });
});
