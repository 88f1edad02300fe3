import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OTHER_VALUE, VALUE } from '../support/cli.ts';
import { until } from '../support/until.ts';
import { json, serveConfig, useGateway, user } from './support.ts';

const NAME = '_acme-challenge.example.ee';
const SECOND = '_acme-challenge.www.example.ee';
const SECOND_BODY = json(SECOND, OTHER_VALUE);

const gateway = useGateway();
const { ask } = gateway;

/** Seconds for which the next request to the API is sent away; 0 for none. */
let comeBackIn = 0;
let calls = 0;
let api: Server;

beforeEach(async () => {
  [comeBackIn, calls] = [0, 0];
  api = createServer(async (request, response) => {
    calls++;
    const body = await text(request);
    if (comeBackIn > 0) {
      response.writeHead(429, { 'retry-after': String(comeBackIn) }).end();
      comeBackIn = 0;
      return;
    }
    const { method = 'GET', headers } = request;
    const target = `${new URL(gateway.panels.zoneid.url).origin}${request.url}`;
    const authorization = headers.authorization ?? '';
    const reply = await fetch(target, { method, headers: { authorization }, ...(body ? { body } : {}) });
    response.writeHead(reply.status, { 'content-type': 'application/json' }).end(await reply.text());
  });
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  api.closeAllConnections();
  api.close();
});

async function configure() {
  const { here, panels } = gateway;
  const { origin } = new URL(panels.zoneid.url);
  const config = panels.config.replaceAll(origin, `http://127.0.0.1:${(api.address() as AddressInfo).port}`);
  await here.configure(`${config}${serveConfig(await user('web1', 'example.ee'))}`);
}

/** After a change, so that locks were used before. */
async function start(...options: string[]) {
  await configure();
  await gateway.start(...options);
  expect((await ask({ body: json(NAME, VALUE) })).status).toBe(200);
}

const held = () => gateway.panels.zoneid.held(SECOND);

describe("a change that waits for the provider's rate limit", () => {
  it('is answered when it is made, although clients usually wait less', async () => {
    await start();
    comeBackIn = 27;
    const started = performance.now();
    expect((await ask({ body: SECOND_BODY })).status).toBe(200);
    expect(performance.now() - started).toBeGreaterThan(26_000);
    expect(held()).toEqual([OTHER_VALUE]);
  }, 60_000);

  it('is made although its client has gone, and a removal that the client then asks for comes after it', async () => {
    await start();
    comeBackIn = 3;
    const before = calls;
    const add = ask({
      body: SECOND_BODY,
      onRequest: (request) => void until(() => calls > before).then(() => request.destroy()),
    });
    await expect(add).rejects.toMatchObject({ code: 'ECONNRESET' });
    // A config that was written anew begins a run of its own, which knows nothing of what the one before is doing.
    await configure();
    const removal = ask({ path: '/cleanup', body: SECOND_BODY });
    await until(() => held().length > 0);
    expect((await removal).status).toBe(200);
    expect(held()).toEqual([]);
    expect(gateway.server?.stderr.join('')).toMatch(/present .* 200 \d+ ms, the client has gone/);
  });

  it('is made although the time for the answer is over', async () => {
    await start('--timeout', '1');
    comeBackIn = 3;
    const { status, text: answer } = await ask({ body: SECOND_BODY });
    expect([status, answer]).toEqual([503, '{"error":"the change takes too long, and continues"}\n']);
    await until(() => held().length > 0);
  });

  it('is made and answered although the server is told to stop', async () => {
    await start();
    comeBackIn = 3;
    const before = calls;
    const add = ask({ body: SECOND_BODY });
    await until(() => calls > before);
    expect(await gateway.server?.stop()).toBe(0);
    expect((await add).status).toBe(200);
    expect(held()).toEqual([OTHER_VALUE]);
  });
});
