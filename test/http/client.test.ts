import type { RequestListener } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { startDeadline } from '../../src/deadline.ts';
import { createHttpClient } from '../../src/http/client.ts';
import { writeOnce } from '../../src/http/write-once.ts';
import type { HttpCall } from '../../src/provider.ts';
import { startHttp, type WebServer } from '../support/https.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

async function serve(answer: RequestListener): Promise<WebServer> {
  const server = await startHttp(answer);
  closers.push(server.close);
  return server;
}

/** Answers with one status after the other; the last one stays. */
function statuses(...list: readonly (readonly [number, Record<string, string>?])[]): RequestListener {
  let next = 0;
  return (_request, response) => {
    const [status, headers] = list[Math.min(next++, list.length - 1)] ?? [200];
    response.writeHead(status, headers).end('{}');
  };
}

function client(settings: { time?: number; requestTimeout?: number } = {}) {
  const lines: string[] = [];
  const note = (message: string, fields?: unknown) => void lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  const http = createHttpClient({
    connection: {},
    requestTimeout: settings.requestTimeout ?? 2000,
    deadline: startDeadline(settings.time ?? 15_000),
    log: { debug: note, info: note, warn: note },
  });
  closers.push(http.close);
  return { ...http, lines };
}

const read = (server: WebServer): HttpCall => ({ call: 'GET /thing', method: 'GET', url: `${server.origin}/thing` });
const write = (server: WebServer): HttpCall => ({
  call: 'POST /thing',
  method: 'POST',
  url: `${server.origin}/thing`,
  json: {},
});

describe('a request that only reads', () => {
  it('is repeated after a server fault', async () => {
    const server = await serve(statuses([503], [502], [200]));
    expect((await client().send(read(server))).status).toBe(200);
    expect(server.requests).toHaveLength(3);
  });

  it('is given up after three server faults', async () => {
    const server = await serve(statuses([500]));
    await expect(client().send(read(server))).rejects.toMatchObject({
      code: 'E_REMOTE',
      message: expect.stringMatching(/status 500/),
    });
    expect(server.requests).toHaveLength(3);
  });
});

describe('a request that writes', () => {
  it('is not repeated after a server fault: it may have been done', async () => {
    const server = await serve(statuses([500]));
    await expect(client().send(write(server))).rejects.toMatchObject({ code: 'E_REMOTE', outcomeUnknown: true });
    expect(server.requests).toHaveLength(1);
  });

  it('is not repeated after a reset', async () => {
    const server = await serve((request) => request.socket.resetAndDestroy());
    await expect(client().send(write(server))).rejects.toMatchObject({ code: 'E_REMOTE', outcomeUnknown: true });
    expect(server.requests).toHaveLength(1);
  });

  it('is not repeated after a time-out', async () => {
    const server = await serve(() => {});
    const slow = client({ requestTimeout: 100 }).send(write(server));
    await expect(slow).rejects.toMatchObject({
      code: 'E_REMOTE',
      outcomeUnknown: true,
      message: expect.stringMatching(/within 0\.1 s/),
    });
    expect(server.requests).toHaveLength(1);
  });

  it('is surely not done when the connection is refused', async () => {
    const server = await serve(() => {});
    await server.close();
    await expect(client().send(write(server))).rejects.toMatchObject({ code: 'E_REMOTE', outcomeUnknown: false });
  });

  it('is sent again after a conflict, where the provider means that by it', async () => {
    const server = await serve(statuses([409], [409], [201]));
    expect((await client().send({ ...write(server), retryConflict: true })).status).toBe(201);
  });

  it('is not sent again after a conflict that means something else at this provider', async () => {
    const server = await serve(statuses([409], [201]));
    expect((await client().send(write(server))).status).toBe(409);
    expect(server.requests).toHaveLength(1);
  });

  it('is sent with its length, for some servers refuse chunks', async () => {
    const server = await serve(statuses([201]));
    await client().send({ ...write(server), json: { name: 'ü' } });
    expect(server.requests[0]?.headers).toMatchObject({ 'content-length': '13', 'content-type': 'application/json' });
    expect(server.requests[0]?.headers['transfer-encoding']).toBeUndefined();
  });
});

describe('too many requests', () => {
  it('waits as long as the provider asks', async () => {
    const server = await serve(statuses([429, { 'retry-after': '0' }], [201]));
    const http = client();
    expect((await http.send(write(server))).status).toBe(201);
    expect(http.lines.join('\n')).toContain('too many requests, waiting');
  });

  it('understands a date', async () => {
    const date = new Date(Date.now() - 5000).toUTCString();
    const server = await serve(statuses([429, { 'retry-after': date }], [200]));
    expect((await client().send(read(server))).status).toBe(200);
  });

  it('gives up at once when the wait is longer than the time left', async () => {
    const server = await serve(statuses([429, { 'retry-after': '3600' }]));
    await expect(client().send(read(server))).rejects.toMatchObject({
      code: 'E_RATE',
      message: expect.stringMatching(/3600 s|3601 s/),
    });
    expect(server.requests).toHaveLength(1);
  });

  it('is never a result, however often it comes', async () => {
    const server = await serve(statuses([429, { 'retry-after': '0' }]));
    await expect(client().send(read(server))).rejects.toMatchObject({ code: 'E_RATE' });
  });
});

describe('a redirect', () => {
  it('is never followed: it would take the credentials along', async () => {
    const other = await serve(statuses([200]));
    const server = await serve(statuses([302, { location: `${other.origin}/login?from=thing` }]));
    const call = { ...read(server), headers: { authorization: 'Basic c2VjcmV0' } };
    const answer = client().send(call);
    await expect(answer).rejects.toMatchObject({ code: 'E_PROTOCOL', message: expect.stringContaining(other.origin) });
    await expect(answer).rejects.toMatchObject({ hint: expect.stringContaining('final address') });
    expect(other.requests).toEqual([]);
  });
});

describe('an answer', () => {
  it('that never ends is cut off', async () => {
    const megabyte = 'x'.repeat(1024 * 1024);
    const server = await serve((_request, response) => {
      const pour = () => {
        while (!response.destroyed && response.write(megabyte));
      };
      response.on('drain', pour);
      pour();
    });
    await expect(client({ requestTimeout: 15_000 }).send(read(server))).rejects.toMatchObject({
      code: 'E_PROTOCOL',
      message: expect.stringMatching(/larger than 16 MB/),
    });
  });

  it('that does not fit is an error that names call and field', () => {
    const schema = z.object({ list: z.array(z.object({ id: z.number() })) });
    const answer = { call: 'GET /thing', status: 200, headers: {}, text: '{"list":[{"id":1},{"id":"two"}]}' };
    const { decode } = client();
    expect(() => decode(answer, schema)).toThrow('GET /thing: unexpected answer, field list.1.id expected a number');
    expect(() => decode({ ...answer, text: '{"list":[{}]}' }, schema)).toThrow(
      'field list.0.id is missing, expected a number',
    );
    expect(() => decode({ ...answer, text: '<h1>Login</h1>' }, schema)).toThrow(
      'expected JSON, got "Login" (status 200)',
    );
    expect(() => decode({ ...answer, text: '' }, schema)).toThrow('expected JSON, got an empty body (status 200)');
  });

  it('cannot reach into the prototypes', () => {
    const schema = z.looseObject({});
    const { decode } = client();
    decode({ call: 'x', status: 200, headers: {}, text: '{"__proto__":{"polluted":true}}' }, schema);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe("the server's clock", () => {
  it('is compared with ours, where its answers have a date', async () => {
    const hourBehind = new Date(Date.now() - 3_600_000).toUTCString();
    const http = client();
    expect(http.clockSkew()).toBeUndefined();
    await http.send(read(await serve(statuses([200, { date: hourBehind }]))));
    expect(Math.round((http.clockSkew() ?? 0) / 60_000)).toBe(-60);
  });
});

describe('the log', () => {
  it('shows call, address and status, and never headers, bodies or queries', async () => {
    const server = await serve(statuses([200]));
    const http = client();
    await http.send({
      call: 'login',
      method: 'POST',
      url: `${server.origin}/json.php?login&token=query-secret`,
      headers: { authorization: 'Basic header-secret' },
      json: { password: 'body-secret' },
    });
    const log = http.lines.join('\n');
    expect(log).toContain(`"call":"login","method":"POST","url":"${server.origin}/json.php","status":200`);
    expect(log).not.toContain('secret');
  });
});

describe('writeOnce', () => {
  const lost = () => client().send(write({ origin: 'http://127.0.0.1:1' } as WebServer));
  const log = { debug: () => {}, warn: () => {} };

  it('takes what the look finds and does not write again', async () => {
    const server = await serve((request) => request.socket.resetAndDestroy());
    const result = writeOnce(
      { write: () => client().send(write(server)), look: async () => 'found' as unknown as never },
      log,
    );
    expect(await result).toBe('found');
    expect(server.requests).toHaveLength(1);
  });

  it('writes again when the look shows that nothing was done', async () => {
    const server = await serve((request, response) => {
      if (server.requests.length < 3) request.socket.resetAndDestroy();
      else response.writeHead(201).end('{}');
    });
    const http = client();
    const result = await writeOnce({ write: () => http.send(write(server)), look: async () => undefined }, log);
    expect(result.status).toBe(201);
  });

  it('does not look after a refusal, and tells the refusal', async () => {
    let looks = 0;
    const look = async () => void looks++;
    await expect(writeOnce({ write: lost as () => Promise<unknown>, look }, log)).rejects.toMatchObject({
      code: 'E_REMOTE',
    });
    expect(looks).toBe(0);
  });

  it('tells how it began when even the look fails', async () => {
    const server = await serve((request) => request.socket.resetAndDestroy());
    const look = async () => {
      throw new Error('the look failed');
    };
    const result = writeOnce({ write: () => client().send(write(server)), look }, log);
    await expect(result).rejects.toMatchObject({
      message: expect.stringMatching(/closed the connection without an answer/),
    });
  });
});
