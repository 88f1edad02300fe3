/** Gateways on different machines: each has a state directory of its own, and all have one database. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expectItStays } from '../gateway/published-again.ts';
import { ask, json, serveConfig, user } from '../gateway/support.ts';
import { expectFailure, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { type Panels, startPanels } from '../support/panels.ts';
import { bundle } from '../support/paths.ts';
import { freePorts } from './lab/addresses.ts';
import { missingPostgres, type Postgres, startPostgres } from './lab/postgres.ts';
import { holdsWithin } from './lab/until.ts';

const missing = missingPostgres();

interface Node {
  readonly at: string;
  readonly here: Workplace;
  readonly child: ChildProcess;
}

const HOST = '127.0.0.1';
const BODY = json('_acme-challenge.example.com', VALUE);

describe.skipIf(missing.length > 0)(`gateways with one database (missing: ${missing.join(', ') || 'nothing'})`, () => {
  let database: Postgres;
  let panels: Panels;
  let nodes: Node[] = [];
  /** Starts the database again, where a test has stopped it. */
  let back = async () => {};
  beforeAll(async () => {
    database = await startPostgres();
  });
  afterAll(() => database?.close());
  beforeEach(async () => {
    panels = await startPanels();
    nodes = [];
    for (const port of await freePorts(2)) nodes.push(await startNode(port));
  });
  afterEach(async () => {
    for (const { child, here } of nodes) {
      child.kill('SIGKILL');
      await here.remove();
    }
    await back();
    await panels.close();
  });

  async function startNode(port: number): Promise<Node> {
    const here = await openWorkplace();
    const config = panels.config.replace('example.ee: zone-eu', 'example.ee: { account: zone-eu, delegated: true }');
    const state = `state: { postgres: { url: "${database.url()}" } }\n`;
    const users = await user('web1', 'example.com');
    const file = await here.configure(`${config}${state}${serveConfig(users, `${HOST}:${port}`, '  lease: 3\n')}`);
    const env = { DNS01_CONFIG: file, DNS01_STATE_DIR: here.stateDirectory };
    const child = spawn(process.execPath, [bundle, 'serve'], { env, stdio: 'ignore' });
    const { code, stderr } = await here.run(['serve', '--check']);
    expect(code, stderr).toBe(0);
    return { at: `http://${HOST}:${port}`, here, child };
  }

  const node = (index: number): Node => {
    const found = nodes[index];
    if (!found) throw new Error(`there is no node ${index}`);
    return found;
  };

  /** The login that a command on the first node has made. */
  async function addUser(...args: string[]): Promise<Record<string, string>> {
    const { code, stdout, stderr } = await node(0).here.run(['serve', 'user', 'add', ...args]);
    expect(code, stderr).toBe(0);
    return Object.fromEntries(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t')),
    );
  }

  it('know the same users, and count their requests together', async () => {
    const { password = '' } = await addUser('web9', '--names', 'example.com', '--requests-per-minute', '3');
    const statuses: number[] = [];
    for (const index of [1, 0, 1, 0]) {
      statuses.push((await ask(node(index).at, { user: 'web9', password, body: BODY })).status);
    }
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect((await node(1).here.run(['serve', 'user', 'list'])).stdout).toContain('web9\tstate\texample.com\n');
    await node(1).here.run(['serve', 'user', 'remove', 'web9']);
    await holdsWithin(5, async () => (await ask(node(0).at, { user: 'web9', password, body: BODY })).status === 401);
  });

  it('withdraw what one of them has published, when its lease ends and that one is dead', async () => {
    const login = await addUser('old', '--acme-dns', 'auth.example.ee');
    const headers = { 'x-api-user': 'old', 'x-api-key': login['password'] ?? '' };
    const body = JSON.stringify({ subdomain: login['subdomain'], txt: VALUE });
    expect((await ask(node(0).at, { path: '/update', headers, body })).status).toBe(200);
    node(0).child.kill('SIGKILL');
    const held = () => panels.zoneid.held(login['fulldomain'] ?? '');
    expect(held()).toEqual([VALUE]);
    await holdsWithin(20, async () => held().length === 0);
    expect(held()).toEqual([]);
  });

  it('keep a value that is published again at one of them while another withdraws it', async () => {
    const login = await addUser('twice', '--acme-dns', 'auth.example.ee');
    const headers = { 'x-api-user': 'twice', 'x-api-key': login['password'] ?? '' };
    const body = JSON.stringify({ subdomain: login['subdomain'], txt: VALUE });
    const update = ({ at }: Node) => ask(at, { path: '/update', headers, body });
    // A killed one may leave a lock behind.
    const ended = once(node(1).child, 'exit');
    node(1).child.kill('SIGTERM');
    await ended;
    expect((await update(node(0))).status).toBe(200);
    await expectItStays(panels.zoneid, login['fulldomain'] ?? '', async () => {
      const [port] = await freePorts(2);
      nodes.push(await startNode(port));
      return update(node(2));
    });
  });

  it('end at once, with the exit code of a config, where the port of the metrics is taken', async () => {
    const { here, at } = node(1);
    const taken = new URL(at).host;
    const users = await user('web1', 'example.com');
    const metrics = `  metrics: { listen: ${taken} }\n`;
    const state = `state: { postgres: { url: "${database.url()}" } }\n`;
    await here.configure(`${panels.config}${state}${serveConfig(users, `${HOST}:0`, metrics)}`);
    const started = performance.now();
    expectFailure(await here.run(['serve']), 78, new RegExp(`cannot listen on ${taken}`), /serve\.metrics\.listen/);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('answer what they have begun and end, when they are told to stop while the database is silent', async () => {
    const { at, child } = node(0);
    const ended = once(child, 'exit');
    database.freeze();
    back = async () => database.thaw();
    const asked = ask(at, { body: BODY });
    await delay(300);
    child.kill('SIGTERM');
    expect((await asked).status).toBe(503);
    expect(await Promise.race([ended, delay(10_000)])).toEqual([0, null]);
    await back();
    back = async () => {};
    expect(panels.ispconfig.held('_acme-challenge.example.com')).toEqual([]);
  });

  it('write nothing while the database takes no changes, and say whose fault that is', async () => {
    const { at } = node(0);
    const readOnly = (mode: 'on' | 'off') =>
      database.sql(`begin read write; alter database postgres set default_transaction_read_only = ${mode}; commit;
        select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'dns01'`);
    await readOnly('on');
    back = async () => void (await readOnly('off'));
    const { status, text } = await ask(at, { body: BODY });
    expect([status, JSON.parse(text)]).toMatchObject([503, { code: 'E_STATE', error: 'the state cannot be reached' }]);
    await holdsWithin(5, async () => (await ask(at, { path: '/ready', method: 'GET' })).status === 503);
    expect(panels.ispconfig.held('_acme-challenge.example.com')).toEqual([]);
    await back();
    back = async () => {};
    await holdsWithin(10, async () => (await ask(at, { path: '/ready', method: 'GET' })).status === 200);
    expect((await ask(at, { body: BODY })).status).toBe(200);
  });

  it('write nothing while the database is away, say so, and go on when it is back', async () => {
    await database.stop();
    back = () => database.start();
    for (const { at } of nodes) {
      expect((await ask(at, { path: '/health', method: 'GET' })).status).toBe(200);
      expect((await ask(at, { body: BODY })).status).toBe(503);
      await holdsWithin(10, async () => (await ask(at, { path: '/ready', method: 'GET' })).status === 503);
    }
    expect(panels.ispconfig.held('_acme-challenge.example.com')).toEqual([]);
    await back();
    back = async () => {};
    for (const { at } of nodes) {
      await holdsWithin(20, async () => (await ask(at, { path: '/ready', method: 'GET' })).status === 200);
    }
    expect((await ask(node(1).at, { body: BODY })).status).toBe(200);
    expect(panels.ispconfig.held('_acme-challenge.example.com')).toEqual([VALUE]);
  });
});
