import { createHmac } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { readSecret, type SecretReader } from '../../accounts/secrets.ts';
import { type Config, configError } from '../../config/load.ts';
import type { ServeConfig } from '../../config/serve-config.ts';
import { decodeKey, type TsigKey } from '../../dns/wire-tsig.ts';
import { parseName } from '../../names.ts';
import { secretSourceOf } from '../../toolbox/options.ts';
import type { GatewayUser } from '../users.ts';

export interface NamedKey {
  readonly user: string;
  readonly key: TsigKey;
}

/** The TSIG keys of the users, as the config and its files were when they were read. */
export interface Keys {
  /** @param name of the key, in lower case */
  find(name: string): NamedKey | undefined;
  /** Whether users in the state can have keys. */
  readonly canMake: boolean;
  /** The key of a user in the state; undefined for one that has none. */
  made(user: GatewayUser): TsigKey | undefined;
  /** The files that hold them. */
  readonly files: readonly string[];
}

/** In octets. Whoever records a message can try out shorter ones. */
const MIN_KEY_OCTETS = 16;

/** Only where the server takes updates. @throws E_CONFIG for a key that cannot be read or is not one */
export function readKeys(config: Config, serve: ServeConfig, reader: Omit<SecretReader, 'config'>): Keys {
  const keys = new Map<string, NamedKey>();
  const files: string[] = [];
  for (const [user, { tsig }] of Object.entries(serve.update ? serve.users : {})) {
    const source = secretSourceOf(tsig?.secret);
    if (!tsig || source === undefined) continue;
    const path = ['serve', 'users', user, 'tsig'];
    const name = parseName(user);
    if (name === undefined) {
      throw configError(config, path, `the user's name is also that of its key, so it must be a domain name`);
    }
    const other = keys.get(name);
    if (other) throw configError(config, path, `the users ${other.user} and ${user} have the same name for a key`);
    const secret = decodeKey(readSecret(source, [...path, 'secret'], { ...reader, config }));
    if (!secret || secret.length < MIN_KEY_OCTETS) {
      const what = secret ? `has fewer than ${MIN_KEY_OCTETS} octets` : 'is not base64';
      throw configError(config, [...path, 'secret'], what, 'tsig-keygen NAME, or openssl rand -base64 32');
    }
    if (typeof source === 'object' && 'file' in source) files.push(resolve(dirname(config.file), source.file));
    keys.set(name, { user, key: { name, algorithm: tsig.algorithm, secret } });
  }
  const source = secretSourceOf(serve.update?.secret);
  if (typeof source === 'object' && 'file' in source) files.push(resolve(dirname(config.file), source.file));
  const secret = readMakingSecret({ ...reader, config });
  return {
    find: (name) => keys.get(name),
    canMake: secret !== undefined,
    made: ({ name, tsigSalt }) => (secret && tsigSalt ? madeKey(name, tsigSalt, secret) : undefined),
    files,
  };
}

/** In characters. Whoever has a key of their own and reads the state can try out shorter ones. */
const MIN_MAKING_SECRET = 32;

/** What the keys of users in the state are made from; undefined where the config has none. @throws E_CONFIG */
export function readMakingSecret(reader: SecretReader): string | undefined {
  const source = secretSourceOf(reader.config.serve?.update?.secret);
  if (source === undefined) return undefined;
  const path = ['serve', 'update', 'secret'];
  const secret = readSecret(source, path, reader);
  if (secret.length >= MIN_MAKING_SECRET) return secret;
  throw configError(reader.config, path, `has fewer than ${MIN_MAKING_SECRET} characters`, 'openssl rand -base64 32');
}

/** The state has only the salt, so that nobody who reads it can sign. @param secret of the config */
export function madeKey(user: string, salt: string, secret: string): TsigKey | undefined {
  const name = parseName(user);
  const key = createHmac('sha256', secret).update(`dns01 tsig ${name} ${salt}`).digest();
  return name && { name, algorithm: 'hmac-sha256', secret: key };
}
