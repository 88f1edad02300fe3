import { createPrivateKey, X509Certificate } from 'node:crypto';
import { statSync } from 'node:fs';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { SecretReader } from '../accounts/secrets.ts';
import { isDelegatedZone } from '../challenge/route.ts';
import { type Config, configError, loadConfig } from '../config/load.ts';
import type { ServeConfig } from '../config/serve-config.ts';
import { readTrustedFile, warnReadable } from '../config/trusted-file.ts';
import { parseServerAddress } from '../dns/server-address.ts';
import { Dns01Error } from '../errors.ts';
import type { Fqdn } from '../names.ts';
import { type Networks, openNetworks } from '../networks.ts';
import type { ListenAddress } from './listen.ts';
import { registrationOf } from './register.ts';
import type { TlsFiles } from './server.ts';
import { type Keys, readKeys } from './update/keys.ts';

/** The files as they were when they were last valid. */
export interface LoadedConfig {
  readonly config: Config;
  readonly serve: ServeConfig;
  readonly listen: ListenAddress;
  readonly tls: TlsFiles | undefined;
  /** For dynamic updates. */
  readonly keys: Keys;
  /** The load balancers; undefined where there are none. */
  readonly isProxy: Networks | undefined;
  readonly registration: ReturnType<typeof registrationOf>;
}

export interface LiveConfig {
  current(): LoadedConfig;
  /** False where the files are invalid and those before stay in use. */
  isValid(): boolean;
  /** Reads the files again, always or only if they changed. Invalid files change nothing. */
  refresh(always: boolean): void;
}

export interface LiveConfigSettings extends Pick<SecretReader, 'env' | 'keep'> {
  changed(loaded: LoadedConfig): void;
  info(message: string): void;
  warn(message: string): void;
}

/**
 * The config file and the files of its certificate and keys, read again when they change.
 * @throws E_CONFIG where they are not valid at the start
 */
export function followConfig(file: string, settings: LiveConfigSettings): LiveConfig {
  const { changed, info, warn } = settings;
  let loaded = load(file, settings);
  let seen = stateOf(filesOf(loaded));
  let isValid = true;
  return {
    isValid: () => isValid,
    current: () => loaded,
    refresh(always) {
      const now = stateOf(filesOf(loaded));
      if (!always && now === seen) return;
      seen = now;
      try {
        const next = load(file, settings);
        if (!isSameListener(next, loaded)) {
          warn('a change of serve.listen, serve.update or serve.metrics, or from or to serve.tls, needs a restart');
        }
        const isOtherPlace = filesOf(next).join('\n') !== filesOf(loaded).join('\n');
        loaded = next;
        if (isOtherPlace) seen = stateOf(filesOf(next));
        changed(next);
        isValid = true;
        info('the config was read again');
      } catch (error) {
        isValid = false;
        warn(`the previous config stays in use: ${(error as Error).message}`);
      }
    },
  };
}

function load(file: string, reader: Omit<SecretReader, 'config'>): LoadedConfig {
  const found = loadServeConfig(file, reader.warn);
  const { config, serve } = found;
  checkNetworks(config, serve);
  checkOwnNames(config, serve);
  return {
    ...found,
    keys: readKeys(config, serve, reader),
    isProxy: serve.proxies.length > 0 ? openNetworks(serve.proxies) : undefined,
    registration: registrationOf(serve.register),
  };
}

/** What somebody who connects to the server has to know. @throws E_CONFIG */
export function loadServeConfig(
  file: string,
  warn: (message: string) => void,
): Pick<LoadedConfig, 'config' | 'serve' | 'listen' | 'tls'> {
  const config = loadConfig(file);
  const { serve } = config;
  if (!serve) {
    throw new Dns01Error('E_CONFIG', `${file}: serve: is missing`, {
      hint: 'serve: { listen: 127.0.0.1:8053, users: { NAME: { hash: "…", names: [example.com] } } }, the hash from dns01 serve hash',
    });
  }
  return { config, serve, listen: listenAddress(serve, file), tls: serve.tls && readTls(serve.tls, warn) };
}

/** @throws E_CONFIG for a text that is not a network */
function checkNetworks(config: Config, { users, register, proxies }: ServeConfig): void {
  const check = (path: readonly string[], list: readonly string[] = []) =>
    openNetworks(list, (text) => {
      throw configError(config, ['serve', ...path, list.indexOf(text)], `${text} is not a network`);
    });
  check(['proxies'], proxies);
  check(['register', 'networks'], register?.networks);
  for (const [name, { networks }] of Object.entries(users)) check(['users', name, 'networks'], networks);
}

/** The names of acme-dns clients have no challenge label, so their zone has to allow any name. @throws E_CONFIG */
function checkOwnNames(config: Config, { users, register }: ServeConfig): void {
  const check = (path: readonly string[], zone: Fqdn | undefined) => {
    if (zone === undefined || isDelegatedZone(config)(zone)) return;
    throw configError(
      config,
      ['serve', ...path, 'zone'],
      `${zone} is not in a zone that CNAMEs may lead to`,
      `add to zones: ${zone}: { account: NAME, delegated: true }`,
    );
  };
  check(['register'], register?.zone);
  for (const [name, { acmeDns }] of Object.entries(users)) check(['users', name, 'acmeDns'], acmeDns?.zone);
}

function readTls({ cert, key }: NonNullable<ServeConfig['tls']>, warn: (message: string) => void): TlsFiles {
  try {
    const secret = readTrustedFile(key);
    warnReadable(key, secret.stats, warn);
    const files = { cert: readTrustedFile(cert).text, key: secret.text };
    createSecureContext(files);
    // OpenSSL accepts a key of another kind than the certificate's, and then refuses every connection.
    if (!new X509Certificate(files.cert).checkPrivateKey(createPrivateKey(files.key))) {
      throw new Error('the key does not belong to the certificate');
    }
    return files;
  } catch (error) {
    if (error instanceof Dns01Error) throw error;
    throw new Dns01Error('E_CONFIG', `serve.tls: ${cert} and ${key} cannot be used: ${(error as Error).message}`, {
      hint: 'name the PEM files of a certificate and of its own key',
    });
  }
}

/** Without TLS, passwords are not encrypted, so only this machine may connect. */
function listenAddress({ listen, tls }: ServeConfig, file: string): ListenAddress {
  const address = parseListenAddress('serve.listen', listen);
  if (tls || address.host === undefined || isLoopback(address.host)) return address;
  throw new Dns01Error('E_CONFIG', `${file}: serve.listen: ${listen} is open to other machines without TLS`, {
    hint: 'listen on 127.0.0.1, [::1] or unix:/path, or set serve.tls: { cert: FILE, key: FILE }',
  });
}

/** @param option the key of the config, with this text */
export function parseListenAddress(option: string, text: string): ListenAddress {
  if (text.startsWith('unix:')) return { option, path: text.slice('unix:'.length) };
  const { address: host, port } = parseServerAddress(text);
  return { option, host, port };
}

const isLoopback = (host: string): boolean => isIP(host) !== 0 && /^(127\.|::1$)/.test(host);

const isSameListener = (one: LoadedConfig, other: LoadedConfig): boolean =>
  one.serve.listen === other.serve.listen &&
  one.serve.update?.listen.join() === other.serve.update?.listen.join() &&
  one.serve.metrics?.listen === other.serve.metrics?.listen &&
  !one.tls === !other.tls;

const filesOf = ({ config, serve, keys }: LoadedConfig): string[] => [
  config.file,
  ...(serve.tls ? [serve.tls.cert, serve.tls.key] : []),
  ...keys.files,
];

/** Changes when a file is written, replaced or removed. */
function stateOf(files: readonly string[]): string {
  return files.map(stateOfFile).join('\n');
}

function stateOfFile(file: string): string {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = statSync(file);
    return [dev, ino, size, mtimeMs, ctimeMs].join(' ');
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
