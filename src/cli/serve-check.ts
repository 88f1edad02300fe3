import { X509Certificate } from 'node:crypto';
import { findConfig } from '../config/find.ts';
import { startDeadline } from '../deadline.ts';
import { Dns01Error } from '../errors.ts';
import { loadServeConfig } from '../gateway/live-config.ts';
import { createHttpClient } from '../http/client.ts';
import type { Io } from '../output/io.ts';
import { createLog } from '../output/log.ts';
import type { CommonOptions } from './options.ts';

/** Default seconds to wait. systemd gives a service 90 to start. */
const CHECK_SECONDS = 60;

/** Milliseconds. */
const REQUEST_TIMEOUT_MS = 3000;
const PAUSE_MS = 200;

/** `dns01 serve --check`: waits until the server of the config says that it is ready. @throws E_REMOTE where it does not */
export async function checkServer(options: CommonOptions, io: Io): Promise<void> {
  const log = await createLog(options, io);
  const { listen, tls } = loadServeConfig(findConfig(options.config, io.env), log.warn);
  const seconds = options.timeout ?? CHECK_SECONDS;
  const deadline = startDeadline(seconds * 1000, io.stop);
  // Its own certificate is the only one that counts, whatever name it is for.
  const fingerprint = tls && new X509Certificate(tls.cert).fingerprint256.replaceAll(':', '').toLowerCase();
  const http = createHttpClient({
    connection: { fingerprint, socketPath: listen.path },
    requestTimeout: REQUEST_TIMEOUT_MS,
    deadline,
    log,
  });
  const url = `${tls ? 'https' : 'http'}://${hostOf(listen.host)}:${listen.port ?? 80}/ready`;
  const asked = { call: 'ready', method: 'GET', url, anyStatus: true } as const;
  let seen = 'no answer';
  try {
    for (;;) {
      const status = await http.send(asked).then(
        (answer) => answer.status,
        (error: Error) => {
          seen = error.message;
        },
      );
      if (status === 200) return io.stdout('the server is ready\n');
      if (status !== undefined) seen = `the answer is ${status}`;
      if (deadline.remaining() <= PAUSE_MS) throw notReady(seconds, seen);
      await deadline.sleep(PAUSE_MS).catch(() => {
        throw notReady(seconds, seen);
      });
    }
  } finally {
    await http.close();
  }
}

/** A server that listens on all addresses is asked at the loopback address. */
function hostOf(host = 'localhost'): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (/^[0:]+$/.test(host)) return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

function notReady(seconds: number, seen: string): Dns01Error {
  return new Dns01Error('E_REMOTE', `the server was not ready within ${seconds} s: ${seen}`, {
    hint: 'its log says why; journalctl -u dns01-serve shows it under systemd',
  });
}
