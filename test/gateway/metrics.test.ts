import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { OTHER_VALUE, VALUE } from '../support/cli.ts';
import { PANEL_PASSWORD } from '../support/panels.ts';
import { ask as askAt, json, NAME, PASSWORD, serveConfig, useGateway, user } from './support.ts';

const gateway = useGateway();
const { ask } = gateway;

const ESTONIAN = '_acme-challenge.www.example.ee';

beforeEach(async () => {
  const users = await user('web1', 'www.example.com', 'www.example.ee');
  const more = '  metrics: { listen: 127.0.0.1:0 }\n';
  await gateway.here.configure(`${gateway.panels.config}${serveConfig(users, '127.0.0.1:0', more)}`);
  await gateway.start();
});

const metricsAt = () =>
  new URL(gateway.server?.stdout.join('').match(/listening on (.*)\/metrics\n/)?.[1] ?? '').origin;

const read = (path = '/metrics', method = 'GET') => askAt(metricsAt(), { path, method, headers: {} });

/** The samples of this program: `name{labels}` and the number. */
async function samples(): Promise<Record<string, number>> {
  const { text } = await read();
  const own = text.split('\n').filter((line) => line.startsWith('dns01_'));
  return Object.fromEntries(own.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

describe('metrics', () => {
  it('count what is published and withdrawn, what the providers answer, and how long clients wait', async () => {
    await ask({ body: json(NAME, VALUE) });
    await ask({ body: json(NAME, OTHER_VALUE) });
    await ask({ path: '/cleanup', body: json(NAME, VALUE) });
    gateway.panels.zoneid.server.inject({ kind: '500', call: 'POST txt', effect: 'before', times: 9 });
    await ask({ body: json(ESTONIAN, VALUE) });
    await ask({ body: json('_acme-challenge.example.org', VALUE) });
    expect(await samples()).toMatchObject({
      dns01_published_total: 2,
      dns01_withdrawn_total: 1,
      dns01_leftover: 0,
      'dns01_provider_requests_total{account="zone-eu",status="500"}': expect.any(Number),
      'dns01_provider_requests_total{account="panel",status="200"}': expect.any(Number),
      'dns01_wait_seconds_count{outcome="done"}': 3,
      'dns01_wait_seconds_count{outcome="E_REMOTE"}': 1,
      'dns01_answers_total{status="200"}': 3,
      'dns01_answers_total{status="403"}': 1,
      'dns01_rate_limit_remaining{account="zone-eu",per="address",window_seconds="60"}': expect.any(Number),
      dns01_config_valid: 1,
    });
  });

  it('hold no value, no secret, no path and no name of a domain', async () => {
    await ask({ path: '/a/secret/path/present', body: json(NAME, VALUE) });
    const { text, headers } = await read();
    expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    for (const secret of [VALUE, PASSWORD, PANEL_PASSWORD, 'secret/path', 'example.com', gateway.here.directory]) {
      expect(text).not.toContain(secret);
    }
  });

  it('are not at the public port, and the public port is not where they are', async () => {
    const path = '/metrics';
    expect((await ask({ path, method: 'GET' })).status).toBe(404);
    expect((await ask({ path })).status).toBe(404);
    expect((await askAt(metricsAt(), { body: json(NAME, VALUE) })).status).toBe(404);
    expect((await read('/metrics', 'POST')).status).toBe(405);
    expect([(await read('/health')).status, (await read('/ready')).status]).toEqual([200, 200]);
  });

  it('are there when the journal cannot be read', async () => {
    const journal = join(gateway.here.stateDirectory, 'journal');
    await rm(journal, { recursive: true, force: true });
    await symlink('/nowhere', journal);
    expect(await samples()).toMatchObject({ dns01_leftover: NaN, dns01_config_valid: 1 });
    await rm(journal);
  });

  it('show that the config on disk is invalid', async () => {
    await gateway.here.configure('accounts: [\n');
    expect(await samples()).toMatchObject({ dns01_config_valid: 0 });
  });
});
