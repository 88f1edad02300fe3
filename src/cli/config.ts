import { stringify } from 'yaml';
import { validAccount } from '../accounts/definition.ts';
import { secretsIn } from '../check/secrets.ts';
import type { Config } from '../config/load.ts';
import type { Io } from '../output/io.ts';
import { createLog } from '../output/log.ts';
import { secretSourceOf } from '../provider.ts';
import { openConfig } from './open-config.ts';
import type { CommonOptions } from './options.ts';

/**
 * `dns01 config`: which file is used, and what it says after validation, with defaults and without secrets.
 * @throws E_CONFIG for the first mistake, naming file, line and key
 */
export async function showConfig(options: CommonOptions, io: Io): Promise<void> {
  const log = await createLog(options, io);
  const config = await openConfig(options.config, io.env, log.warn);
  const shown = shownConfig(config, await shownAccounts(config));
  if (options.json) io.stdout(`${JSON.stringify({ ok: true, action: 'config', file: config.file, config: shown })}\n`);
  else io.stdout(`# ${config.file}\n${stringify(shown, { lineWidth: 0 })}`);
}

/** As they are written, and the defaults of what is not written. */
async function shownAccounts(config: Config): Promise<Record<string, unknown>> {
  const accounts: Record<string, unknown> = {};
  for (const [name, { provider, options: written }] of Object.entries(config.accounts)) {
    const valid = await validAccount(name, { config });
    const all = { ...(valid.options as object), ...valid.connection };
    const secrets = new Set(secretsIn(valid.options).map(({ source }) => source));
    const isSecret = (text: string) => secrets.has(text);
    accounts[name] = hiding(isSecret, {
      provider,
      ...written,
      ...Object.fromEntries(Object.entries(all).filter(([key]) => !(key in written))),
    });
  }
  return accounts;
}

/** In the form of a config file. */
function shownConfig(config: Config, accounts: object): unknown {
  const { file, fileToEdit, placeOf, accounts: _, zones, resolvers, nameservers, ...settings } = config;
  const { allowNetworks, roots, doh, followCnames, serve, ...others } = settings;
  return hiding(() => false, {
    accounts,
    zones: Object.fromEntries(zones.map(({ zone, account, delegated }) => [zone, { account, delegated }])),
    dns: {
      resolvers,
      nameservers: Object.fromEntries(nameservers.map(({ zone, servers }) => [zone, servers])),
      allowNetworks,
      roots,
      doh,
      followCnames,
    },
    ...others,
    serve: serve && shownServe(serve),
  });
}

/** The config has the lease in seconds, and no names for users of acme-dns. */
function shownServe({ leaseMs, users, ...serve }: NonNullable<Config['serve']>): object {
  const shownUsers = Object.entries(users).map(([name, { names, ...user }]) => [
    name,
    names.length > 0 ? { ...user, names } : user,
  ]);
  return { ...serve, users: Object.fromEntries(shownUsers), lease: leaseMs / 1000 };
}

const HIDDEN = '(hidden)';

/** A copy without secrets, hashes of passwords, and passwords in URLs. */
function hiding(isSecret: (text: string) => boolean, value: unknown, key?: string): unknown {
  const source = secretSourceOf(value);
  if (source !== undefined) return typeof source === 'string' ? HIDDEN : source;
  if (Array.isArray(value)) return value.map((item) => hiding(isSecret, item));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, hiding(isSecret, item, name)]));
  }
  if (typeof value !== 'string') return value;
  return key === 'hash' || isSecret(value) ? HIDDEN : value.replace(/\/\/[^/\s]*@/g, `//${HIDDEN}@`);
}
