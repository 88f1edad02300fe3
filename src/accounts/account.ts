import pLimit, { type LimitFunction } from 'p-limit';
import type { Config } from '../config/load.ts';
import type { Deadline } from '../deadline.ts';
import { digest } from '../digest.ts';
import type { AuthorityFinder } from '../dns/authority.ts';
import { followCnames } from '../dns/chain.ts';
import { queryTxt } from '../dns/txt-query.ts';
import { asDns01Error, Dns01Error, withContext } from '../errors.ts';
import { writeOnce } from '../http/write-once.ts';
import type { Fqdn } from '../names.ts';
import type { Log } from '../output/log.ts';
import type { Redactor } from '../output/redact.ts';
import type { DnsProvider, ProviderContext, ProviderDefinition, Resolved } from '../provider.ts';
import { accountFolder } from '../state/files/account-folder.ts';
import type { HeldLock } from '../state/locks.ts';
import { REFUSED_FOR_MS } from '../state/refused-logins.ts';
import type { State } from '../state/state.ts';
import type { Watch } from '../watch.ts';
import { openConnection, type RateLimitLeft, serverOf } from './connection.ts';
import { validAccount } from './definition.ts';
import { resolveSecrets } from './secrets.ts';

/** Milliseconds for a logout after everything else is done. */
const CLOSE_TIMEOUT_MS = 3000;

/** One account of the config, with its provider ready for use. */
export interface Account {
  readonly name: string;
  readonly definition: ProviderDefinition;
  /** Runs a task with the provider; a failure names the account. */
  use<Result>(task: (provider: DnsProvider) => Promise<Result>): Promise<Result>;
  /** Runs as many tasks at the same time as the provider allows. */
  readonly limit: LimitFunction;
  /** The name of the lock for an exclusive change: one for each zone at a server, for all accounts there. */
  lockOf(zone: Fqdn): string;
  /** Runs a task. The check is called before each write request in it, and stops the task by throwing. */
  checkingBeforeWrites<Result>(check: HeldLock['check'], task: () => Promise<Result>): Promise<Result>;
  /** Milliseconds by which the provider's clock is ahead of ours; undefined before its first answer. */
  clockSkew(): number | undefined;
  /** What is left of the provider's rate limits. */
  rateLimits(): Promise<RateLimitLeft[]>;
  /** Logs out and closes the connections. Never fails. */
  close(): Promise<void>;
}

/** The parts of a run that opening an account needs. */
export interface AccountRun {
  readonly config: Config;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly redactor: Redactor;
  readonly deadline: Deadline;
  readonly state: State;
  readonly authorities: AuthorityFinder;
  /** Try credentials again that were refused recently, because a person runs this. */
  readonly retriesRefusedLogins?: boolean | undefined;
  /** Counts for those who watch the process. */
  readonly watch?: Watch | undefined;
}

/**
 * Loads the account's provider, validates its options and reads its secrets.
 * @throws E_CONFIG naming file, line and key
 */
export async function openAccount(name: string, run: AccountRun): Promise<Account> {
  const { config, log, deadline, state } = run;
  const { zones, refusedLogins } = state;
  const { definition, options, connection } = await validAccount(name, run);
  const secrets: string[] = [];
  const resolved = await resolveSecrets(options, ['accounts', name], {
    config,
    env: run.env,
    warn: log.warn,
    keep(secret) {
      secrets.push(secret);
      run.redactor.keep(secret);
    },
  });
  const checks = new Set<HeldLock['check']>([state.check]);
  const beforeWrite = async (requestMs: number) => {
    for (const check of checks) await check(requestMs);
  };
  const { http, rateLimits } = await openConnection(
    name,
    { definition, options: resolved, connection, secrets, beforeWrite },
    run,
  );
  const debug: ProviderContext['log']['debug'] = (message, fields) => log.debug(message, { account: name, ...fields });
  const context: ProviderContext = {
    account: name,
    http,
    log: { debug, warn: log.warn },
    signal: deadline.signal,
    keepSecret: run.redactor.keep,
    holdsSecret: run.redactor.holdsSecret,
    sleep: deadline.sleep,
    writeOnce: (steps) => writeOnce(steps, { debug, warn: log.warn }),
    async zoneId(zone, load) {
      const known = await zones.recallId(name, zone);
      if (known !== undefined) return known;
      const id = await load();
      if (!run.redactor.holdsSecret(id)) await zones.rememberId(name, zone, id);
      return id;
    },
    forgetZoneId: (zone) => zones.rememberId(name, zone, undefined),
    dataDirectory: () => accountFolder(name, state.directory),
    records: () => state.records.open(name),
    seenInDns: (record, value) => seenInDns(record, value, run),
    async runCommand(command) {
      await beforeWrite(command.timeoutMs);
      const { runCommand } = await import('../process/run-command.ts');
      return runCommand(command, { env: run.env, signal: deadline.signal, log: context.log });
    },
  };
  const server = serverOf(definition, resolved);
  const credentials = `${definition.type} ${server} ${JSON.stringify(resolved)}`;
  const inContext = async <Result>(task: () => Result | Promise<Result>): Promise<Result> => {
    try {
      return await task();
    } catch (error) {
      if (asDns01Error(error).loginRefused) await refusedLogins.remember(credentials);
      throw withContext(error, `account ${name} (${definition.type})`);
    }
  };
  const provider = await inContext(() => definition.create(resolved as Resolved<unknown>, context));
  async function use<Result>(task: (provider: DnsProvider) => Promise<Result>): Promise<Result> {
    const age = run.retriesRefusedLogins ? undefined : await refusedLogins.age(credentials);
    return inContext(() => {
      if (age !== undefined) throw refusedBefore(age);
      return definition.http ? task(provider) : watched(name, () => task(provider), run);
    });
  }
  return {
    name,
    definition,
    use,
    limit: pLimit(definition.concurrency ?? 1),
    lockOf: (zone) => digest(`${server} ${zone}`),
    async checkingBeforeWrites(check, task) {
      checks.add(check);
      return task().finally(() => checks.delete(check));
    },
    clockSkew: http.clockSkew,
    rateLimits,
    async close() {
      http.beginClosing(CLOSE_TIMEOUT_MS);
      await provider.close?.().catch((error: unknown) => debug('close failed', { failure: String(error) }));
      await http.close();
    },
  };
}

/** Counts what a provider without HTTP does. */
async function watched<Result>(name: string, task: () => Promise<Result>, { watch }: AccountRun): Promise<Result> {
  try {
    const result = await task();
    watch?.request(name, 'done');
    return result;
  } catch (error) {
    watch?.request(name, asDns01Error(error).code);
    throw error;
  }
}

function refusedBefore(age: number): Dns01Error {
  const [ago, left] = [age, REFUSED_FOR_MS - age].map((milliseconds) => Math.ceil(milliseconds / 1000));
  return new Dns01Error('E_AUTH', `these credentials were refused ${ago} s ago and are not tried again for ${left} s`, {
    hint: 'correct the credentials in the config, or try them at once with dns01 doctor: a provider may block an address after some failed logins',
  });
}

/** Milliseconds for one query. */
const QUERY_TIMEOUT_MS = 2000;

/** Whether all servers of the name show the value, or none does; undefined where they do not agree. */
async function seenInDns(
  name: Fqdn,
  value: string,
  { authorities, deadline }: AccountRun,
): Promise<boolean | undefined> {
  const { signal } = deadline;
  try {
    const end = (await followCnames(name, authorities, signal, () => {})).at(-1) ?? name;
    const { servers, configured } = await authorities.find(end);
    const settings = { timeoutMs: QUERY_TIMEOUT_MS, signal, authoritative: !configured };
    const results = await Promise.all(
      servers.map((server) => queryTxt(server, { name: end, values: [value] }, settings)),
    );
    const [state] = new Set(results.map((result) => result.state));
    if (results.some((result) => result.state !== state)) return undefined;
    return state === 'shown' ? true : state === 'missing' ? false : undefined;
  } catch {
    return undefined;
  }
}
