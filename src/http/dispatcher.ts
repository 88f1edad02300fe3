import type { TLSSocket } from 'node:tls';
import type { buildConnector, Pool } from 'undici';
import { Dns01Error } from '../errors.ts';
import { type Dispatcher, loadAgent, loadConnector, loadPool, loadProxyAgent } from './undici.ts';

/** Milliseconds until a connection, TLS included, counts as failed. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Milliseconds that an idle connection is kept. ISPConfig binds a session to the client's address. */
const KEEP_ALIVE_MS = 30_000;

export interface ConnectionSettings {
  /** PEM text of the certificates to trust instead of the system's. */
  readonly ca?: string | undefined;
  /** SHA-256 of the server's certificate as 64 hex digits: only this certificate is trusted, whoever signed it. */
  readonly fingerprint?: string | undefined;
  readonly proxy?: ProxySettings | undefined;
  /** HTTP/2 too, for servers that speak nothing else. */
  readonly http2?: boolean | undefined;
  /** A Unix socket to connect to, whatever host the URL names. */
  readonly socketPath?: string | undefined;
}

export interface ProxySettings {
  readonly url: string;
  /** Comma-separated hosts that are connected to directly. */
  readonly except?: string | undefined;
}

type Connector = buildConnector.connector;

/** Connections by the account's config: with its CA or a pinned certificate, directly or through a proxy. */
export async function openDispatcher({
  ca,
  fingerprint,
  proxy,
  http2 = false,
  socketPath,
}: ConnectionSettings): Promise<Dispatcher> {
  const [Agent, Pool, buildConnector] = await Promise.all([loadAgent(), loadPool(), loadConnector()]);
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    // A pinned certificate is checked below, only by its fingerprint. An empty list keeps Node from parsing all its
    // authorities, which would take a sixth of the time of an add.
    ...(fingerprint === undefined ? {} : { rejectUnauthorized: false, ca: [] }),
    // A resumed session shows no certificate to check.
    maxCachedSessions: 0,
    timeout: CONNECT_TIMEOUT_MS,
    allowH2: http2,
    ...(socketPath === undefined ? {} : { socketPath }),
  };
  const factory = (origin: string | URL, options: Pool.Options) =>
    new Pool(origin, {
      ...options,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connect: endingWithErrors(
        fingerprint === undefined ? (options.connect as Connector) : pinned(options.connect as Connector, fingerprint),
      ),
    } as Pool.Options);
  const shared = { connect: buildConnector(tls), factory: factory as (origin: string | URL, options: object) => Pool };
  if (!proxy) return new Agent(shared);

  const ProxyAgent = await loadProxyAgent();
  return new ProxyAgent({
    ...shared,
    // Otherwise a proxy could take five minutes to open the tunnel.
    clientFactory: (origin: string | URL, options: object) =>
      new Pool(origin, { ...options, headersTimeout: CONNECT_TIMEOUT_MS }),
    requestTls: tls,
    httpProxy: proxy.url,
    httpsProxy: proxy.url,
    // An empty text keeps undici from reading the environment again.
    noProxy: proxy.except ?? '',
  });
}

/**
 * undici connects again without end where a proxy closes the connection before the tunnel is open, because it takes that
 * error for one of a connection in use.
 */
function endingWithErrors(connect: Connector): Connector {
  return (options, done) =>
    connect(options, (...[error, socket]) => {
      if (!error) return done(null, socket);
      const isEndless = 'code' in error && error.code === 'UND_ERR_SOCKET';
      return done(isEndless ? Object.assign(new Error(error.message), { code: 'ECONNRESET' }) : error, null);
    });
}

/** A connector that returns a connection only after the server has shown the pinned certificate. */
function pinned(connect: Connector, fingerprint: string): Connector {
  return (options, done) =>
    connect(options, (...[error, socket]) => {
      if (error) return done(error, null);
      const seen = fingerprintOf(socket as TLSSocket);
      if (seen === fingerprint) return done(null, socket);
      socket.destroy();
      done(fingerprintMismatch(seen), null);
    });
}

function fingerprintOf(socket: TLSSocket): string {
  const shown =
    typeof socket.getPeerCertificate === 'function' ? socket.getPeerCertificate().fingerprint256 : undefined;
  return (shown ?? '').replaceAll(':', '').toLowerCase();
}

function fingerprintMismatch(seen: string): Dns01Error {
  const shown = seen ? seen.toUpperCase().replace(/..(?=.)/g, '$&:') : 'no certificate at all';
  return new Dns01Error('E_AUTH', `the server shows another certificate than the pinned one: ${shown}`, {
    hint: 'if the certificate was renewed on purpose, put the new fingerprint into the config; if not, the connection is intercepted',
  });
}
