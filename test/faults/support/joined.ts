import { type FakeReply, type FakeRequest, type FaultServer, startFaultServer } from '../../fakes/fault-server.ts';

/** A server, and what the paths begin with that are its own. */
type Part = readonly [origin: string, prefix: string];

/** Several servers behind one address, as behind one web server. The first prefix that fits counts. */
export function joinServers(...parts: readonly Part[]): Promise<FaultServer> {
  return startFaultServer({
    nameOf: ({ method, path }) => `${method} ${path}`,
    reply(request) {
      const [origin] = parts.find(([, prefix]) => request.path.startsWith(prefix)) ?? [];
      return origin === undefined ? { status: 404 } : passOn(request, origin);
    },
  });
}

/** The same request at another server. */
export async function passOn({ method, path, query, headers, body }: FakeRequest, origin: string): Promise<FakeReply> {
  const answer = await fetch(`${origin}${path}${query ? `?${query}` : ''}`, {
    method,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_THE_CONNECTION.has(name))),
    ...(body ? { body } : {}),
  });
  return {
    status: answer.status,
    headers: { 'content-type': answer.headers.get('content-type') ?? 'text/plain' },
    body: await answer.text(),
  };
}

const OF_THE_CONNECTION = new Set(['connection', 'content-length', 'host', 'transfer-encoding']);
