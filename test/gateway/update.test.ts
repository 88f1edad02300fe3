import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeMessage, type OutgoingMessage, TYPE } from '../../src/dns/wire.ts';
import { withLength } from '../../src/dns/wire-framing.ts';
import { sign } from '../../src/dns/wire-tsig.ts';
import { expectFailure, OTHER_VALUE, VALUE } from '../support/cli.ts';
import { until } from '../support/until.ts';
import { json, serveConfig, useGateway, user } from './support.ts';
import {
  add,
  clear,
  exchange,
  messages,
  openTcp,
  question,
  remove,
  type SendSettings,
  send as sendTo,
  updateOf,
} from './update-client.ts';
import { keyUser, OTHERS, OWN, UPDATE, WEB1, WEB2 } from './update-support.ts';

const gateway = useGateway();

const BOTH = [keyUser(WEB1, ['www.example.com']), keyUser(WEB2, ['example.com'])];

async function configure(users = BOTH, more = UPDATE) {
  const { panels, here } = gateway;
  await here.configure(`${panels.config}${serveConfig(users.join(''), '127.0.0.1:0', more)}`);
}
async function start(users = BOTH, more = UPDATE) {
  await configure(users, more);
  await gateway.start();
}
const at = () => gateway.server?.updatesAt[0] ?? '';
const send = (message: OutgoingMessage, settings: Partial<SendSettings> = {}) =>
  sendTo(message, { at: at(), key: WEB1, ...settings });
const held = (name = OWN) => [...gateway.panels.ispconfig.held(name)].sort();
const log = () => gateway.server?.stderr.join('') ?? '';
const calls = (call: RegExp) => gateway.panels.ispconfig.server.requests.filter((each) => call.test(each.call)).length;
const DONE = { rcode: 'NOERROR', signature: 'good' };

describe('an update', () => {
  it.each(['udp', 'tcp'] as const)('publishes and withdraws over %s, values side by side', async (transport) => {
    await start();
    gateway.panels.ispconfig.plant({ name: `${OWN}.`, data: 'of somebody else' });
    expect(await send(updateOf([add(OWN, VALUE)]), { transport })).toMatchObject(DONE);
    expect(await send(updateOf([add(OWN, OTHER_VALUE)]), { transport })).toMatchObject(DONE);
    expect(held()).toEqual([VALUE, OTHER_VALUE, 'of somebody else'].sort());
    expect(await send(updateOf([remove(OWN, VALUE)]), { transport })).toMatchObject(DONE);
    expect(await send(updateOf([remove(OWN, VALUE)]), { transport })).toMatchObject(DONE);
    expect(held()).toEqual([OTHER_VALUE, 'of somebody else'].sort());
    expect(log()).toMatch(
      new RegExp(
        `audit: user=web1 from=127\\.0\\.0\\.1 front=rfc2136 action=add name=${OWN} account=panel outcome=done`,
      ),
    );
    expect(log()).not.toContain(VALUE);
  });

  it('of an RRset withdraws what this user published there, and nothing else', async () => {
    await start();
    gateway.panels.ispconfig.plant({ name: `${OWN}.`, data: 'of somebody else' });
    await send(updateOf([add(OWN, VALUE)]));
    await send(updateOf([add(OWN, OTHER_VALUE)]), { key: WEB2 });
    expect(await send(updateOf([clear(OWN)]))).toMatchObject(DONE);
    expect(held()).toEqual([OTHER_VALUE, 'of somebody else'].sort());
    expect(await send(updateOf([clear(OWN, TYPE.ANY)]), { key: WEB2 })).toMatchObject(DONE);
    expect(held()).toEqual(['of somebody else']);
    expect(await send(updateOf([clear(OWN)]))).toMatchObject(DONE);
  });

  it('that also adds at the name of an RRset that it deletes leaves the values there, as lego needs it', async () => {
    await start();
    await send(updateOf([clear(OWN), add(OWN, VALUE)]));
    await send(updateOf([clear(OWN), add(OWN, OTHER_VALUE)]));
    expect(held()).toEqual([VALUE, OTHER_VALUE].sort());
  });

  it('of many names goes to the provider as one order, all of it or nothing', async () => {
    await start();
    const names = Array.from({ length: 20 }, (_, nth) => `_acme-challenge.n${nth}.www.example.com`);
    const { before, rights } = gateway.panels.ispconfig;
    const loseRightAfter = (adds: number): void =>
      before('dns_txt_add', () => (adds === 0 ? void rights.delete('dns_txt_add') : loseRightAfter(adds - 1)));
    loseRightAfter(5);
    const failed = await send(updateOf(names.map((name) => add(name, VALUE))));
    expect(failed).toMatchObject({ rcode: 'SERVFAIL', signature: 'good' });
    expect(calls(/dns_txt_delete/)).toBe(5);
    expect(names.flatMap((name) => held(name))).toEqual([]);
    expect(log().match(/ outcome=undone /g)).toHaveLength(5);
    rights.add('dns_txt_add');
    expect(await send(updateOf(names.map((name) => add(name, VALUE))))).toMatchObject(DONE);
    expect(names.flatMap((name) => held(name))).toEqual(names.map(() => VALUE));
  });

  it('is answered when the name servers show it, if serve was started with --wait', async () => {
    const { panels, dns, here } = gateway;
    await here.configure(
      `${panels.accounts}${dns.config}propagation: { timeout: 5, interval: 0.1 }\n${serveConfig(BOTH.join(''), '127.0.0.1:0', UPDATE)}`,
    );
    await gateway.start('--wait');
    dns.hold();
    let isAnswered = false;
    const answer = send(updateOf([add(OWN, VALUE)])).finally(() => {
      isAnswered = true;
    });
    await dns.asked(OWN);
    expect(isAnswered).toBe(false);
    dns.release();
    expect(await answer).toMatchObject(DONE);
  });

  it('that no name server shows in time is withdrawn, and the log says why', async () => {
    const { panels, dns, here } = gateway;
    await here.configure(
      `${panels.accounts}${dns.config}propagation: { timeout: 1, interval: 0.1 }\n${serveConfig(BOTH.join(''), '127.0.0.1:0', UPDATE)}`,
    );
    await gateway.start('--wait');
    dns.hold();
    expect(await send(updateOf([add(OWN, VALUE)]))).toMatchObject({
      rcode: 'SERVFAIL',
      reason: 'the value cannot be seen at every name server yet',
    });
    expect(held()).toEqual([]);
    expect(log()).toMatch(new RegExp(`serve: web1 ${OWN}: E_PROPAGATION: `));
    expect(log()).toContain(' outcome=undone ');
  });

  it('fails with the provider, in words that name nothing of it', async () => {
    await start();
    gateway.panels.ispconfig.panel.maintenance = true;
    expect(await send(updateOf([add(OWN, VALUE)]))).toMatchObject({
      rcode: 'SERVFAIL',
      signature: 'good',
      reason: 'the DNS provider cannot be reached or has failed',
    });
    expect(log()).toMatch(new RegExp(`serve: web1 ${OWN}: E_REMOTE: account panel`));
  });
});

describe('the same message again', () => {
  const signed = (message: OutgoingMessage) => sign(encodeMessage(message), WEB1, Math.floor(Date.now() / 1000)).bytes;

  it('joins the change under way, and gets its answer', async () => {
    await start();
    const bytes = signed(updateOf([add(OWN, VALUE)]));
    const answers = await Promise.all(Array.from({ length: 5 }, () => exchange(bytes, { at: at(), transport: 'udp' })));
    expect(new Set(answers.map((answer) => answer.toString('hex'))).size).toBe(1);
    expect(calls(/dns_txt_add/)).toBe(1);
  });

  it('changes nothing later, so that nobody can play it back', async () => {
    await start();
    const [adding, removing] = [signed(updateOf([add(OWN, VALUE)])), signed(updateOf([clear(OWN)]))];
    const first = await exchange(adding, { at: at() });
    await send(updateOf([remove(OWN, VALUE)]));
    expect((await exchange(adding, { at: at(), transport: 'udp' })).equals(first)).toBe(true);
    expect(held()).toEqual([]);
    await exchange(removing, { at: at() });
    await send(updateOf([add(OWN, VALUE)]));
    await exchange(removing, { at: at() });
    expect(held()).toEqual([VALUE]);
  });
});

it('a signed question that is played back is not asked at the provider again', async () => {
  await start();
  const bytes = sign(encodeMessage(question(OWN, TYPE.TXT)), WEB1, Math.floor(Date.now() / 1000)).bytes;
  const first = await exchange(bytes, { at: at() });
  const asked = gateway.panels.ispconfig.server.requests.length;
  expect(asked).toBeGreaterThan(0);
  expect((await exchange(bytes, { at: at() })).equals(first)).toBe(true);
  expect(gateway.panels.ispconfig.server.requests).toHaveLength(asked);
});

describe('a TCP connection', () => {
  it('carries many messages at once, and its own end does not lose the answers', async () => {
    await start();
    const socket = openTcp(at());
    const now = Math.floor(Date.now() / 1000);
    const names = Array.from({ length: 40 }, (_, nth) => `_acme-challenge.n${nth}.www.example.com`);
    const sent = names.map((name) => updateOf([add(name, VALUE)]));
    socket.end(Buffer.concat(sent.map((each) => withLength(sign(encodeMessage(each), WEB1, now).bytes))));
    const answers = await messages(socket, names.length);
    expect(answers.map((answer) => answer.readUInt16BE(0)).sort()).toEqual(sent.map(({ id }) => id).sort());
    expect(answers.filter((answer) => (answer.readUInt16BE(2) & 0xf) !== 0)).toEqual([]);
    expect(names.flatMap((name) => held(name))).toHaveLength(names.length);
  });

  it('is finished with its request when the server stops', async () => {
    const { panels, dns, here } = gateway;
    await here.configure(
      `${panels.accounts}${dns.config}propagation: { timeout: 5, interval: 0.1 }\n${serveConfig(BOTH.join(''), '127.0.0.1:0', UPDATE)}`,
    );
    await gateway.start('--wait');
    dns.hold();
    const answers = (['udp', 'tcp'] as const).map((transport) => send(updateOf([add(OWN, VALUE)]), { transport }));
    await dns.asked(OWN);
    const stopped = gateway.server?.stop();
    dns.release();
    for (const answer of await Promise.all(answers)) expect(answer).toMatchObject(DONE);
    expect(await stopped).toBe(0);
  });
});

describe('users', () => {
  it('who change in the config are known at the next message, and a key in its file too', async () => {
    const file = join(gateway.here.directory, 'web2.key');
    await writeFile(file, WEB2.secret.toString('base64'), { mode: 0o600 });
    await start([keyUser(WEB1, ['www.example.com'])]);
    expect(await send(updateOf([add(OTHERS, VALUE)]), { key: WEB2 })).toMatchObject({
      rcode: 'NOTAUTH',
      signature: 17,
    });
    await configure([`    web2: { tsig: { secret: { file: web2.key } }, names: [shop.example.com] }\n`]);
    expect(await send(updateOf([add(OTHERS, VALUE)]), { key: WEB2 })).toMatchObject(DONE);
    expect(await send(updateOf([add(OWN, VALUE)]))).toMatchObject({ rcode: 'NOTAUTH', signature: 17 });
    await writeFile(file, WEB1.secret.toString('base64'));
    expect(await send(updateOf([add(OTHERS, VALUE)]), { key: WEB2 })).toMatchObject({
      rcode: 'NOTAUTH',
      signature: 16,
    });
    expect(await send(updateOf([remove(OTHERS, VALUE)]), { key: { ...WEB1, name: 'web2' } })).toMatchObject(DONE);
  });

  it('with more requests than theirs in a minute wait, and the others do not; questions for the zone are free', async () => {
    await start([
      keyUser(WEB1, ['www.example.com'], ', limits: { requestsPerMinute: 2 }'),
      keyUser(WEB2, ['shop.example.com']),
    ]);
    for (let nth = 0; nth < 5; nth++) expect(await send(question(OWN, TYPE.SOA))).toMatchObject(DONE);
    expect(await send(updateOf([add(OWN, VALUE)]))).toMatchObject(DONE);
    expect(await send(question(OWN, TYPE.TXT))).toMatchObject(DONE);
    expect(await send(updateOf([add(OWN, OTHER_VALUE)]))).toMatchObject({
      rcode: 'SERVFAIL',
      signature: 'good',
      reason: 'too many requests',
    });
    expect(await send(updateOf([add(OTHERS, VALUE)]), { key: WEB2 })).toMatchObject(DONE);
    expect(held()).toEqual([VALUE]);
  });

  it('with a key have no password, and those with a password no key', async () => {
    await start([keyUser(WEB1, ['www.example.com']), await user('web2', 'shop.example.com')]);
    expect((await gateway.ask({ user: 'web1', body: json(OWN, VALUE) })).status).toBe(401);
    expect(await send(updateOf([add(OTHERS, VALUE)]), { key: WEB2 })).toMatchObject({ signature: 17 });
  });

  it('in capitals have a key in any letter case', async () => {
    await start([keyUser({ ...WEB1, name: 'Web1' }, ['www.example.com'])]);
    expect(await send(updateOf([add(OWN, VALUE)]))).toMatchObject(DONE);
    expect(log()).toContain('audit: user=Web1 ');
  });
});

it('without zones in the config, the domains of users with a key are the zones', async () => {
  const { panels, here } = gateway;
  const [account = ''] = panels.accounts.split('  zone-eu:');
  const users = [keyUser(WEB1, ['www.example.com']), await user('web2', 'shop.example.com')];
  await here.configure(`${account}dns: { followCnames: false }\n${serveConfig(users.join(''), '127.0.0.1:0', UPDATE)}`);
  await gateway.start();
  const apex = await send(question('www.example.com', TYPE.SOA), { key: undefined });
  expect(apex.message.answers).toMatchObject([{ name: 'www.example.com', type: TYPE.SOA }]);
  expect(await send(question('shop.example.com', TYPE.SOA), { key: undefined })).toMatchObject({ rcode: 'REFUSED' });
  expect(
    await send(updateOf([add(OWN, VALUE)], { questions: [{ name: 'www.example.com', type: TYPE.SOA }] })),
  ).toMatchObject(DONE);
});

it('IPv4 and IPv6 have servers of their own', async () => {
  await start(BOTH, '  update: { listen: ["127.0.0.1:0", "[::1]:0"] }\n');
  const [, v6 = ''] = gateway.server?.updatesAt ?? [];
  expect(v6).toMatch(/^\[::1\]:\d+$/);
  for (const transport of ['udp', 'tcp'] as const) {
    expect(await send(updateOf([add(OWN, VALUE)]), { at: v6, transport })).toMatchObject(DONE);
  }
  expect(log()).toContain('from=::1 ');
});

describe('a config', () => {
  it.each([
    [
      'with a key that is not base64',
      `    web1: { tsig: { secret: "kein Schlüssel" }, names: [example.com] }\n`,
      /serve\.users\.web1\.tsig\.secret: is not base64/,
    ],
    [
      'with a key that is short',
      `    web1: { tsig: { secret: "MTIzNDU2Nzg5MDEyMzQ1" }, names: [example.com] }\n`,
      /serve\.users\.web1\.tsig\.secret: has fewer than 16 octets/,
    ],
    [
      'with a file that is not there',
      `    web1: { tsig: { secret: { file: none } }, names: [example.com] }\n`,
      /tsig\.secret: the file .*none is not there/,
    ],
    [
      'with a user whose name no key can have',
      `    -web: { tsig: { secret: "AAAA" }, names: [example.com] }\n`,
      /serve\.users\.-web\.tsig: .*must be a domain name/,
    ],
    [
      'with two users whose keys have one name',
      `${keyUser(WEB1, ['a.example'])}${keyUser({ ...WEB1, name: 'WEB1' }, ['b.example'])}`,
      /the users web1 and WEB1 have the same name/,
    ],
  ])('%s is refused', async (_, users, message) => {
    await configure([users]);
    expectFailure(await gateway.here.run(['serve']), 78, message);
  });

  it('with an address that is in use is refused, and nothing goes on listening', async () => {
    await start();
    await configure(BOTH, `  update: { listen: ["127.0.0.1:0", "${at()}"] }\n`);
    expectFailure(await gateway.here.run(['serve']), 78, /cannot listen on 127\.0\.0\.1:\d+/, /serve\.update\.listen/);
  });

  it('whose listeners change says that this needs a restart', async () => {
    await start();
    await configure(BOTH, '  update: { listen: ["127.0.0.2:0"] }\n');
    expect(await send(updateOf([add(OWN, VALUE)]))).toMatchObject(DONE);
    await until(() => /a change of serve\.listen, serve\.update or serve\.metrics.* needs a restart/.test(log()));
  });
});
