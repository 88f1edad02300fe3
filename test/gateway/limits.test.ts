import { describe, expect, it } from 'vitest';
import { hashPassword } from '../../src/gateway/password.ts';
import { OTHER_VALUE, VALUE } from '../support/cli.ts';
import { until } from '../support/until.ts';
import { connectSilently, json, NAME, PASSWORD, serveConfig, useGateway, user } from './support.ts';

const gateway = useGateway();
const { ask } = gateway;

const BODY = json(NAME, VALUE);

async function start(propagation: string, users: string, ...options: string[]) {
  const { panels, dns, here } = gateway;
  await here.configure(`${panels.accounts}${dns.config}propagation: ${propagation}\n${serveConfig(users)}`);
  return gateway.start(...options);
}

const QUICK = '{ timeout: 5, interval: 0.1 }';

async function twoUsers(): Promise<string> {
  return (await user('web1', 'www.example.com')) + (await user('web2', 'shop.example.com'));
}

describe('somebody who guesses passwords', () => {
  it('is refused with the time to wait, right guesses too, while a client that was let in before goes on', async () => {
    await start(QUICK, await twoUsers());
    expect((await ask({ body: BODY })).status).toBe(200);
    const guesses: number[] = [];
    for (let guess = 0; guess < 20; guess++) {
      guesses.push((await ask({ user: 'web2', password: `guess ${guess}` })).status);
    }
    expect(guesses).toEqual([...Array(10).fill(401), ...Array(10).fill(429)]);
    const body = json('_acme-challenge.shop.example.com', VALUE);
    const right = await ask({ user: 'web2', body });
    expect(right.status).toBe(429);
    expect(Number(right.headers['retry-after'])).toBeGreaterThan(0);
    expect((await ask({ body: json(NAME, OTHER_VALUE) })).status).toBe(200);
    expect((await ask({ user: 'web2', body, from: '127.0.0.2' })).status).toBe(200);
  });

  it('from many addresses makes no known client wait, and not the files that are read meanwhile', async () => {
    // One hash takes seconds, so that those at once would take all threads.
    const [, cost, blocks, , ...rest] = (await hashPassword(PASSWORD)).split('$');
    const slow = ['scrypt', cost, blocks, 60, ...rest].join('$');
    const users = `${await user('web1', 'www.example.com')}    slow: { hash: "${slow}", names: [example.com] }\n`;
    const server = await start(QUICK, users);
    expect((await ask({ body: BODY })).status).toBe(200);
    const guesses = Array.from({ length: 60 }, (_, nth) =>
      ask({ user: 'slow', password: `guess ${nth}`, from: `127.0.1.${nth + 1}` }).then(
        ({ status }) => status,
        () => 'cut off' as const,
      ),
    );
    const first = await Promise.race(guesses);
    const started = performance.now();
    expect((await ask({ path: '/cleanup', body: BODY })).status).toBe(200);
    expect(performance.now() - started).toBeLessThan(5000);
    expect(first).toBe(503);
    server.child.kill('SIGKILL');
    const busy = (await Promise.all(guesses)).filter((status) => status === 503);
    expect(busy.length).toBeGreaterThanOrEqual(20);
  });
});

describe('the log', () => {
  it('has few lines about a flood of requests without a login, none about probes, and one for each request of a user', async () => {
    const { stderr } = await start(QUICK, await twoUsers());
    for (let sent = 0; sent < 100; sent++) await ask({ path: `/${sent}`, headers: {} });
    for (let sent = 0; sent < 3; sent++) await ask({ path: '/health', method: 'GET', headers: {} });
    await ask({ path: '/other', headers: {}, from: '127.0.0.2' });
    await ask({ body: BODY });
    await until(() => /^dns01: serve: web1 \/present \S+ 200 \d+ ms$/m.test(stderr.join('')));
    const lines = stderr.join('').split('\n');
    expect(lines.filter((line) => line.endsWith('from 127.0.0.1'))).toHaveLength(60);
    expect(lines.filter((line) => line.endsWith('from 127.0.0.2'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('health'))).toEqual([]);
  });
});

describe('changes that hang', () => {
  it('of one user leave the other users served', async () => {
    await start('{ timeout: 60, interval: 0.1 }', await twoUsers(), '--wait');
    gateway.dns.hold();
    const hanging = Array.from({ length: 100 }, (_, nth) =>
      ask({ body: json(`_acme-challenge.n${nth}.www.example.com`, VALUE) }).catch(() => undefined),
    );
    await gateway.dns.asked('_acme-challenge.n31.www.example.com');
    const refused = await ask({ body: BODY });
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '5']);
    const body = json('_acme-challenge.shop.example.com', VALUE);
    expect((await ask({ path: '/cleanup', body, user: 'web2' })).status).toBe(200);
    gateway.dns.release();
    expect((await Promise.all(hanging)).map((reply) => reply?.status)).toEqual(Array(100).fill(200));
  });
});

describe('connections that send nothing', () => {
  it('of one address do not keep others away, and end soon', async () => {
    const server = await start(QUICK, await twoUsers());
    const silent = await connectSilently(server.at, 250, '127.0.0.2');
    const started = performance.now();
    expect((await ask({ body: BODY })).status).toBe(200);
    expect(performance.now() - started).toBeLessThan(5000);
    await until(() => silent.filter((socket) => !socket.closed).length === 128);
    await Promise.all(silent.map((socket) => socket.closed || new Promise((done) => socket.once('close', done))));
    expect(performance.now() - started).toBeLessThan(15_000);
    // The server may learn a moment later that they are closed.
    const status = () =>
      ask({ body: BODY, from: '127.0.0.2' }).then(
        (reply) => reply.status,
        () => 0,
      );
    while ((await status()) !== 200) expect(performance.now() - started).toBeLessThan(20_000);
  });
});
