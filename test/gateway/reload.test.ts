import { copyFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, it } from 'vitest';
import { OTHER_VALUE, VALUE } from '../support/cli.ts';
import { until } from '../support/until.ts';
import { json, NAME, serveConfig, useGateway, user } from './support.ts';

const gateway = useGateway();
const { ask } = gateway;

const BODY = json(NAME, VALUE);
const SHOP = { user: 'web2', body: json('_acme-challenge.shop.example.com', VALUE) };

async function configure(users: readonly string[], more = '') {
  const { panels, here } = gateway;
  await here.configure(`${panels.config}${serveConfig(users.join(''), '127.0.0.1:0', more)}`);
}
const web1 = () => user('web1', 'www.example.com');
const web2 = () => user('web2', 'shop.example.com');
const logged = (text: RegExp) => until(() => text.test(gateway.server?.stderr.join('') ?? ''));

it('a user that is taken out of the config is refused at the next request, and one that is added is let in', async () => {
  await configure([await web1()]);
  await gateway.start();
  expect((await ask({ body: BODY })).status).toBe(200);
  expect((await ask(SHOP)).status).toBe(401);
  await configure([await web2()]);
  expect((await ask({ body: BODY })).status).toBe(401);
  expect((await ask(SHOP)).status).toBe(200);
});

it('a hangup reads the config anew and stops nothing', async () => {
  await configure([await web1()]);
  const { child } = await gateway.start();
  expect((await ask({ body: BODY })).status).toBe(200);
  await configure([await web1(), await web2()]);
  child.kill('SIGHUP');
  await logged(/the config was read again/);
  expect((await ask(SHOP)).status).toBe(200);
  child.kill('SIGHUP');
  await logged(/read again[\s\S]*read again/);
  expect((await ask({ path: '/cleanup', body: BODY })).status).toBe(200);
  expect(child.exitCode).toBeNull();
});

it.each([
  ['of another form', 'accounts: [\n'],
  ['without serve', undefined],
])('a config %s leaves the one before in use, and the log says so', async (_, broken) => {
  await configure([await web1()]);
  const { child } = await gateway.start();
  await gateway.here.configure(broken ?? gateway.panels.config);
  expect((await ask({ body: BODY })).status).toBe(200);
  await logged(/warning: serve: the previous config stays in use: .*dns01\.yaml/);
  child.kill('SIGHUP');
  await logged(/in use[\s\S]*in use/);
  expect((await ask({ body: json(NAME, OTHER_VALUE) })).status).toBe(200);
  await configure([await web1(), await web2()]);
  expect((await ask(SHOP)).status).toBe(200);
});

it('accounts that change are taken with the next request, while others go on with what they had', async () => {
  const { panels, dns, here } = gateway;
  const configureWith = async (accounts: string) =>
    here.configure(`${accounts}${dns.config}propagation: { timeout: 20, interval: 0.1 }\n${serveConfig(await web1())}`);
  await configureWith(panels.accounts);
  await gateway.start('--wait');
  dns.hold();
  const waiting = ask({ body: BODY });
  await dns.asked(NAME);
  await configureWith(panels.accounts.replace(/password: .*/, 'password: "of another account"'));
  expect((await ask({ body: json('_acme-challenge.shop.www.example.com', OTHER_VALUE) })).status).toBe(502);
  dns.release();
  expect((await waiting).status).toBe(200);
});

const fixture = (name: string) => new URL(`../fixtures/tls/${name}`, import.meta.url).pathname;

/** The certificate's own name. */
function servedCertificate(at: string): Promise<string> {
  const { hostname: host, port } = new URL(at);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port), rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '');
      socket.destroy();
    }).on('error', reject);
  });
}

it('a certificate that is renewed is served with the next connection, and a wrong pair is not', async () => {
  const place = (name: string) => join(gateway.here.directory, name);
  const put = async (cert: string, key: string) => {
    await copyFile(fixture(cert), place('new.pem'));
    await rename(place('new.pem'), place('cert.pem'));
    await copyFile(fixture(key), place('key.pem'));
  };
  await put('server.pem', 'server.key');
  await configure([await web1()], '  tls: { cert: cert.pem, key: key.pem }\n');
  const { at } = await gateway.start();
  const before = await servedCertificate(at);
  await put('self-signed.pem', 'server.key');
  expect(await servedCertificate(at)).toBe(before);
  await logged(/stays in use: serve\.tls: .*cert\.pem and .*key\.pem cannot be used/);
  await put('self-signed.pem', 'self-signed.key');
  expect(await servedCertificate(at)).not.toBe(before);
  await writeFile(place('key.pem'), '');
  expect(await servedCertificate(at)).not.toBe(before);
});
