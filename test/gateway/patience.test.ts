import { describe, expect, it } from 'vitest';
import { OTHER_VALUE, VALUE } from '../support/cli.ts';
import { until } from '../support/until.ts';
import { json, serveConfig, useGateway, user } from './support.ts';

const NAME = '_acme-challenge.example.ee';
const SECOND = '_acme-challenge.www.example.ee';

async function configure(gateway: ReturnType<typeof useGateway>) {
  await gateway.here.configure(`${gateway.panels.config}${serveConfig(await user('web1', 'example.ee'))}`);
}

async function start(gateway: ReturnType<typeof useGateway>, ...options: string[]) {
  await configure(gateway);
  await gateway.start(...options);
  expect((await gateway.ask({ body: json(NAME, VALUE) })).status).toBe(200);
}

describe('a rate limit of the provider', () => {
  const gateway = useGateway({ zoneid: { rateLimit: { requests: 1, window: 27_000, retryAfter: 'seconds' } } });

  it('that takes longer to pass than clients usually wait is waited for all the same', async () => {
    await start(gateway);
    const started = performance.now();
    expect((await gateway.ask({ body: json(SECOND, OTHER_VALUE) })).status).toBe(200);
    expect(performance.now() - started).toBeGreaterThan(25_000);
    expect(gateway.panels.zoneid.held(SECOND)).toEqual([OTHER_VALUE]);
  }, 60_000);
});

describe('a change that waits', () => {
  const gateway = useGateway({ zoneid: { rateLimit: { requests: 1, window: 3000, retryAfter: 'seconds' } } });
  const calls = () => gateway.panels.zoneid.server.requests.length;

  it('is made although its client has gone, and a removal that the client then asks for comes after it', async () => {
    await start(gateway);
    const before = calls();
    const add = gateway.ask({
      body: json(SECOND, OTHER_VALUE),
      onRequest: (request) => void until(() => calls() > before).then(() => request.destroy()),
    });
    await expect(add).rejects.toMatchObject({ code: 'ECONNRESET' });
    // A config that was written anew begins a run of its own, which knows nothing of what the one before is doing.
    await configure(gateway);
    const removal = gateway.ask({ path: '/cleanup', body: json(SECOND, OTHER_VALUE) });
    await until(() => gateway.panels.zoneid.held(SECOND).length > 0);
    expect((await removal).status).toBe(200);
    expect(gateway.panels.zoneid.held(SECOND)).toEqual([]);
    expect(gateway.server?.stderr.join('')).toMatch(/present .* 200 \d+ ms, the client has gone/);
  });

  it('is made although the time for the answer is over', async () => {
    await start(gateway, '--timeout', '1');
    const { status, text } = await gateway.ask({ body: json(SECOND, OTHER_VALUE) });
    expect([status, text]).toEqual([503, '{"error":"the change takes too long, and goes on"}\n']);
    await until(() => gateway.panels.zoneid.held(SECOND).length > 0);
  });

  it('is made when the server is told to stop meanwhile, after locks were used too', async () => {
    await start(gateway);
    const before = calls();
    const add = gateway.ask({ body: json(SECOND, OTHER_VALUE) });
    await until(() => calls() > before);
    expect(await gateway.server?.stop()).toBe(0);
    expect((await add).status).toBe(200);
    expect(gateway.panels.zoneid.held(SECOND)).toEqual([OTHER_VALUE]);
  });
});
