import { afterEach, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { startDeadline } from '../../src/deadline.ts';
import { createHttpClient } from '../../src/http/client.ts';
import { startHttp, type WebServer } from '../support/https.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

async function serve(text: string): Promise<WebServer> {
  const server = await startHttp((_request, response) => response.end(text));
  closers.push(server.close);
  return server;
}

async function ask(text: string, call: { method: 'GET' | 'POST'; maxBytes?: number } = { method: 'GET' }) {
  const server = await serve(text);
  const log = { debug: () => {}, info: () => {}, warn: () => {} };
  const client = createHttpClient({ connection: {}, requestTimeout: 9000, deadline: startDeadline(20_000), log });
  closers.push(client.close);
  const answer = await client.send({ call: 'the call', url: server.origin, ...call });
  return client.decode(answer, z.array(z.object({ id: z.string() })));
}

const MB = 1024 * 1024;

it.each([
  ['lists in lists', '['.repeat(60 * MB)],
  ['empty lists', `[${'[],'.repeat(20 * MB)}]`],
])('60 MB of %s are not read to their end', async (_, text) => {
  const before = process.memoryUsage().rss;
  await expect(ask(text)).rejects.toMatchObject({ code: 'E_PROTOCOL', message: expect.stringContaining('than 16 MB') });
  expect(process.memoryUsage().rss - before).toBeLessThan(350 * MB);
});

it.each([
  ['lists in lists', '['.repeat(15 * MB)],
  ['lists in lists in a text that never ends', `["\\"${'['.repeat(MB)}`.slice(0, 20) + '['.repeat(15 * MB)],
  ['empty lists', `[${'[],'.repeat(5 * MB)}[]]`],
  ['empty objects', `[${'{},'.repeat(5 * MB)}{}]`],
])('15 MB of %s are refused before they are parsed', async (_, text) => {
  const started = performance.now();
  await expect(ask(text)).rejects.toMatchObject({ code: 'E_PROTOCOL' });
  expect(performance.now() - started).toBeLessThan(5000);
});

it('the answer to a write is at most 1 MB, unless the call says otherwise', async () => {
  const text = JSON.stringify([{ id: 'x'.repeat(2 * MB) }]);
  await expect(ask(text, { method: 'POST' })).rejects.toMatchObject({ code: 'E_PROTOCOL', outcomeUnknown: true });
  expect(await ask(text, { method: 'POST', maxBytes: 4 * MB })).toHaveLength(1);
  expect(await ask(text)).toHaveLength(1);
});

it('200,000 records in one list are read', async () => {
  const records = Array.from({ length: 200_000 }, (_, index) => ({ id: String(index) }));
  expect(await ask(JSON.stringify(records))).toHaveLength(200_000);
});

it('200,000 records of another form are one error', async () => {
  const records = Array.from({ length: 200_000 }, () => ({ no: 1 }));
  await expect(ask(JSON.stringify(records))).rejects.toMatchObject({
    code: 'E_PROTOCOL',
    message: expect.stringMatching(/field 0\.id is missing/),
  });
});
