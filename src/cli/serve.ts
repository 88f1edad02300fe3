import { text as readAll } from 'node:stream/consumers';
import { isDelegatedZone } from '../challenge/route.ts';
import { findConfig } from '../config/find.ts';
import { Dns01Error } from '../errors.ts';
import { openAccessLog } from '../gateway/access-log.ts';
import { acmeDns } from '../gateway/acme-dns.ts';
import { type Audit, auditLine } from '../gateway/audit.ts';
import { createHandler } from '../gateway/handler.ts';
import { httpreq } from '../gateway/httpreq.ts';
import { keepLeases } from '../gateway/leases.ts';
import { followConfig, type LoadedConfig } from '../gateway/live-config.ts';
import { openLiveValues } from '../gateway/live-values.ts';
import { createChangeMaker } from '../gateway/make-change.ts';
import { hashPassword } from '../gateway/password.ts';
import { openRegistration } from '../gateway/register.ts';
import { startServer } from '../gateway/server.ts';
import { openSharedLimits } from '../gateway/shared-limit.ts';
import { MAX_RUN_AGE_MS, openSharedRun } from '../gateway/shared-run.ts';
import { createUpdateCore } from '../gateway/update/core.ts';
import { openUpdates } from '../gateway/update/open.ts';
import { openUsers } from '../gateway/users.ts';
import { openWatching } from '../gateway/watching.ts';
import { createWork } from '../gateway/work.ts';
import type { Io } from '../output/io.ts';
import { createLog } from '../output/log.ts';
import { openState, withRun } from './open-run.ts';
import { type CommonOptions, noDryRun } from './options.ts';

export interface ServeOptions extends CommonOptions {
  /** Answer only when the name servers show the value. */
  readonly wait: boolean;
}

/** Seconds for a request without the wait for propagation. Usually the client gives up earlier. */
const ANSWER_SECONDS = 3600;

/** `dns01 serve`: the hook over HTTP, until the process gets a stop signal. */
export async function serve(options: ServeOptions, io: Io): Promise<void> {
  if (options.dryRun) throw noDryRun('serve');
  const log = await createLog(options, io);
  let apply: (loaded: LoadedConfig) => void = () => {};
  const live = followConfig(findConfig(options.config, io.env), {
    info: (message) => log.info(`serve: ${message}`),
    warn: (message) => log.warn(`serve: ${message}`),
    env: io.env,
    keep: io.redactor.keep,
    changed: (loaded) => apply(loaded),
  });
  const { propagation } = live.current().config;
  const answerWithin = options.timeout ?? ANSWER_SECONDS + (options.wait ? propagation.timeout : 0);
  // A request that has begun is finished after a stop signal too, because its run may serve later requests as well.
  const runIo = { ...io, isTerminal: false, stop: new AbortController().signal };
  const runOptions = { ...options, timeout: answerWithin + MAX_RUN_AGE_MS / 1000 };
  const state = await openState(live.current().config, io, log);
  // What has begun to listen ends first. The rest is closed in reverse order: a state that stays open keeps the process alive.
  const listening: { close(): Promise<void> }[] = [];
  const closers: (() => Promise<void>)[] = [state.close];
  try {
    const watching = await openWatching(live, state, () => runs);
    const { metrics: watch, isReady } = watching;
    const runs = openSharedRun((task) =>
      withRun(runOptions, runIo, task, { config: live.current().config, state, watch }),
    );
    closers.push(runs.close);
    const audit: Audit = (entry, milliseconds) => {
      log.info(auditLine(entry, milliseconds));
      watch?.changed(entry, milliseconds);
    };
    const leaseMs = () => live.current().serve.leaseMs;
    const liveValues = openLiveValues(state.journal);
    const changes = createChangeMaker({
      runs,
      overrides: options,
      wait: options.wait,
      leaseMs,
      liveValues,
      audit,
      log,
    });
    const work = createWork(openSharedLimits(state));
    const users = openUsers(() => live.current().serve.users, state.users);
    const answerWithinMs = answerWithin * 1000;
    const answer = createHandler({
      fronts: [httpreq, acmeDns],
      work,
      changes,
      users,
      registration: openRegistration(() => live.current().registration, users, audit),
      isDelegated: (name) => isDelegatedZone(live.current().config)(name),
      isProxy: () => live.current().isProxy,
      isReady,
      answerWithinMs,
      log,
    });
    const writeLine = openAccessLog(log, () => live.current().isProxy);
    const { listen, tls } = live.current();
    const server = await startServer({
      listen,
      tls,
      isProxy: (address) => live.current().isProxy?.(address) ?? false,
      refresh: () => live.refresh(false),
      answer,
      answered(request, given, took) {
        watch?.answered(given.status);
        writeLine(request, given, took);
      },
    });
    listening.push(server);
    apply = ({ tls: files }) => {
      runs.renew();
      if (files) server.setTls(files);
    };
    const updates = await openUpdates({
      live,
      users,
      core: createUpdateCore({ runs, overrides: options, ...changes }),
      work,
      answerWithinMs,
      log,
    });
    listening.push(updates);
    closers.push(watching.close);
    const metricsAt = await watching.listen();
    const leases = keepLeases({ state, runs, work, log, leaseMs, audit });
    closers.push(leases.stop);
    io.onHangup?.(() => live.refresh(true));
    io.stdout([server.at, ...updates.at, ...metricsAt].map((at) => `listening on ${at}\n`).join(''));
    if (!io.stop.aborted) {
      await new Promise<void>((resolve) => io.stop.addEventListener('abort', () => resolve(), { once: true }));
    }
  } finally {
    await Promise.all(listening.map((each) => each.close()));
    for (const close of closers.reverse()) await close();
  }
}

/** `dns01 serve hash`: reads a password from stdin and prints the line for the config. */
export async function serveHash(io: Io): Promise<void> {
  const password = (await readAll(process.stdin)).replace(/\r?\n$/, '');
  if (password.length < 8) {
    throw new Dns01Error('E_USAGE', 'the password has fewer than 8 characters', {
      hint: 'openssl rand -base64 24 | dns01 serve hash',
    });
  }
  io.stdout(`${await hashPassword(password)}\n`);
}
