import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { readTrustedFile } from '../../config/trusted-file.ts';
import { Dns01Error, isDns01Error } from '../../errors.ts';

/** Where the database is, from the URL in the config. */
export interface Place {
  /** A host name or address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
  readonly ssl: false | ConnectionOptions;
  /** For messages: `host:port/database`, without the login. */
  readonly shown: string;
}

const DEFAULT_PORT = 5432;

const PARAMETERS = ['host', 'sslmode', 'sslrootcert'];

/**
 * Reads `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with the parameters `host` (the folder of a Unix socket), `sslmode`
 * (disable, require, verify-full) and `sslrootcert` (a file).
 * @throws E_CONFIG; the message never repeats the URL, which holds a password
 */
export function parseStateUrl(text: string): Place {
  if (!URL.canParse(text)) throw wrongUrl('it is not a URL');
  const url = new URL(text);
  if (!/^postgres(ql)?:$/.test(url.protocol)) throw wrongUrl('it does not begin with postgres://');
  const unknown = [...url.searchParams.keys()].find((key) => !PARAMETERS.includes(key));
  if (unknown !== undefined) throw wrongUrl('it has a parameter other than host, sslmode and sslrootcert');
  const database = decoded(url.pathname.slice(1));
  const user = decoded(url.username);
  const host = url.searchParams.get('host') ?? decoded(url.hostname).replace(/^\[(.*)\]$/, '$1');
  if (host === '') throw wrongUrl('it names no host');
  if (user === '' || database === '') throw wrongUrl('it names no user or no database');
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
  const isSocket = host.startsWith('/');
  return {
    host,
    port,
    database,
    user,
    password: url.password === '' ? undefined : decoded(url.password),
    ssl: isSocket ? false : tlsOf(url.searchParams, host),
    shown: isSocket ? `${host}/${database}` : `${host}:${port}/${database}`,
  };
}

function tlsOf(parameters: URLSearchParams, host: string): false | ConnectionOptions {
  const [mode, file] = [parameters.get('sslmode'), parameters.get('sslrootcert')];
  switch (mode) {
    case null:
    case 'disable':
      if (file !== null) throw wrongUrl('sslrootcert needs sslmode=verify-full');
      return false;
    case 'require':
      // As in PostgreSQL's own clients: encrypted, and nobody is checked, unless there is a CA to check with.
      return file === null ? { rejectUnauthorized: false } : verified(host, file);
    case 'verify-full':
      return verified(host, file);
    default:
      throw wrongUrl('sslmode is not disable, require or verify-full');
  }
}

function verified(host: string, file: string | null): ConnectionOptions {
  const ca = file === null ? {} : { ca: readNamed(file) };
  // An address is compared with the certificate too, but is no name to ask for.
  return { rejectUnauthorized: true, ...(isIP(host) ? { host } : { servername: host }), ...ca };
}

/** A file that the user names. @throws E_CONFIG */
export function readNamed(file: string): string {
  try {
    return readTrustedFile(file).text;
  } catch (error) {
    if (isDns01Error(error)) throw error;
    throw new Dns01Error('E_CONFIG', `the file ${file} cannot be read: ${(error as Error).message}`);
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw wrongUrl('a percent sign in it stands alone: write %25');
  }
}

function wrongUrl(why: string): Dns01Error {
  return new Dns01Error('E_CONFIG', `state.postgres.url: ${why}`, {
    hint: 'postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full, or postgres://USER@localhost/DATABASE?host=/run/postgresql for a Unix socket',
  });
}
