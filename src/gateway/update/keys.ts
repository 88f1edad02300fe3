import { dirname, resolve } from 'node:path';
import { readSecret, type SecretReader } from '../../accounts/secrets.ts';
import { type Config, configError } from '../../config/load.ts';
import type { ServeConfig } from '../../config/serve-config.ts';
import { decodeKey, type TsigKey } from '../../dns/wire-tsig.ts';
import { parseName } from '../../names.ts';
import { secretSourceOf } from '../../toolbox/options.ts';

export interface NamedKey {
  readonly user: string;
  readonly key: TsigKey;
}

/** The TSIG keys of the users, as the config and its files were when they were read. */
export interface Keys {
  /** @param name of the key, in lower case */
  find(name: string): NamedKey | undefined;
  /** The files that hold them. */
  readonly files: readonly string[];
}

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
    if (!secret) {
      throw configError(config, [...path, 'secret'], 'is not base64', 'tsig-keygen NAME, or openssl rand -base64 32');
    }
    if (typeof source === 'object' && 'file' in source) files.push(resolve(dirname(config.file), source.file));
    keys.set(name, { user, key: { name, algorithm: tsig.algorithm, secret } });
  }
  return { find: (name) => keys.get(name), files };
}
