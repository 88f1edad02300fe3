import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** A provider of one's own with the rate limit of ZoneID, in a minute that is shorter: it only reports changes. */
const providerText = (windowMs: number) => `
export default ({ createApi, defineProvider, httpUrl, z }) =>
  defineProvider({
    type: 'paced',
    title: 'Paced',
    docs: { url: 'https://example.com', rights: [], requests: { add: '1', remove: '1' }, tried: 'here' },
    options: z.strictObject({ url: httpUrl('address of the API') }),
    http: true,
    rateLimits: [{ requests: 60, windowMs: ${windowMs}, per: 'address' }],
    create({ url }, context) {
      const api = createApi(context, { url });
      const send = (method, json) => api.send({ method, path: '/txt', json, expected: [200] });
      return {
        async addTxt({ name, value, zone }) {
          await send('POST', { name, value, zone });
          return { zone, changed: true };
        },
        async removeTxt({ name, value, zone }) {
          await send('DELETE', { name, value, zone });
          return 'removed';
        },
        listTxt: async () => [],
      };
    },
  });
`;

export interface PacedApi {
  readonly url: string;
  /** The path of the provider's file, for the config. */
  readonly provider: string;
  /** When each request came, in milliseconds. */
  readonly times: readonly number[];
  /** How many requests were over the limit. */
  refused(): number;
  close(): Promise<void>;
}

export interface PacedChange {
  readonly name: string;
  readonly value: string;
  readonly zone: string;
}

/** An API that allows 60 requests in a window and answers 429 to any other. */
export async function startPacedApi(
  directory: string,
  windowMs: number,
  change: (action: 'add' | 'remove', change: PacedChange) => Promise<void>,
): Promise<PacedApi> {
  const times: number[] = [];
  let refused = 0;
  const server = createServer(async (request, response) => {
    const now = performance.now();
    if (times.filter((time) => now - time < windowMs).length >= 60) {
      refused++;
      return void response.writeHead(429).end();
    }
    times.push(now);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    await change(request.method === 'POST' ? 'add' : 'remove', JSON.parse(Buffer.concat(chunks).toString()));
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const provider = join(directory, 'paced.mjs');
  await writeFile(provider, providerText(windowMs), { mode: 0o644 });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    provider,
    times,
    refused: () => refused,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
