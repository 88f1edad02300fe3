import { isIP } from 'node:net';
import { text as readAll } from 'node:stream/consumers';
import { carryOut, type Order } from '../challenge/order.ts';
import { userOf } from '../challenge/principal.ts';
import { isDelegatedZone } from '../challenge/route.ts';
import { findConfig } from '../config/find.ts';
import { type Config, loadConfig } from '../config/load.ts';
import { parseServerAddress } from '../dns/server-address.ts';
import { Dns01Error } from '../errors.ts';
import { createHandler } from '../gateway/handler.ts';
import { hashPassword } from '../gateway/password.ts';
import { type ListenAddress, startServer } from '../gateway/server.ts';
import { openSharedRun } from '../gateway/shared-run.ts';
import type { Io } from '../output/io.ts';
import { withRun } from './open-run.ts';
import type { CommonOptions } from './options.ts';

export interface ServeOptions extends CommonOptions {
  /** Answer only when the name servers show the value. */
  readonly wait: boolean;
}

/** Seconds for a challenge that is not waited for: lego gives up after 30. */
const ANSWER_WITHIN = 25;

/** `dns01 serve`: the hook over HTTP, until the process is told to stop. */
export async function serve(options: ServeOptions, io: Io): Promise<void> {
  const config = loadConfig(findConfig(options.config, io.env));
  const { serve: settings, file } = config;
  if (!settings) {
    throw new Dns01Error('E_CONFIG', `${file}: serve: is missing`, {
      hint: 'serve: { listen: 127.0.0.1:8053, users: { NAME: { hash: "…", names: [example.com] } } }, the hash from dns01 serve hash',
    });
  }
  const listen = listenAddress(settings, file);
  // What was begun is finished even when the process is told to stop.
  const requestIo = { ...io, isTerminal: false, stop: new AbortController().signal };
  const requestOptions = { ...options, timeout: options.timeout ?? (options.wait ? undefined : ANSWER_WITHIN) };
  const runs = openSharedRun((task) => withRun(requestOptions, requestIo, task));
  const answer = createHandler({
    users: new Map(Object.entries(settings.users)),
    isDelegated: isDelegatedZone(config),
    async change(action, { name, value }, names) {
      const order: Order = {
        action,
        challenges: [{ name, value }],
        principal: userOf(names),
        overrides: options,
        wait: options.wait,
      };
      await runs.use(async (run) => {
        await carryOut(order, run).all;
      });
    },
  });
  const server = await startServer({
    listen,
    tls: settings.tls,
    answer,
    answered(request, { status, user = '-', name = '-' }, milliseconds) {
      const line = `dns01: serve: ${user} ${request.url} ${name} ${status} ${milliseconds} ms\n`;
      if (!options.quiet) io.stderr(line);
    },
  }).catch((error: Error) => {
    throw new Dns01Error('E_CONFIG', `cannot listen on ${settings.listen}: ${error.message}`, {
      hint: 'set serve.listen to an address or socket that is free and that this user may open',
    });
  });
  io.stdout(`listening on ${server.at}\n`);
  await new Promise<void>((resolve) => io.stop.addEventListener('abort', () => resolve(), { once: true }));
  await server.close();
  await runs.close();
}

/** Passwords travel in the clear without TLS: then nobody else may be on the way. */
function listenAddress({ listen, tls }: NonNullable<Config['serve']>, file: string): ListenAddress {
  if (listen.startsWith('unix:')) return { path: listen.slice('unix:'.length) };
  const { address: host, port } = parseServerAddress(listen);
  if (tls || isLoopback(host)) return { host, port };
  throw new Dns01Error('E_CONFIG', `${file}: serve.listen: ${listen} is reachable from elsewhere and there is no TLS`, {
    hint: 'listen on 127.0.0.1, [::1] or unix:/path, or set serve.tls: { cert: FILE, key: FILE }',
  });
}

const isLoopback = (host: string): boolean => isIP(host) !== 0 && /^(127\.|::1$)/.test(host);

/** `dns01 serve hash`: a password on stdin, what stands in the config for it on stdout. */
export async function serveHash(io: Io): Promise<void> {
  const password = (await readAll(process.stdin)).replace(/\r?\n$/, '');
  if (password.length < 8) {
    throw new Dns01Error('E_USAGE', 'the password has less than 8 characters', {
      hint: 'openssl rand -base64 24 | dns01 serve hash',
    });
  }
  io.stdout(`${await hashPassword(password)}\n`);
}
