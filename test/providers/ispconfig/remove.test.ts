import { afterEach, beforeEach, expect, it } from 'vitest';
import { normaliseName } from '../../../src/names.ts';
import { type IspconfigFake, startIspconfigFake } from '../../fakes/ispconfig.ts';
import { failureOf, openOn, record, VALUE } from './support.ts';

const AT_NAME = `${record.name}.`;

let fake: IspconfigFake;
beforeEach(async () => {
  fake = await startIspconfigFake({
    zones: [
      { name: 'example.com', clientId: 4 },
      { name: 'sub.example.com', clientId: 5 },
    ],
    customers: [{ username: 'anna', password: 'annas-own-word', clientId: 4, api: true }],
  });
});
afterEach(() => fake.close());

it('removes every row that holds exactly the value, and nothing else', async () => {
  fake.plant({ name: AT_NAME, data: VALUE });
  fake.plant({ name: AT_NAME, data: VALUE });
  const stays = [
    fake.plant({ name: AT_NAME, data: VALUE.toUpperCase() }),
    fake.plant({ name: AT_NAME, data: `${VALUE} ` }),
    fake.plant({ name: AT_NAME, data: 'other' }),
    fake.plant({ name: `www.${AT_NAME}`, data: VALUE }),
    fake.plant({ name: AT_NAME, data: VALUE, type: 'A' }),
  ];
  expect(await openOn(fake).provider.removeTxt(record)).toBe('removed');
  expect(fake.rows).toEqual(stays);
});

it('raises the serial, so that secondaries see the value go', async () => {
  fake.plant({ name: AT_NAME, data: VALUE });
  const before = fake.serialOf('example.com');
  await openOn(fake).provider.removeTxt(record);
  expect(fake.serialOf('example.com')).toBeGreaterThan(before);
});

it('takes no notice of an id from an earlier run, which may belong to another record by now', async () => {
  const address = fake.plant({ name: AT_NAME, type: 'A', data: '192.0.2.1' });
  const result = await openOn(fake).provider.removeTxt(record, {
    zone: normaliseName('example.com'),
    id: address.id,
  });
  expect(result).toBe('absent');
  expect(fake.rows).toEqual([address]);
});

it('is content when somebody else is faster', async () => {
  fake.plant({ name: AT_NAME, data: VALUE });
  fake.before('dns_txt_delete', () => void fake.rows.pop());
  expect(await openOn(fake).provider.removeTxt(record)).toBe('absent');
  expect(fake.server.takeCalls()).toEqual(['login', 'dns_txt_get', 'dns_txt_delete', 'dns_txt_get']);
});

it('removes an orphan without a zone, which the panel cannot do with a new serial', async () => {
  fake.plant({ name: AT_NAME, data: VALUE, zone: '999' });
  const { provider, context } = openOn(fake);
  expect(await provider.removeTxt(record)).toBe('removed');
  expect(fake.rows).toEqual([]);
  expect(context.lines.filter((line) => line.startsWith('warn:')).join()).toContain('without a new serial');
});

it('says so when the panel keeps the row', async () => {
  fake.plant({ name: AT_NAME, data: VALUE });
  fake.panel.keepsRows = true;
  const failure = await failureOf(openOn(fake).provider.removeTxt(record));
  expect(failure).toMatchObject({
    code: 'E_AUTH',
    message: 'dns_txt_delete: the panel keeps the record with the id 19',
  });
  expect(failure.hint).toContain('delete the record in the panel');
});

it('removes a row that is stored relative to its zone, and none of another zone', async () => {
  fake.plant({ name: '_acme-challenge', data: VALUE });
  const stays = [fake.plant({ name: '_acme-challenge', data: VALUE, zone: '2' })];
  expect(await openOn(fake).provider.removeTxt(record)).toBe('removed');
  expect(fake.rows).toEqual(stays);
});

it('names the field to correct where the zone has settings that the panel refuses', async () => {
  await fake.close();
  fake = await startIspconfigFake({ zones: [{ name: 'example.com', soaFault: 'minimum_range_error<br />\r\n' }] });
  fake.plant({ name: AT_NAME, data: VALUE });
  const failure = await failureOf(openOn(fake).provider.removeTxt(record));
  expect(failure).toMatchObject({ code: 'E_REJECTED', outcomeUnknown: false });
  expect(failure.hint).toBe('correct minimum in the settings of the zone example.com, in the panel under DNS');
  expect(fake.held(record.name)).toEqual([VALUE]);
});

it('looks whether the row is gone when the session ends in the removal', async () => {
  fake.plant({ name: AT_NAME, data: VALUE });
  fake.panel.sessionsEndBeforeSerial = 1;
  expect(await openOn(fake).provider.removeTxt(record)).toBe('removed');
  expect(fake.rows).toEqual([]);
});

it('says that the account lacks a zone where nothing is found in it', async () => {
  const { plain } = openOn(fake);
  const name = normaliseName('_acme-challenge.example.org');
  const foreign = { ...record, name, zone: normaliseName('example.org') };
  expect(await failureOf(plain.removeTxt(foreign))).toMatchObject({ code: 'E_ZONE', tryNextZone: true });
});

it('lists only what is served at exactly this name', async () => {
  fake.plant({ name: AT_NAME, data: VALUE });
  fake.plant({ name: AT_NAME, data: 'off', active: 'N' });
  fake.plant({ name: AT_NAME, type: 'A', data: '192.0.2.1' });
  fake.plant({ name: `www.${AT_NAME}`, data: 'elsewhere' });
  expect(await openOn(fake).provider.listTxt(record.name)).toEqual([VALUE]);
});
