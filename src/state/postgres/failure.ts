import { Dns01Error } from '../../errors.ts';
import { CONNECT_MS } from './client.ts';

/** SQLSTATE codes (PostgreSQL, appendix A), and the codes of the system and the client for a lost connection. */
const SERIALIZATION = new Set(['40001', '40P01']);
const LOST = /^(08...|57P0[123]|53300|E[A-Z]+|CONNECTION_[A-Z]+|CONNECT_TIMEOUT)$/;
const LOGIN = new Set(['28000', '28P01', '3D000']);
const NO_TABLE = new Set(['42P01', '42703', '3F000']);
const NO_RIGHT = '42501';
const TLS = /^(ERR_TLS_.*|ERR_SSL_.*|CERT_.*|SELF_SIGNED_.*|DEPTH_ZERO_.*|UNABLE_TO_.*)$/;

export function codeIn(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

/** Several processes wanted the same row at the same time: the statement was not done. */
export const isConflict = (error: unknown): boolean => SERIALIZATION.has(codeIn(error));

/** The connection was lost or could not be made: the statement may have been done. */
export const isLost = (error: unknown): boolean => LOST.test(codeIn(error));

export const isMissingTable = (error: unknown): boolean => NO_TABLE.has(codeIn(error));

export const isMissingRight = (error: unknown): boolean => codeIn(error) === NO_RIGHT;

/** What a user needs to know. @param shown the database, without the login */
export function databaseError(error: unknown, shown: string): Dns01Error {
  const code = codeIn(error);
  const message = messageOf(error);
  const at = `the state database (${shown})`;
  if (isMissingRight(error)) {
    return new Dns01Error('E_CONFIG', `${at}: the role may not do this: ${message}`, {
      cause: error,
      hint: 'dns01 state migrate --grant ROLE gives a role its rights: run it with the URL of the role that owns the tables',
    });
  }
  if (LOGIN.has(code) || TLS.test(code)) {
    return new Dns01Error('E_CONFIG', `${at}: ${message}`, {
      cause: error,
      hint: 'correct the URL of state.postgres.url, or the rights of its role',
    });
  }
  if (isMissingTable(error)) return noTables(shown, error);
  if (code === 'CONNECT_TIMEOUT') return unreachable(shown, `no connection within ${CONNECT_MS / 1000} s`, error);
  const why = code === '' ? message : `${code}: ${message}`;
  return isLost(error) || code === '' ? unreachable(shown, why, error) : unusable(shown, why, error);
}

/** OpenSSL's own messages hold more numbers than words. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'reason' in error && codeIn(error).startsWith('ERR_SSL_') ? `TLS fails: ${error.reason}` : error.message;
}

export function unreachable(shown: string, why: string, cause?: unknown): Dns01Error {
  return new Dns01Error('E_STATE', `the state database (${shown}) does not answer: ${why}`, {
    cause,
    hint: 'dns01 writes nothing without it: run it again when the database is back',
  });
}

export function unusable(shown: string, why: string, cause?: unknown): Dns01Error {
  return new Dns01Error('E_STATE', `the state database (${shown}) cannot be used: ${why}`, {
    cause,
    hint: 'dns01 writes nothing without it: run it again when the database takes changes',
  });
}

export function noTables(shown: string, cause?: unknown): Dns01Error {
  return new Dns01Error(
    'E_CONFIG',
    `the state database (${shown}) has no tables of dns01, and this role may not make them`,
    {
      cause,
      hint: 'run dns01 state migrate --url-file FILE --grant ROLE with the URL of a role that may, or dns01 state migrate --print',
    },
  );
}
