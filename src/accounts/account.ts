import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod/mini';
import { type Config, configError } from '../config/load.ts';
import { type ConnectionOptions, connectionSchema } from '../config/schema.ts';
import { resolveSecrets } from '../config/secrets.ts';
import { Dns01Error, withContext } from '../errors.ts';
import { createHttpClient } from '../http/client.ts';
import type { ProxySettings } from '../http/dispatcher.ts';
import { isLoopback } from '../http/loopback.ts';
import { writeOnce } from '../http/write-once.ts';
import { firstFinding } from '../issues.ts';
import type { DnsProvider, ProviderContext, ProviderDefinition, Resolved } from '../provider.ts';
import { openLedger } from '../state/rate-limit.ts';
import { builtIn, loadDefinition } from './definition.ts';
import { noSuchAccount } from './route.ts';
import type { Run } from './run.ts';

/** Milliseconds for a logout when everything else is over. */
const CLOSE_TIMEOUT_MS = 3000;

/** One account of the config, with its provider ready to work. */
export interface Account {
  readonly name: string;
  readonly definition: ProviderDefinition;
  /** Do something with the provider; a failure is told with the account's name. */
  use<Result>(task: (provider: DnsProvider) => Promise<Result>): Promise<Result>;
  /** Milliseconds by which the provider's clock is ahead of ours; undefined before its first answer. */
  clockSkew(): number | undefined;
  /** What is left of the provider's request budget; undefined where it has none. */
  budget(): Promise<BudgetLeft | undefined>;
  /** Say goodbye and let go of the connections. Never fails. */
  close(): Promise<void>;
}

export interface BudgetLeft {
  readonly left: number;
  readonly requests: number;
  /** Seconds. */
  readonly window: number;
}

type AccountRun = Pick<Run, 'config' | 'env' | 'log' | 'redactor' | 'deadline' | 'stateDirectory'>;

/**
 * Load the account's provider, validate its options and read its secrets.
 * @throws E_CONFIG naming file, line and key
 */
export async function openAccount(name: string, run: AccountRun): Promise<Account> {
  const { config, log, deadline } = run;
  const { definition, options, connection } = await validAccount(name, run);
  const resolved = await resolveSecrets(options, ['accounts', name], {
    config,
    env: run.env,
    warn: log.warn,
    keep: run.redactor.keep,
  });
  const ledger =
    definition.budget && openLedger({ ...ledgerOf(name, definition, resolved, run), budget: definition.budget });
  const http = createHttpClient({
    connection: {
      ca: connection.ca === undefined ? undefined : await readCa(name, connection.ca, run),
      fingerprint: connection.fingerprint?.replaceAll(':', '').toLowerCase(),
      proxy: proxyFor(connection, run),
    },
    requestTimeout: (connection.timeout ?? 30) * 1000,
    deadline,
    log: { ...log, debug: (message, fields) => log.debug(message, { account: name, ...fields }) },
    budget: ledger,
  });
  const context: ProviderContext = {
    account: name,
    http,
    log: { debug: (message, fields) => log.debug(message, { account: name, ...fields }), warn: log.warn },
    signal: deadline.signal,
    dataDirectory: () => dataDirectory(name, run),
    keepSecret: run.redactor.keep,
    async runCommand(command) {
      const { runCommand } = await import('../process/run-command.ts');
      return runCommand(command, { env: run.env, signal: deadline.signal, log: context.log });
    },
    sleep: deadline.sleep,
    openProvider: async (type, options) => (await builtIn(type)).create(options as Resolved<unknown>, context),
    writeOnce: (steps) => writeOnce(steps, log),
  };
  const inContext = async <Result>(task: () => Result | Promise<Result>): Promise<Result> => {
    try {
      return await task();
    } catch (error) {
      throw withContext(error, `account ${name} (${definition.type})`);
    }
  };
  const provider = await inContext(() => definition.create(resolved as Resolved<unknown>, context));
  warnUnencrypted(name, resolved, log.warn);
  return {
    name,
    definition,
    use: (task) => inContext(() => task(provider)),
    clockSkew: http.clockSkew,
    async budget() {
      const { budget } = definition;
      return budget && ledger && { left: budget.requests - (await ledger.used()), ...budget };
    },
    async close() {
      http.beginClosing(CLOSE_TIMEOUT_MS);
      await provider
        .close?.()
        .catch((error: unknown) => log.debug('close failed', { account: name, failure: String(error) }));
      await http.close();
    },
  };
}

export interface ValidAccount {
  readonly definition: ProviderDefinition;
  /** The provider's own keys, secrets not yet read. */
  readonly options: unknown;
  readonly connection: ConnectionOptions;
}

/**
 * The account's provider, and its keys after validation.
 * @throws E_CONFIG naming file, line and key; E_USAGE when there is no such account
 */
export async function validAccount(name: string, { config }: Pick<Run, 'config'>): Promise<ValidAccount> {
  if (!Object.hasOwn(config.accounts, name)) throw noSuchAccount(name, config);
  const definition = await loadDefinition(name, config);
  return { definition, ...(await validOptions(name, definition, config)) };
}

/** The keys of the connection, where the provider has one, and the provider's own. */
async function validOptions(
  name: string,
  definition: ProviderDefinition,
  config: Config,
): Promise<Omit<ValidAccount, 'definition'>> {
  const all = config.accounts[name]?.options ?? {};
  const isConnectionKey = (key: string) => definition.http && Object.hasOwn(connectionSchema.shape, key);
  const pick = (wanted: boolean) =>
    Object.fromEntries(Object.entries(all).filter(([key]) => isConnectionKey(key) === wanted));
  const check = async <Schema extends z.core.$ZodType>(schema: Schema, value: unknown): Promise<z.output<Schema>> => {
    const parsed = z.safeParse(schema, value);
    if (parsed.success) return parsed.data;
    const { path, text } = firstFinding(parsed.error.issues, value);
    throw await configError(config.file, ['accounts', name, ...path], text, `see docs/providers/${definition.type}.md`);
  };
  return {
    options: await check(definition.options, pick(false)),
    connection: await check(connectionSchema, pick(true)),
  };
}

async function readCa(name: string, file: string, { config }: AccountRun): Promise<string> {
  const path = resolve(dirname(config.file), file);
  const text = await readFile(path, 'utf8').catch((error: Error) => error);
  if (typeof text === 'string' && text.includes('-----BEGIN CERTIFICATE-----')) return text;
  const why = typeof text === 'string' ? 'it holds no certificate in PEM form' : text.message;
  throw await configError(config.file, ['accounts', name, 'ca'], `${path} cannot be used: ${why}`);
}

function proxyFor({ proxy }: ConnectionOptions, { env }: AccountRun): ProxySettings {
  if (proxy) return { http: proxy, https: proxy };
  return {
    http: env['http_proxy'] || env['HTTP_PROXY'],
    https: env['https_proxy'] || env['HTTPS_PROXY'],
    except: env['no_proxy'] || env['NO_PROXY'],
  };
}

function ledgerOf(name: string, definition: ProviderDefinition, options: unknown, run: AccountRun) {
  const host = hostOf(options) ?? '';
  return {
    owner: `${definition.type} ${host} ${definition.budget?.per === 'account' ? name : ''}`,
    stateDirectory: run.stateDirectory,
    info: (message: string) => run.log.info(`account ${name} (${definition.type}): ${message}`),
  };
}

function urlOf(options: unknown): URL | undefined {
  const url = typeof options === 'object' && options !== null && 'url' in options ? String(options.url) : '';
  return URL.canParse(url) ? new URL(url) : undefined;
}

const hostOf = (options: unknown): string | undefined => urlOf(options)?.host;

function warnUnencrypted(name: string, options: unknown, warn: (message: string) => void): void {
  const url = urlOf(options);
  if (url?.protocol !== 'http:' || isLoopback(url)) return;
  warn(`account ${name}: the credentials travel unencrypted to ${url.host}, use https:// in url`);
}

/** The account's own folder below the state directory. @throws E_CONFIG when there is no state directory */
export async function dataDirectory(name: string, { stateDirectory }: Pick<Run, 'stateDirectory'>): Promise<string> {
  if (stateDirectory === undefined) {
    throw new Dns01Error('E_CONFIG', 'this provider keeps its records in the state directory, and there is none', {
      hint: 'set DNS01_STATE_DIR to a directory that can be written',
    });
  }
  const directory = join(stateDirectory, 'accounts', name);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return directory;
}
