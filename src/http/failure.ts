import { Dns01Error, isDns01Error } from '../errors.ts';

/** Node's error codes for failed certificate checks. */
const CERTIFICATE_CODES =
  /^(CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|ERR_TLS_CERT_|HOSTNAME_MISMATCH|INVALID_CA)/;

/** Failures before any byte of the request is sent. */
const NOT_SENT_CODES = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'EPROTO',
]);

/** A failure of undici or the network, with the name of the call. */
export function networkFailure(error: unknown, call: string, origin: string): Dns01Error {
  const known = firstKnown(error);
  if (known) return known;
  const code = codeOf(error);
  if (CERTIFICATE_CODES.test(code)) return certificateFailure(error, code, call, origin);
  const notSent = NOT_SENT_CODES.has(code) || code.startsWith('ERR_SSL_');
  return new Dns01Error('E_REMOTE', `${call}: ${describe(error, code, origin)}`, {
    cause: error,
    outcomeUnknown: !notSent,
    hint: HINTS[code] ?? (code.startsWith('ERR_SSL_') ? HINTS['EPROTO'] : undefined),
  });
}

const HINTS: Record<string, string | undefined> = {
  ECONNREFUSED: 'check the address and port in url, and that the server is up',
  ENOTFOUND: 'check the host name in url',
  EAI_AGAIN: "the system's resolver does not answer",
  ECONNRESET: 'the server, or a proxy in front of it, closed the connection: try again later',
  UND_ERR_SOCKET: 'the server, or a proxy in front of it, closed the connection: try again later',
  EPROTO: 'the server does not speak TLS on this port: check http or https in url',
};

function certificateFailure(error: unknown, code: string, call: string, origin: string): Dns01Error {
  // Setting `ca` does not help where the certificate is for another name.
  const isOtherName = code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'HOSTNAME_MISMATCH';
  return new Dns01Error('E_AUTH', `${call}: the certificate of ${origin} is not trusted (${code})`, {
    cause: error,
    hint: isOtherName
      ? 'the certificate is for another host name: use that name in url, or set fingerprint: (SHA-256 of the certificate) in the account'
      : "set ca: FILE (the panel's own certificate authority) or fingerprint: (SHA-256 of its certificate) in the account",
  });
}

function describe(error: unknown, code: string, origin: string): string {
  if (code === 'ECONNREFUSED') return `${origin} refuses connections`;
  if (code === 'ENETUNREACH' || code === 'EHOSTUNREACH') return `${origin} cannot be reached from here (${code})`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `the name of ${origin} cannot be resolved`;
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return `${origin} does not accept the connection in time`;
  if (code === 'ECONNRESET' || code === 'UND_ERR_SOCKET' || code === 'EPIPE') {
    return `${origin} closed the connection without an answer`;
  }
  const message = error instanceof Error ? error.message : String(error);
  return `no answer from ${origin}: ${message}`;
}

function firstKnown(error: unknown): Dns01Error | undefined {
  for (let at = error; at instanceof Error; at = at.cause) if (isDns01Error(at)) return at;
  return undefined;
}

function codeOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = 'code' in at ? String(at.code) : '';
    if (code && !code.startsWith('ERR_UNHANDLED')) return code;
  }
  return '';
}
