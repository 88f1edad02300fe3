import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { isDeepStrictEqual } from 'node:util';

/**
 * What these tests use of nock, with its names: requests to an origin are answered by a server on loopback, and tests
 * see them as they went over the wire. (nock itself needs Node 22 to hear undici's requests.)
 */
type Reply = readonly [status: number, body?: unknown, headers?: Readonly<Record<string, string>> | undefined];

interface Expected {
  readonly host: string;
  readonly method: string;
  readonly path: string | RegExp;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly reply: (request: Request) => Reply | Promise<Reply>;
  times: number;
}

let expected: Expected[] = [];
let isClosed = false;

function nock(origin: string, { reqheaders = {} }: { reqheaders?: Readonly<Record<string, string>> } = {}) {
  const mine: Expected[] = [];
  const scope = { isDone: () => mine.every((one) => one.times === 0) };
  const intercept = (path: string | RegExp, method: string, body?: unknown) => {
    let times = 1;
    const builder = {
      times(count: number) {
        times = count;
        return builder;
      },
      reply(first: number | Expected['reply'], text?: unknown, headers?: Reply[2]) {
        const reply = typeof first === 'number' ? (): Reply => [first, text, headers] : first;
        const one = { host: new URL(origin).host, method, path, body, headers: reqheaders, reply, times };
        mine.push(one);
        expected.push(one);
        return scope;
      },
    };
    return builder;
  };
  return { intercept, post: (path: string | RegExp, body?: unknown) => intercept(path, 'POST', body) };
}
nock.disableNetConnect = (): void => {
  isClosed = true;
};
nock.enableNetConnect = (): void => {
  isClosed = false;
};
nock.cleanAll = (): void => {
  expected = [];
};
nock.pendingMocks = (): string[] =>
  expected.filter(({ times }) => times > 0).map(({ host, method, path }) => `${method} ${host}${path}`);
export default nock;

async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = '', url = '', headers } = incoming;
  const text = (await incoming.toArray()).join('');
  const found = expected.find(
    (one) =>
      one.times > 0 &&
      one.host === headers.host &&
      one.method === method &&
      (typeof one.path === 'string' ? one.path === url : one.path.test(url)) &&
      (one.body === undefined || isDeepStrictEqual(JSON.parse(text), one.body)) &&
      Object.entries(one.headers).every(([name, value]) => headers[name] === value),
  );
  if (!found) {
    response.writeHead(418).end(`nothing is expected for ${method} ${headers.host}${url} ${text}`);
    return;
  }
  found.times--;
  const request = new Request(`http://${found.host}${url}`, {
    method,
    headers: headers as Record<string, string>,
    body: text || null,
  });
  const [status, body, more] = await found.reply(request);
  const isText = body === null || body === undefined || typeof body === 'string';
  response.writeHead(status, { ...(isText ? {} : { 'content-type': 'application/json' }), ...more });
  response.end(isText ? (body ?? '') : JSON.stringify(body));
}

const server = createServer((incoming, response) => void answer(incoming, response)).listen(0, '127.0.0.1');
await once(server, 'listening');
server.unref();
const { port } = server.address() as AddressInfo;
const [connect, connectTls] = [net.connect, tls.connect];

/** To the stand-in where that host is expected, and nowhere where only such hosts may be asked. */
function redirected(options: net.TcpNetConnectOpts, event: 'connect' | 'secureConnect'): net.Socket | undefined {
  const isLoopback = /^(127\.|localhost$)/.test(options.host ?? '');
  if (isLoopback || (!isClosed && expected.length === 0)) return undefined;
  const socket = connect(port, '127.0.0.1');
  if (event === 'secureConnect') socket.once('connect', () => socket.emit('secureConnect'));
  return socket;
}
net.connect = ((options: net.TcpNetConnectOpts, ...rest: []) =>
  redirected(options, 'connect') ?? connect(options, ...rest)) as typeof net.connect;
tls.connect = ((options: net.TcpNetConnectOpts, ...rest: []) =>
  redirected(options, 'secureConnect') ?? connectTls(options, ...rest)) as typeof tls.connect;
