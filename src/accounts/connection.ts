import { dirname, resolve } from 'node:path';
import { configError } from '../config/load.ts';
import type { ConnectionOptions } from '../config/schema.ts';
import { readTrustedFile } from '../config/trusted-file.ts';
import { digest } from '../digest.ts';
import { isDns01Error } from '../errors.ts';
import { type ClosableHttpClient, createHttpClient, type RateLimiter } from '../http/client.ts';
import { proxyFor } from '../http/proxy.ts';
import { isLoopback } from '../names.ts';
import type { HttpCall, ProviderDefinition, RateLimit, Resolved } from '../provider.ts';
import type { SharedRateLimiter } from '../state/rate-limit.ts';
import type { AccountRun } from './account.ts';

interface ReadyAccount {
  readonly definition: ProviderDefinition;
  readonly options: unknown;
  readonly connection: ConnectionOptions;
  readonly secrets: readonly string[];
  /** Called before each request that writes; throws to stop it. */
  beforeWrite(requestMs: number): Promise<void>;
}

export interface RateLimitLeft extends RateLimit {
  readonly left: number;
}

export interface Connection {
  readonly http: ClosableHttpClient;
  /** What is left of the limits that apply to every call. */
  rateLimits(): Promise<RateLimitLeft[]>;
}

/** The account's HTTP client, with its TLS, proxy, time limit and rate limits. @throws E_CONFIG for a `ca` without one */
export async function openConnection(name: string, account: ReadyAccount, run: AccountRun): Promise<Connection> {
  const { definition, connection, options } = account;
  const { log, deadline } = run;
  warnUnencrypted(name, urlOf(options), log.warn);
  const limiters = openRateLimiters(name, account, run);
  const http = createHttpClient({
    connection: {
      ca: connection.ca === undefined ? undefined : readCa(name, connection.ca, run),
      fingerprint: connection.fingerprint?.replaceAll(':', '').toLowerCase(),
      proxy: proxyFor(connection, urlOf(options), run),
    },
    requestTimeout: (connection.timeout ?? 30) * 1000,
    deadline,
    log: { ...log, debug: (message, fields) => log.debug(message, { account: name, ...fields }) },
    rateLimits: limiters.forCall,
    beforeWrite: account.beforeWrite,
    answered: (status) => run.watch?.request(name, status),
  });
  return {
    http,
    rateLimits: () =>
      Promise.all(
        (definition.rateLimits ?? []).flatMap((limit) => {
          const limiter = limit.per === 'zone' ? undefined : limiters.of(limit);
          return limiter ? [leftOf(limit, limiter)] : [];
        }),
      ),
  };
}

async function leftOf(limit: RateLimit, limiter: SharedRateLimiter): Promise<RateLimitLeft> {
  return { ...limit, left: limit.requests - (await limiter.used()) };
}

/** The server that an account talks to: the host of its URL, or what its provider says. */
export function serverOf({ serverOf: own }: ProviderDefinition, options: unknown): string {
  return own?.(options as Resolved<unknown>) ?? urlOf(options)?.host ?? '';
}

/** The rate limits, shared by all accounts that the provider counts together. The account's name in the config plays no part. */
function openRateLimiters(name: string, { definition, options, secrets }: ReadyAccount, run: AccountRun) {
  const server = serverOf(definition, options);
  const credential = digest(secrets.join('\n'));
  const known = new Map<string, SharedRateLimiter>();
  const scopes: Readonly<Record<RateLimit['per'], (zone: string) => string>> = {
    address: () => '',
    login: () =>
      `login ${definition.loginOf?.(options as Resolved<unknown>) ?? optionOf(options, 'username') ?? credential}`,
    credential: () => `credential ${credential}`,
    zone: (zone) => `zone ${zone}`,
  };
  function of(limit: RateLimit, zone = ''): SharedRateLimiter {
    // Two limits of one scope are counted separately.
    const owner = `${definition.type} ${server} ${scopes[limit.per](zone)} ${limit.requests}/${limit.windowMs}`;
    const limiter =
      known.get(owner) ??
      run.state.rateLimits.open({
        limit,
        owner,
        info: (message) => run.log.info(`account ${name} (${definition.type}): ${message}`),
      });
    known.set(owner, limiter);
    return limiter;
  }
  const limits = definition.rateLimits ?? [];
  const forCall = ({ zone }: HttpCall): RateLimiter[] =>
    limits.filter(({ per }) => per !== 'zone' || zone !== undefined).map((limit) => of(limit, zone));
  return { of, forCall };
}

function readCa(name: string, file: string, { config }: AccountRun): string {
  const path = resolve(dirname(config.file), file);
  const fail = (why: string, hint?: string) =>
    configError(config, ['accounts', name, 'ca'], `${path} cannot be used: ${why}`, hint);
  try {
    const { text } = readTrustedFile(path);
    if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  } catch (error) {
    throw fail((error as Error).message, isDns01Error(error) ? error.hint : undefined);
  }
  throw fail('it holds no certificate in PEM form');
}

function optionOf(options: unknown, key: string): string | undefined {
  const value: unknown = typeof options === 'object' && options !== null ? Reflect.get(options, key) : undefined;
  return typeof value === 'string' ? value : undefined;
}

/** The endpoint, which is the option `url` of every provider with an HTTP API. */
export function urlOf(options: unknown): URL | undefined {
  const url = optionOf(options, 'url') ?? '';
  return URL.canParse(url) ? new URL(url) : undefined;
}

function warnUnencrypted(name: string, url: URL | undefined, warn: (message: string) => void): void {
  if (url?.protocol !== 'http:' || isLoopback(url)) return;
  warn(`account ${name}: the credentials travel unencrypted to ${url.host}, use https:// in url`);
}
