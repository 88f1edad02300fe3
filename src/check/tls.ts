import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { isLoopback } from '../names.ts';
import type { Findings, Reporter } from './finding.ts';

const TIMEOUT_MS = 10_000;
const DAY_MS = 86_400_000;

/** A certificate gets a warning this long before its end. */
const SOON_DAYS = 14;

interface Seen {
  readonly fingerprint: string;
  readonly daysLeft: number;
  /** Why Node does not trust it by itself; undefined if it does. */
  readonly distrust: string | undefined;
}

/** The server's certificate: days left, and the line for the config where no known authority signed it. */
export async function* checkTls(url: URL, trusted: boolean, report: Reporter): Findings {
  if (url.protocol !== 'https:') {
    if (isLoopback(url)) return;
    yield report.warning('tls', `${url.origin} is not encrypted`, 'use https:// in url where the server has it');
    return;
  }
  let seen: Seen;
  try {
    seen = await certificateOf(url);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isUnknown = code === 'ENOTFOUND' || code === 'EAI_AGAIN';
    const text = isUnknown ? `this machine finds no address of ${url.hostname}` : `${url.origin}: ${message}`;
    yield report.bad('tls', text, isUnknown ? "check url: and this machine's resolver" : 'check host and port in url:');
    return;
  }
  if (seen.daysLeft < 0) yield report.bad('tls', `the certificate of ${url.host} ended ${days(-seen.daysLeft)} ago`);
  else if (seen.daysLeft < SOON_DAYS)
    yield report.warning('tls', `the certificate of ${url.host} ends in ${days(seen.daysLeft)}`);
  if (seen.distrust && !trusted) {
    yield report.bad(
      'tls',
      `the certificate of ${url.host} is not trusted (${seen.distrust})`,
      `if this is your server, add to the account: fingerprint: "${seen.fingerprint}"`,
    );
  } else if (seen.daysLeft >= SOON_DAYS) yield report.good('tls', `${seen.daysLeft} days left`);
}

function certificateOf(url: URL): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    // Nothing is sent to the server: only the certificate is read.
    const socket: TLSSocket = connect(
      {
        host,
        port: Number(url.port || 443),
        servername: /[a-z]/i.test(host) ? host : undefined,
        rejectUnauthorized: false,
      },
      () => {
        const certificate = socket.getPeerCertificate();
        resolve({
          fingerprint: certificate.fingerprint256,
          daysLeft: Math.floor((Date.parse((certificate as DetailedPeerCertificate).valid_to) - Date.now()) / DAY_MS),
          distrust: socket.authorized ? undefined : String(socket.authorizationError ?? 'not trusted'),
        });
        socket.destroy();
      },
    );
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('no answer in time')));
    socket.on('error', reject);
  });
}

const days = (count: number): string => (count === 1 ? '1 day' : `${count} days`);
