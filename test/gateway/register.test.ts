import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { VALUE } from '../support/cli.ts';
import { type Reply, serveConfig, useGateway, user } from './support.ts';

const gateway = useGateway();

const configure = async (networks: string) => {
  const config = gateway.panels.config.replace(
    'example.ee: zone-eu',
    'example.ee: { account: zone-eu, delegated: true }',
  );
  const more = `  register: { networks: [${networks}], zone: auth.example.ee }\n`;
  await gateway.here.configure(`${config}${serveConfig(await user('web1', 'example.ee'), '127.0.0.1:0', more)}`);
};

beforeEach(async () => {
  await configure('127.0.0.1/32');
  await gateway.start();
});

const register = (body = '', from = '127.0.0.1') => gateway.ask({ path: '/register', headers: {}, body, from });

interface Registered {
  readonly username: string;
  readonly password: string;
  readonly subdomain: string;
  readonly fulldomain: string;
}

const update = ({ username, password, subdomain }: Registered, from = '127.0.0.1') =>
  gateway.ask({
    path: '/update',
    headers: { 'x-api-user': username, 'x-api-key': password },
    body: JSON.stringify({ subdomain, txt: VALUE }),
    from,
  });

const parsed = ({ text }: Reply): Registered => JSON.parse(text);

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

describe('a registration', () => {
  it('gives a user who can write one new name at once, also after a restart', async () => {
    const reply = await register();
    expect([reply.status, reply.headers['content-type']]).toEqual([201, 'application/json']);
    const user = parsed(reply);
    expect(user).toEqual({
      username: expect.stringMatching(UUID),
      password: expect.stringMatching(/^[\w-]{40}$/),
      subdomain: expect.stringMatching(UUID),
      fulldomain: `${user.subdomain}.auth.example.ee`,
      allowfrom: [],
    });
    expect((await update(user)).status).toBe(200);
    expect(gateway.panels.zoneid.held(user.fulldomain)).toEqual([VALUE]);
    const other = parsed(await register());
    expect((await update({ ...user, subdomain: other.subdomain })).status).toBe(401);
    expect((await update({ ...user, password: other.password })).status).toBe(401);
    await gateway.server?.stop();
    await gateway.start();
    expect((await update(user)).status).toBe(200);
    expect((await update(other)).status).toBe(200);
    await gateway.here.expectNoSecret(user.password, other.password);
  });

  it('is shown where the users are listed, with its time', async () => {
    const user = parsed(await register());
    const { stdout } = await gateway.here.run(['serve', 'user', 'list']);
    expect(stdout).toMatch(new RegExp(`^${user.username}\tstate\t${user.fulldomain}\tregistered 20\\d\\d-`, 'm'));
    const list = await gateway.here.run(['serve', 'user', 'list', '--json']);
    expect(JSON.parse(list.stdout).users).toContainEqual(
      expect.objectContaining({ user: user.username, registered: expect.stringMatching(/^20\d\d-/) }),
    );
  });

  it('is one row of the list, whatever the state holds as its time', async () => {
    const { username } = parsed(await register());
    const users = join(gateway.here.stateDirectory, 'users');
    for (const file of await readdir(users)) {
      const stored = JSON.parse(await readFile(join(users, file), 'utf8'));
      await writeFile(join(users, file), JSON.stringify({ ...stored, registered: 'x\nevil\tconfig\tevil.example' }));
    }
    const { stdout } = await gateway.here.run(['serve', 'user', 'list']);
    expect(stdout).toContain(username);
    expect(stdout).not.toMatch(/^evil/m);
  });

  it('may limit its user to networks', async () => {
    const user = parsed(await register('{"allowfrom":["127.0.0.7/32","[2001:db8::]/32"]}'));
    expect(user).toMatchObject({ allowfrom: ['127.0.0.7/32', '2001:db8::/32'] });
    const { status, text } = await update(user);
    expect([status, text]).toEqual([401, '{"error": "forbidden"}']);
    expect((await update(user, '127.0.0.7')).status).toBe(200);
  });

  it.each([
    ['{"allowfrom":', 'malformed_json_payload'],
    ['{"allowfrom":"192.0.2.0/24"}', 'malformed_json_payload'],
    ['{"allowfrom":["192.0.2.0"]}', 'invalid_allowfrom_cidr'],
    ['{"allowfrom":["192.0.2.0/33"]}', 'invalid_allowfrom_cidr'],
    ['{"allowfrom":["evil/8"]}', 'invalid_allowfrom_cidr'],
  ])('of another form is refused in acme-dns’s words: %s', async (body, error) => {
    const { status, text } = await register(body);
    expect([status, text]).toEqual([400, `{"error": "${error}"}`]);
  });

  it('is for the networks of the config: to others the path is not there', async () => {
    const [other, unknown] = [
      await register('', '127.0.0.2'),
      await gateway.ask({ path: '/nothing', from: '127.0.0.2' }),
    ];
    expect(other.status).toBe(404);
    expect(other.text).toBe(unknown.text);
  });

  it('is possible ten times a minute', async () => {
    const statuses: number[] = [];
    for (let index = 0; index < 12; index++) statuses.push((await register()).status);
    expect(statuses).toEqual([...Array(10).fill(201), 429, 429]);
    expect((await gateway.ask({ path: '/health', method: 'GET' })).status).toBe(200);
  });
});
