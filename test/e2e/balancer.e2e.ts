/** Two gateways behind the nginx of docs/gateway.md: the lines of the page, with the addresses of this machine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ask, json, serveConfig, user } from '../gateway/support.ts';
import { openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { type Panels, startPanels } from '../support/panels.ts';
import { bundle, root } from '../support/paths.ts';
import { freePorts } from './lab/addresses.ts';
import { pathTo } from './lab/programs.ts';
import { startNginx } from './support/nginx.ts';

const fixture = (name: string) => join(root, 'test', 'fixtures', 'tls', name);

let here: Workplace;
let panels: Panels;
let dir: string;
const gateways: ChildProcess[] = [];
const closers: Array<() => Promise<void>> = [];

beforeEach(async () => {
  here = await openWorkplace();
  panels = await startPanels();
  dir = await mkdtemp(join(tmpdir(), 'dns01-balancer-'));
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  for (const gateway of gateways.splice(0)) gateway.kill('SIGKILL');
  await Promise.all([panels.close(), here.remove(), rm(dir, { recursive: true })]);
});

/** A gateway with a config of its own and the state of both. */
async function startGateway(port: number): Promise<ChildProcess> {
  const folder = join(here.directory, String(port));
  await mkdir(folder);
  const page = await readFile(join(root, 'docs', 'gateway.md'), 'utf8');
  const [, settings = ''] = /```yaml\nserve:\n {2}listen: 0\.0\.0\.0:8053\n(.*?)```/s.exec(page) ?? [];
  await copyFile(fixture('server.pem'), join(folder, 'gateway.pem'));
  await copyFile(fixture('server.key'), join(folder, 'gateway.key'));
  const more = settings.replace('192.0.2.10/32', '127.0.0.1/32');
  const text = `${panels.config}${serveConfig(await user('web1', 'example.com'), `127.0.0.1:${port}`, more)}`;
  const config = await here.configure(text);
  await copyFile(config, join(folder, 'dns01.yaml'));
  const env = { DNS01_CONFIG: join(folder, 'dns01.yaml'), DNS01_STATE_DIR: here.stateDirectory };
  const gateway = spawn(process.execPath, [bundle, 'serve'], { env, stdio: 'ignore' });
  gateways.push(gateway);
  const checked = await here.run(['serve', '--check'], { env });
  expect(checked.code, checked.stderr).toBe(0);
  return gateway;
}

it.skipIf(pathTo('nginx') === undefined)(
  'a gateway that dies takes nothing with it: nginx repeats its requests at the other one (needs nginx)',
  async () => {
    const [first, second, front] = await freePorts(3);
    const page = await readFile(join(root, 'docs', 'gateway.md'), 'utf8');
    const [, http = ''] = /```nginx\n(.*?)```/s.exec(page) ?? [];
    const lines = http
      .replace('192.0.2.11:8053', `127.0.0.1:${first}`)
      .replace('192.0.2.12:8053', `127.0.0.1:${second}`)
      .replace('listen 443 ssl', `listen 127.0.0.1:${front} ssl`)
      .replace('gateway.example.com', 'localhost')
      .replace('/etc/ssl/dns01/fullchain.pem', fixture('server.pem'))
      .replace('/etc/ssl/dns01/key.pem', fixture('server.key'))
      .replace('/etc/ssl/dns01/gateway-ca.pem', fixture('ca.pem'));
    const dying = await startGateway(first);
    await startGateway(second);
    closers.push(await startNginx(dir, lines, front));

    const at = `https://127.0.0.1:${front}`;
    const ca = await readFile(fixture('ca.pem'), 'utf8');
    expect((await ask(at, { path: '/ready', method: 'GET', ca })).status).toBe(200);
    const names = Array.from({ length: 40 }, (_, nth) => `_acme-challenge.n${nth}.example.com`);
    const answers = names.map((name) => ask(at, { body: json(name, VALUE), ca }));
    await Promise.race(answers);
    dying.kill('SIGKILL');
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(40).fill(200));
    for (const name of names) expect(panels.ispconfig.held(name)).toEqual([VALUE]);

    // The other gateway withdraws what the dead one has published.
    const removals = await Promise.all(names.map((name) => ask(at, { path: '/cleanup', body: json(name, VALUE), ca })));
    expect(removals.map(({ status }) => status)).toEqual(Array(40).fill(200));
    for (const name of names) expect(panels.ispconfig.held(name)).toEqual([]);
  },
);
