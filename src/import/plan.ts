import { dirname, join } from 'node:path';
import { parseDocument, stringify } from 'yaml';
import { setAt } from '../accounts/environment-settings.ts';
import { type Config, loadConfig } from '../config/load.ts';
import { readTrustedFile } from '../config/trusted-file.ts';
import { Dns01Error } from '../errors.ts';
import type { FoundAccount } from './accounts.ts';

/** What an import would write. */
export interface Plan {
  readonly config: {
    readonly file: string;
    readonly text: string;
    /** What it is written in the place of; undefined for a config that is not there yet. */
    readonly before: string | undefined;
  };
  /** The part of the config that is new, for a person. */
  readonly shown: string;
  readonly secrets: readonly { readonly file: string; readonly text: string; readonly from: string }[];
  /** Accounts that need zones in the config and have none. */
  readonly withoutZones: readonly string[];
}

interface NewAccount {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly secrets: Plan['secrets'];
  readonly zones: readonly (readonly [string, unknown])[];
  readonly hasZone: boolean;
}

/**
 * The config with these accounts, beside the ones that it has.
 * @throws E_CONFIG where an account of such a name is there already, or another account would lose its zones
 */
export function planImport(file: string, accounts: readonly FoundAccount[], isThere: boolean): Plan {
  const fresh = accounts.map((account, index) => newAccount(account, nameFor(account, accounts.slice(0, index)), file));
  const before = isThere ? loadExtensible(file) : undefined;
  for (const { name } of fresh) {
    if (before && Object.hasOwn(before.accounts, name)) {
      throw new Dns01Error('E_CONFIG', `${file} has an account "${name}" already`, {
        hint: 'rename it there, or use another file: --config FILE',
      });
    }
  }
  const isOnly = fresh.length === 1 && !before;
  const zones = fresh.flatMap(({ zones, hasZone }) =>
    zones.filter(([, route]) => !isOnly || hasZone || typeof route === 'object'),
  );
  const added = {
    accounts: Object.fromEntries(fresh.map(({ name, options }) => [name, options])),
    ...(zones.length > 0 ? { zones: Object.fromEntries(zones) } : {}),
  };
  const shown = stringify(added, { lineWidth: 0 });
  const previous = isThere ? readTrustedFile(file).text : undefined;
  const text = previous === undefined ? shown : merged(previous, added);
  const withoutZones = isOnly ? [] : fresh.filter((account) => account.zones.length === 0).map(({ name }) => name);
  const secrets = fresh.flatMap((account) => account.secrets);
  return { config: { file, text, before: previous }, shown, secrets, withoutZones };
}

/** What would be written, as text for a person. */
export function planText({ config, shown, secrets }: Plan): string {
  const lines = secrets.map(({ file, from }) => `# ${file} (mode 0600): the secret from ${from}\n`);
  return `# ${config.file}${config.before === undefined ? '' : ', in addition'}\n${shown}${lines.join('')}`;
}

/**
 * A config that can take one more account.
 * @throws E_CONFIG where an account of it would lose its zones, because nothing says which ones it holds
 */
export function loadExtensible(file: string): Config {
  const config = loadConfig(file);
  const [first] = Object.keys(config.accounts);
  if (config.zones.length > 0) return config;
  throw new Dns01Error('E_CONFIG', `${file} does not say which account holds which zone`, {
    hint: `with more than one account it has to: add zones: { example.com: ${first} } first`,
  });
}

/** The comments and the order of the config stay. */
function merged(text: string, added: Readonly<Record<string, Readonly<Record<string, unknown>>>>): string {
  const document = parseDocument(text);
  for (const [block, entries] of Object.entries(added))
    for (const [key, value] of Object.entries(entries))
      if (!document.hasIn([block, key])) document.setIn([block, key], document.createNode(value));
  return document.toString({ lineWidth: 0 });
}

function nameFor({ provider, name }: FoundAccount, before: readonly FoundAccount[]): string {
  if (name !== undefined) return name;
  const count = before.filter((account) => account.provider === provider).length;
  return count === 0 ? provider : `${provider}-${count + 1}`;
}

/** Each secret goes into a file of its own beside the config. */
function newAccount(
  { provider, options: found, secrets, from, certificates, zone }: FoundAccount,
  name: string,
  file: string,
): NewAccount {
  const options: Record<string, unknown> = { provider };
  for (const [path, value] of found) setAt(options, path.split('.'), value);
  const files = [...secrets].map(([path, text]) => {
    const secret = join(dirname(file), `${name}.${path}`);
    setAt(options, path.split('.'), { file: secret });
    return { file: secret, text, from };
  });
  return {
    name,
    options,
    secrets: files,
    hasZone: zone !== undefined,
    zones: zonesFor(provider, name, found, zone === undefined ? certificates.flatMap(({ names }) => names) : [zone]),
  };
}

/** The names of the certificates, without those that lie below another one. */
function zonesFor(
  provider: string,
  account: string,
  options: FoundAccount['options'],
  domains: readonly string[],
): [string, unknown][] {
  const [url, subdomain] = [options.get('url'), options.get('subdomain')];
  if (provider === 'acme-dns' && typeof url === 'string' && URL.canParse(url)) {
    return [[`${subdomain}.${new URL(url).hostname}`, { account, delegated: true }]];
  }
  const names = [...new Set(domains.map((name) => name.toLowerCase().replace(/^\*\./, '')))];
  const isBelow = (name: string) => names.some((other) => name.endsWith(`.${other}`));
  return names.filter((name) => !isBelow(name)).map((name) => [name, account]);
}
