import { afterEach, describe, expect, it } from 'vitest';
import definition from '../../../providers/poweradmin/index.ts';
import { type DnsProvider, normaliseName } from '../../../src/provider.ts';
import { type PoweradminFake, type PoweradminFakeSettings, startPoweradminFake } from '../../fakes/poweradmin.ts';
import document from '../../schemas/poweradmin.json' with { type: 'json' };
import { changesOf, failureOf, inProcessOf, NAME, recordOf, VALUE, ZONE } from '../../support/one-provider.ts';
import { vendorSchema } from '../../support/vendor-schema.ts';

const inProcess = inProcessOf(definition);
let fake: PoweradminFake;
afterEach(() => fake.close());
const start = async (settings: PoweradminFakeSettings = {}) => {
  fake = await startPoweradminFake(settings);
};
const run = <Result>(use: (provider: DnsProvider) => Promise<Result>, options = fake.options) =>
  inProcess({ options }, use);

describe('poweradmin sends', () => {
  it('exactly this', async () => {
    await start();
    await run(async (provider) => {
      const { changed: _, ...handle } = await provider.addTxt(recordOf());
      await provider.removeTxt(recordOf(), handle);
      await provider.changeTxt?.(ZONE, changesOf('add', 1));
      await provider.changeTxt?.(ZONE, changesOf('remove', 1));
    });
    const body = (name: string) => ({ name, type: 'TXT', content: `"${VALUE}"`, ttl: 60 });
    const bulk = (operation: object) => JSON.stringify({ operations: [operation] });
    const list = ['GET', '/api/v2/zones/1/records', 'type=TXT', ''];
    const sent = fake.server.requests.map(({ method, path, query, body }) => [method, path, query, body]);
    expect(sent).toEqual([
      ['GET', '/api/v2/zones', 'name=example.com', ''],
      list,
      ['POST', '/api/v2/zones/1/records', '', JSON.stringify(body(NAME))],
      ['DELETE', '/api/v2/zones/1/records/101', '', ''],
      list,
      [
        ...['POST', '/api/v2/zones/1/records/bulk', ''],
        bulk({ action: 'create', ...body(`_acme-challenge.host0.${ZONE}`) }),
      ],
      list,
      ['POST', '/api/v2/zones/1/records/bulk', '', bulk({ action: 'delete', id: '102' })],
    ]);
    for (const { headers } of fake.server.requests) expect(headers['x-api-key']).toBe(fake.options['apiKey']);
  });

  it('a long value in strings of 255 octets, and no TTL of 0', async () => {
    await start();
    const value = 'x'.repeat(1024);
    await run((provider) => provider.addTxt(recordOf({ value, ttl: 0 })));
    expect(fake.held(NAME)).toEqual([value]);
    expect(JSON.parse(fake.everything()[0] ?? '')).toMatchObject({ ttl: 1 });
  });

  it("requests, and takes answers, of Poweradmin's OpenAPI document", async () => {
    await start();
    const check = vendorSchema(document);
    const fits = (shape: string, value: unknown) => check(`/components/schemas/${shape}`, value);
    await run(async (provider) => {
      await provider.addTxt(recordOf());
      await provider.changeTxt?.(ZONE, changesOf('add', 2));
      await provider.changeTxt?.(ZONE, changesOf('remove', 1));
    });
    const headers = { 'x-api-key': String(fake.options['apiKey']) };
    const answerTo = async (path: string, init: object) =>
      (await fetch(`${fake.server.origin}/api/v2/zones/1/${path}`, { headers, ...init })).json();
    for (const { call, body } of [...fake.server.requests]) {
      if (call === 'POST record') fits('CreateRequest', JSON.parse(body));
      if (call === 'POST bulk') {
        fits('BulkRequest', JSON.parse(body));
        fits('BulkAnswer', await answerTo('records/bulk', { method: 'POST', body: body.replace(/"\d+"/, '103') }));
      }
    }
    fits('RecordListAnswer', await answerTo('records?type=TXT', {}));
  });
});

describe('poweradmin is refused', () => {
  it.each([
    ['a wrong key', {}, { apiKey: 'wrong' }, { code: 'E_AUTH', status: 401, loginRefused: true }, /page API Keys/],
    ['an API that is off', { apiEnabled: false }, {}, { code: 'E_AUTH', status: 403 }, /config\/settings\.php/],
    ['a user who may only read', { rights: 'view' }, {}, { code: 'E_AUTH', status: 403 }, /edit_own_as_client/],
    ['a wrong address', {}, { url: '/panel' }, { code: 'E_PROTOCOL', tryNextZone: false }, /login page/],
    ['a zone of another user', { zones: [], othersZones: [ZONE] }, {}, { code: 'E_ZONE' }, /this user owns it/],
    ['a zone that is a copy', { zones: [], copies: [ZONE] }, {}, { code: 'E_REJECTED' }, /primary server/],
  ] as const)('%s', async (_, settings, options, expected, hint) => {
    await start(settings as PoweradminFakeSettings);
    const more = 'url' in options ? { url: fake.server.origin + options.url } : options;
    const failure = await failureOf(run((provider) => provider.addTxt(recordOf()), { ...fake.options, ...more }));
    expect(failure).toMatchObject(expected);
    expect(failure.hint).toMatch(hint);
    expect(fake.everything()).toEqual([]);
  });

  it('a zone that is not there, and a name beside a CNAME', async () => {
    await start();
    const lost = { zone: normaliseName('nowhere.test'), name: normaliseName('_acme-challenge.nowhere.test') };
    expect(await failureOf(run((provider) => provider.removeTxt(recordOf(lost))))).toMatchObject({ code: 'E_ZONE' });
    fake.plant(NAME, 'www.example.net', 'CNAME');
    const failure = await failureOf(run((provider) => provider.addTxt(recordOf())));
    expect(failure).toMatchObject({ code: 'E_REJECTED', status: 400 });
    expect(failure.message).toContain('There already exists a CNAME with this name');
  });

  it.each([
    ['edit', true],
    ['view', false],
  ] as const)('or not, which doctor says: %s', async (rights, held) => {
    await start({ rights });
    const [check] = (await run(async (provider) => provider.checkRights?.())) ?? [];
    expect(check).toMatchObject({ right: 'change the records of example.com', held });
  });
});
