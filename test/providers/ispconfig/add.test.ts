import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type IspconfigFake, type IspconfigFakeSettings, startIspconfigFake } from '../../fakes/ispconfig.ts';
import type { SearchedRecord } from '../../support/searching.ts';
import { failureOf, openOn, record, VALUE } from './support.ts';

const AT_NAME = `${record.name}.`;

let fake: IspconfigFake;
beforeEach(() => start());
afterEach(() => fake.close());

async function start(settings: IspconfigFakeSettings = {}): Promise<void> {
  await fake?.close();
  fake = await startIspconfigFake(settings);
}

const add = (extra: Partial<SearchedRecord> = {}) => openOn(fake).provider.addTxt({ ...record, ...extra });

describe('the zone', () => {
  it('is the longest that the panel has, also one of the full name', async () => {
    await start({ zones: [{ name: 'example.com' }, { name: '_acme-challenge.example.com' }] });
    const added = await openOn(fake).provider.addTxt({ ...record, zone: undefined }, record.name);
    expect(added).toMatchObject({ zone: '_acme-challenge.example.com' });
    expect(fake.rows).toMatchObject([{ zone: '2' }]);
  });

  it('is never another one whose name only begins alike', async () => {
    await start({ zones: [{ name: 'example.co.uk' }] });
    const failure = await failureOf(add({ name: '_acme-challenge.example.co', zone: undefined }));
    expect(failure).toMatchObject({
      code: 'E_ZONE',
      message:
        'no zone of this account holds _acme-challenge.example.co, tried: example.co, _acme-challenge.example.co',
    });
    expect(failure.hint).toContain('in the panel under DNS');
  });

  it('that is switched off is an error, and its parent is left alone', async () => {
    await start({ zones: [{ name: 'example.com' }, { name: 'www.example.com', active: 'N' }] });
    const failure = await failureOf(add({ name: '_acme-challenge.www.example.com', zone: undefined }));
    expect(failure).toMatchObject({
      code: 'E_ZONE',
      message: expect.stringContaining('www.example.com is switched off'),
    });
    expect(failure.hint).toContain('tick "Active"');
    expect(fake.rows).toEqual([]);
  });

  it('that is there twice is an error', async () => {
    await start({ zones: [{ name: 'example.com' }, { name: 'example.com', serverId: '2' }] });
    const failure = await failureOf(add());
    expect(failure).toMatchObject({ code: 'E_ZONE', message: 'the panel has the zone example.com 2 times (ids 1, 2)' });
    expect(fake.rows).toEqual([]);
  });

  it('that the user has named must hold the name', async () => {
    expect(await failureOf(add({ zone: 'example.org' }))).toMatchObject({ code: 'E_ZONE' });
    expect(fake.server.takeCalls()).toEqual([]);
  });

  it('gets a new serial with each value', async () => {
    await start({ zones: [{ name: 'example.com', serial: 2099010101 }] });
    await add();
    expect(fake.serialOf('example.com')).toBe(2099010102);
  });
});

describe('what the name holds already', () => {
  it('the same value, served: nothing is written', async () => {
    const { id } = fake.plant({ name: AT_NAME, data: VALUE });
    expect(await add()).toEqual({ zone: 'example.com', id, changed: false });
    expect(fake.server.takeCalls()).toEqual(['login', 'dns_zone_get', 'dns_txt_get']);
  });

  it('the same value, switched off: it is published beside it', async () => {
    fake.plant({ name: AT_NAME, data: VALUE, active: 'N' });
    expect(await add()).toMatchObject({ changed: true });
    expect(fake.held(record.name)).toEqual([VALUE]);
  });

  it('the same value with other letter case: it is another one', async () => {
    fake.plant({ name: AT_NAME, data: VALUE.toLowerCase() });
    expect(await add()).toMatchObject({ changed: true });
    expect(fake.held(record.name)).toEqual([VALUE.toLowerCase(), VALUE]);
  });

  it('the same text in a record of another type: it is no TXT', async () => {
    fake.plant({ name: AT_NAME, data: VALUE, type: 'MX' });
    expect(await add()).toMatchObject({ changed: true });
  });

  it('a CNAME: refused, for the nameserver would refuse the zone', async () => {
    fake.plant({ name: AT_NAME, type: 'CNAME', data: 'target.example.net.' });
    const failure = await failureOf(add());
    expect(failure).toMatchObject({
      code: 'E_REJECTED',
      message: '_acme-challenge.example.com is a CNAME to target.example.net, and a CNAME allows no other record',
    });
    expect(failure.hint).toContain('published at target.example.net');
    expect(fake.held(record.name)).toEqual([]);
  });

  it.each([
    ['the same value', 'TXT', VALUE],
    ['a CNAME', 'CNAME', 'target.example.net.'],
  ])('%s, stored relative to the zone: seen like any other', async (_, type, data) => {
    const { id } = fake.plant({ name: '_acme-challenge', type, data });
    fake.plant({ name: '_acme-challenge', type, data, zone: '999' });
    const { provider } = openOn(fake);
    if (type === 'TXT') {
      expect(await provider.addTxt(record)).toEqual({ zone: 'example.com', id, changed: false });
      expect(await provider.listTxt(record.name, 'example.com')).toEqual([VALUE]);
    } else expect(await failureOf(provider.addTxt(record))).toMatchObject({ code: 'E_REJECTED' });
    expect(fake.rows).toHaveLength(2);
  });

  it('a name without a dot that repeats the zone: it stands for another name', async () => {
    fake.plant({ name: record.name, type: 'CNAME', data: 'target.example.net.' });
    expect(await add()).toMatchObject({ changed: true });
  });

  it('a CNAME that is switched off is no obstacle', async () => {
    fake.plant({ name: AT_NAME, type: 'CNAME', data: 'target.example.net.', active: 'N' });
    expect(await add()).toMatchObject({ changed: true });
  });
});

describe('a serial that cannot be raised', () => {
  it('for want of a right: the row does not stay, and the box is named', async () => {
    fake.rights.delete('dns_zone_update');
    const failure = await failureOf(add());
    expect(failure).toMatchObject({
      code: 'E_AUTH',
      message: expect.stringMatching(/the record was stored, but the serial of example\.com.*removed again/),
    });
    expect(failure.hint).toContain('tick "DNS zone functions" in the panel');
    expect(fake.rows).toEqual([]);
    expect(fake.server.takeCalls()).toEqual([
      'login',
      'dns_zone_get',
      'dns_txt_get',
      'dns_txt_add',
      'dns_txt_get',
      'dns_txt_delete',
    ]);
  });

  it('for want of a right on 3.2.11, where nothing was stored', async () => {
    await start({ version: '3.2.11' });
    fake.rights.delete('dns_zone_update');
    const failure = await failureOf(add());
    expect(failure).toMatchObject({
      code: 'E_AUTH',
      message: 'dns_txt_add: the remote user may not use this function',
    });
    expect(failure.hint).toContain('"DNS zone functions" and "DNS txt functions"');
    expect(fake.rows).toEqual([]);
  });

  it.each([
    ['minimum_range_error<br />\r\n', 'correct minimum in'],
    ['mbox_error_empty<br />\r\nmbox_error_regex<br />\r\n', 'correct mbox in'],
  ])('for settings of the zone (%j): the row does not stay, and the field is named', async (soaFault, hint) => {
    await start({ zones: [{ name: 'example.com', soaFault }] });
    const failure = await failureOf(add());
    expect(failure).toMatchObject({ code: 'E_REJECTED', message: expect.stringContaining('removed again') });
    expect(failure.message).not.toContain('<br');
    expect(failure.hint).toContain(hint);
    expect(failure.hint).toContain('the zone example.com');
    expect(fake.rows).toEqual([]);
  });

  it('for a zone that is gone: the orphan does not stay', async () => {
    fake.before('dns_txt_add', () => void fake.zones.pop());
    const failure = await failureOf(add());
    expect(failure).toMatchObject({
      code: 'E_AUTH',
      message: expect.stringContaining('does not let this user change the zone'),
    });
    expect(failure.message).toContain('removed again');
    expect(fake.rows).toEqual([]);
  });

  it('where the row cannot be taken out either, says which one is left', async () => {
    fake.rights.delete('dns_zone_update');
    fake.rights.delete('dns_txt_delete');
    const failure = await failureOf(add());
    expect(failure.message).toContain('removing it again failed (dns_txt_delete: the remote user may not');
    expect(failure.hint).toContain('delete the record with the id 19');
    expect(fake.rows).toHaveLength(1);
  });

  it('where the panel keeps the row without a word, says that it may be there', async () => {
    fake.rights.delete('dns_zone_update');
    fake.panel.keepsRows = true;
    const failure = await failureOf(add());
    expect(failure).toMatchObject({ code: 'E_AUTH', outcomeUnknown: true });
    expect(failure.hint).toContain('delete the record with the id 19');
    expect(fake.rows).toHaveLength(1);
  });

  it('where nobody can say whether the row is there, says that', async () => {
    fake.rights.delete('dns_zone_update');
    fake.before('dns_txt_add', () => {
      fake.server.inject({ call: 'dns_txt_get', kind: 'wrong-type', effect: 'before' });
    });
    const failure = await failureOf(add());
    expect(failure).toMatchObject({ code: 'E_AUTH', message: expect.stringContaining('is not known') });
  });

  it('leaves a row of the same value alone that was there before', async () => {
    fake.rights.delete('dns_zone_update');
    fake.plant({ name: AT_NAME, data: VALUE, active: 'N' });
    await failureOf(add());
    expect(fake.rows).toMatchObject([{ data: VALUE, active: 'N' }]);
  });
});

describe('an answer that was lost', () => {
  it('after the value was published: one look at the row, one at the serial', async () => {
    fake.server.inject({ call: 'dns_txt_add', kind: 'reset', effect: 'after' });
    expect(await add()).toEqual({ zone: 'example.com', id: '19', changed: true });
    expect(fake.held(record.name)).toEqual([VALUE]);
    expect(fake.server.takeCalls().slice(3)).toEqual(['dns_txt_add', 'dns_txt_get', 'dns_zone_get']);
  });

  it('after the row was stored but before the serial: the row goes, the add is done again', async () => {
    fake.panel.diesBeforeSerial = true;
    const before = fake.serialOf('example.com');
    expect(await add()).toMatchObject({ changed: true });
    expect(fake.held(record.name)).toEqual([VALUE]);
    expect(fake.serialOf('example.com')).toBeGreaterThan(before);
  });

  it('as the session ends before the serial: the row goes, the add is done again', async () => {
    fake.panel.sessionsEndBeforeSerial = 1;
    const before = fake.serialOf('example.com');
    expect(await add()).toMatchObject({ id: '20', changed: true });
    expect(fake.held(record.name)).toEqual([VALUE]);
    expect(fake.serialOf('example.com')).toBeGreaterThan(before);
  });

  it('as the session ends before every serial: no row stays', async () => {
    fake.panel.sessionsEndBeforeSerial = 9;
    expect(await failureOf(add())).toMatchObject({ code: 'E_REMOTE', outcomeUnknown: true });
    expect(fake.rows).toEqual([]);
  });

  it.each(['before', 'after'] as const)('in a 429 that came %s the write: one row', async (effect) => {
    fake.server.inject({ call: 'dns_txt_add', kind: '429', effect });
    expect(await add()).toMatchObject({ changed: true });
    expect(fake.held(record.name)).toEqual([VALUE]);
    expect(fake.server.takeCalls().filter((call) => call === 'dns_txt_add')).toHaveLength(effect === 'after' ? 1 : 2);
  });

  it('while another process stores the same value: its row is left alone, and not called ours', async () => {
    fake.server.inject({ call: 'dns_txt_add', kind: '500', effect: 'before' });
    const { provider } = openOn(fake);
    fake.before('dns_txt_get', () =>
      fake.before('dns_txt_get', () => void fake.plant({ name: AT_NAME, data: VALUE, stamp: '2026-01-01 00:00:00' })),
    );
    expect(await provider.addTxt(record)).toEqual({ zone: 'example.com', id: '19', changed: false });
    expect(fake.held(record.name)).toEqual([VALUE]);
    expect(fake.server.takeCalls().filter((call) => call === 'dns_txt_add')).toHaveLength(1);
  });

  it('before anything was done: the add is done again, once', async () => {
    fake.server.inject({ call: 'dns_txt_add', kind: '500', effect: 'before' });
    expect(await add()).toMatchObject({ changed: true });
    expect(fake.held(record.name)).toEqual([VALUE]);
    expect(fake.server.takeCalls().filter((call) => call === 'dns_txt_add')).toHaveLength(2);
  });
});

describe('what ISPConfig would store as something else', () => {
  it('a label of broken Punycode is refused before anything is sent', async () => {
    const failure = await failureOf(add({ name: '_acme-challenge.xn--zzzzzz99999.example.com' }));
    expect(failure.code).toBe('E_REJECTED');
    expect(failure.hint).toContain('CNAME');
    expect(fake.server.takeCalls()).toEqual([]);
  });

  it.each(['a..b', '-a', 'a-', 'ab--cd', 'a'.repeat(64), 'a b', '@'])('a label like %j is no name at all', (label) => {
    expect(() => add({ name: `_acme-challenge.${label}.example.com` })).toThrow('is not a domain name');
    expect(fake.server.takeCalls()).toEqual([]);
  });

  it.each(['a"b', 'a\\b', 'a\nb', 'ä'])('a value like %j is refused before anything is sent', async (value) => {
    expect(await failureOf(add({ value }))).toMatchObject({ code: 'E_REJECTED' });
    expect(fake.server.takeCalls()).toEqual([]);
  });

  it('but a real Punycode label is stored', async () => {
    const name = '_acme-challenge.xn--mller-kva.example.com';
    await add({ name });
    expect(fake.held(name)).toEqual([VALUE]);
  });

  it('a percent sign in the value is no wildcard', async () => {
    fake.plant({ name: AT_NAME, data: 'axxxb' });
    await add({ value: 'a%b' });
    await openOn(fake).provider.removeTxt({ ...record, value: 'a%b' });
    expect(fake.held(record.name)).toEqual(['axxxb']);
  });
});

it('tells the DNS side of a change once the serial is raised', async () => {
  const changes: string[] = [];
  await start({ onChange: async (...change) => void changes.push(change.join(' ')) });
  await add();
  await openOn(fake).provider.removeTxt(record);
  const change = `example.com ${record.name} TXT ${VALUE}`;
  expect(changes).toEqual([`${change} added`, `${change} removed`]);
});
