import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FAULTS } from '../../fakes/fault-server.ts';
import { type IspconfigFake, startIspconfigFake } from '../../fakes/ispconfig.ts';
import { failureOf, open, openOn, record } from './support.ts';

const RIGHTS = ['dns_zone_get', 'dns_zone_update', 'dns_txt_get', 'dns_txt_add', 'dns_txt_delete'];

let fake: IspconfigFake;
beforeEach(async () => {
  fake = await startIspconfigFake({
    customers: [
      { username: 'anna', password: 'annas-own-word', clientId: 4, api: true },
      { username: 'bert', password: 'berts-own-word', clientId: 5, api: false },
    ],
    zones: [
      { name: 'example.com', clientId: 4 },
      { name: 'example.org', clientId: 5 },
    ],
  });
});
afterEach(() => fake.close());

describe('a login that is refused', () => {
  it('says so, and is never tried again', async () => {
    const { provider } = openOn(fake, { password: 'wrong-word' });
    const failure = await failureOf(provider.addTxt(record));
    expect(failure).toMatchObject({ code: 'E_AUTH', message: 'login: wrong user name or password' });
    expect(failure.hint).toContain('System > Remote Users');
    await failureOf(provider.removeTxt(record));
    await failureOf(provider.listTxt(record.name));
    await provider.close?.();
    expect(fake.server.takeCalls()).toEqual(['login']);
  });

  it('after which the address is locked out, with the time to wait', async () => {
    for (let tries = 0; tries < 10; tries++) {
      await failureOf(openOn(fake, { password: 'wrong-word' }).provider.listTxt(record.name));
    }
    const failure = await failureOf(openOn(fake).provider.listTxt(record.name));
    expect(failure).toMatchObject({ code: 'E_AUTH', message: expect.stringContaining('blocked this address') });
    expect(failure.hint).toContain('at least 5 minutes');
  });

  it('locks out a session that was good, which then does not log in again', async () => {
    const { provider } = openOn(fake);
    await provider.listTxt('other.example.org');
    for (let tries = 0; tries < 10; tries++) {
      await failureOf(openOn(fake, { password: 'wrong-word' }).provider.listTxt(record.name));
    }
    fake.server.takeCalls();
    const failure = await failureOf(provider.addTxt(record));
    expect(failure).toMatchObject({ code: 'E_AUTH', message: expect.stringContaining('blocked this address') });
    expect(fake.server.takeCalls()).toEqual(['dns_zone_get']);
  });

  it('leaves a lock-out in the middle of an add alone: nothing was stored, nothing more is asked', async () => {
    fake.before('dns_txt_add', () => fake.lockOut());
    expect(await failureOf(openOn(fake).provider.addTxt(record))).toMatchObject({ code: 'E_AUTH' });
    expect(fake.server.takeCalls().slice(3)).toEqual(['dns_txt_add']);
  });

  it('for a customer who may not use the API', async () => {
    const { provider } = openOn(fake, { username: 'bert', password: 'berts-own-word', clientLogin: true });
    const failure = await failureOf(provider.addTxt(record));
    expect(failure).toMatchObject({ code: 'E_AUTH', message: expect.stringContaining('does not let this customer') });
    expect(failure.hint).toContain('limits');
  });
});

it('tells maintenance as something that passes, and does log in again later', async () => {
  const { provider } = openOn(fake);
  fake.panel.maintenance = true;
  const failure = await failureOf(provider.listTxt(record.name));
  expect(failure).toMatchObject({
    code: 'E_REMOTE',
    message: 'login: the panel is under maintenance',
    hint: 'try again later',
  });
  fake.panel.maintenance = false;
  expect(await provider.listTxt(record.name)).toEqual([]);
});

it('says that the API is switched off, and where', async () => {
  fake.panel.apiDisabled = true;
  const failure = await failureOf(openOn(fake).provider.listTxt(record.name));
  expect(failure).toMatchObject({ code: 'E_CONFIG', message: "login: the panel's remote API is switched off" });
  expect(failure.hint).toContain('remote_api_allowed=yes');
});

it('says that the address is not that of the API', async () => {
  const failure = await failureOf(open({ url: fake.server.origin }).provider.listTxt(record.name));
  expect(failure).toMatchObject({ code: 'E_CONFIG', message: expect.stringContaining('the answer is a web page') });
  expect(failure.hint).toContain('https://panel.example.com:8080/remote/json.php');
});

it.each(['dns_zone_get', 'dns_txt_get', 'dns_txt_add', 'dns_txt_delete'])(
  'logs in again, once, when the session is lost at %s',
  async (name) => {
    const removing = name === 'dns_txt_delete';
    if (removing) fake.plant({ name: `${record.name}.`, data: record.value });
    const { provider } = openOn(fake);
    await provider.listTxt('other.example.org');
    fake.server.takeCalls();
    fake.before(name, () => fake.expireSessions());
    const outcome = removing ? await provider.removeTxt(record) : (await provider.addTxt(record)).changed;
    expect(outcome).toBe(removing ? 'removed' : true);
    const calls = fake.server.takeCalls();
    const at = calls.indexOf(name);
    // A write may have been done before the session was asked for.
    const look = /_get$/.test(name) ? [] : ['dns_txt_get'];
    expect(calls.slice(at, at + 3 + look.length)).toEqual([name, 'login', ...look, name]);
    expect(calls.filter((call) => call === 'login')).toHaveLength(1);
    expect(fake.held(record.name)).toEqual(removing ? [] : [record.value]);
  },
);

it('gives up when the address changes with every request', async () => {
  const { provider } = openOn(fake);
  fake.panel.addressesChange = true;
  const failure = await failureOf(provider.listTxt(record.name));
  expect(failure).toMatchObject({ code: 'E_REMOTE', message: expect.stringContaining('changing addresses') });
  expect(failure.hint).toContain('from one address');
  expect(fake.logins()).toBe(2);
});

it.each([
  ['dns_zone_get', 'tick "DNS zone functions" in the panel'],
  ['dns_txt_get', 'tick "DNS txt functions" in the panel'],
  ['dns_txt_add', 'tick "DNS zone functions" and "DNS txt functions" in the panel'],
])('names the box to tick where %s is not allowed', async (name, hint) => {
  fake.rights.delete(name);
  const failure = await failureOf(openOn(fake).provider.addTxt(record));
  expect(failure).toMatchObject({ code: 'E_AUTH', message: `${name}: the remote user may not use this function` });
  expect(failure.hint).toContain(hint);
  expect(fake.rows).toEqual([]);
});

it.each(['dns_txt_delete', 'dns_zone_update'])('removes nothing where %s is not allowed', async (name) => {
  fake.plant({ name: `${record.name}.`, data: record.value });
  fake.rights.delete(name);
  const failure = await failureOf(openOn(fake).provider.removeTxt(record));
  expect(failure).toMatchObject({
    code: 'E_AUTH',
    message: 'dns_txt_delete: the remote user may not use this function',
  });
  expect(failure.hint).toContain('"DNS zone functions" and "DNS txt functions"');
  expect(fake.held(record.name)).toEqual([record.value]);
});

describe('the rights that the user has', () => {
  it.each([...RIGHTS, undefined])('are asked for without changing anything; missing: %s', async (missing) => {
    if (missing) fake.rights.delete(missing);
    const before = JSON.stringify([fake.zones, fake.rows]);
    const checks = await openOn(fake).provider.checkRights?.();
    expect(checks?.map(({ right, held }) => [right, held])).toEqual(RIGHTS.map((right) => [right, right !== missing]));
    expect(checks?.find(({ held }) => !held)?.hint).toEqual(missing && expect.stringContaining('tick "DNS'));
    expect(JSON.stringify([fake.zones, fake.rows])).toBe(before);
  });
});

describe('a customer with his own login', () => {
  const anna = { username: 'anna', password: 'annas-own-word', clientLogin: true };

  it('publishes in his own zone and stays its owner', async () => {
    await openOn(fake, anna).provider.addTxt(record);
    expect(fake.held(record.name)).toEqual([record.value]);
    expect(fake.zones[0]?.sys_groupid).toBe('5');
  });

  it('sees no zone of anybody else', async () => {
    const zones = [];
    for await (const zone of openOn(fake, anna).provider.listZones?.() ?? []) zones.push(zone.name);
    expect(zones).toEqual(['example.com']);
    const foreign = { ...record, name: '_acme-challenge.example.org', zone: undefined };
    expect(await failureOf(openOn(fake, anna).provider.addTxt(foreign))).toMatchObject({ code: 'E_ZONE' });
    expect(fake.rows).toEqual([]);
  });
});

it('leaves the zone with its owner, unless the account names a client', async () => {
  await openOn(fake).provider.addTxt(record);
  expect(fake.zones[0]?.sys_groupid).toBe('5');
  const failure = await failureOf(openOn(fake, { clientId: 99 }).provider.addTxt({ ...record, value: 'other' }));
  expect(failure).toMatchObject({ code: 'E_CONFIG', message: expect.stringContaining('clientId') });
});

describe('close', () => {
  it('ends the session, also after a verb that failed', async () => {
    const { provider } = openOn(fake);
    await failureOf(provider.addTxt({ ...record, name: '_acme-challenge.example.net', zone: undefined }));
    expect(fake.sessions.size).toBe(1);
    await provider.close?.();
    expect(fake.sessions.size).toBe(0);
  });

  it('does not fail the verb when the panel is gone', async () => {
    const { provider } = openOn(fake);
    await provider.addTxt(record);
    fake.server.inject({ call: 'logout', kind: 'reset', effect: 'before' });
    await expect(provider.close?.()).resolves.toBeUndefined();
    expect(fake.server.takeCalls().filter((call) => call === 'logout')).toHaveLength(1);
  });

  it('sends nothing when nobody logged in', async () => {
    await openOn(fake).provider.close?.();
    expect(fake.server.takeCalls()).toEqual([]);
  });
});

it('keeps the password and the session out of every error and log line', async () => {
  const secrets = [fake.password];
  const texts: string[] = [];
  const strikes = [
    ...(['garbage', 'wrong-type', '200-html', 'empty'] as const).map((kind) => ({ call: 'login', kind, times: 1 })),
    { call: 'dns_zone_get', kind: 'garbage', times: 1 } as const,
    { call: 'dns_zone_get', kind: '502-html', times: 3 } as const,
    ...FAULTS.map((kind) => ({ call: 'dns_txt_add', kind, times: 3 })),
  ];
  for (const strike of strikes) {
    fake.server.inject({ ...strike, effect: 'before' });
    const { provider, context } = openOn(fake, {}, 400);
    const failure = await provider
      .addTxt({ ...record, value: JSON.stringify(strike).replace(/\W/g, '') })
      .catch(String);
    texts.push(JSON.stringify(failure));
    await provider.close?.();
    texts.push(...context.lines);
    secrets.push(...context.secrets);
  }
  expect(secrets.filter((secret) => /^r[0-9a-f]{40}$/.test(secret)).length).toBeGreaterThan(10);
  const shown = texts.join('\n');
  expect(shown).toContain('Dns01Error: dns_txt_add');
  expect(secrets.filter((secret) => shown.includes(secret))).toEqual([]);
});
