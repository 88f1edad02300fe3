import { isAbsolute, join } from 'node:path';
import { providers } from '../../providers/index.ts';
import { validAccount } from '../accounts/definition.ts';
import { type Setting, setAt, settingsOf } from '../accounts/environment-settings.ts';
import { withoutConfig } from '../config/load.ts';
import { Dns01Error, isDns01Error } from '../errors.ts';
import { type Fqdn, parseName } from '../names.ts';
import { ACMESH_SCRIPTS, type From, KEY_FILES, NAMES, type Names, type Tool, USELESS } from './names.ts';
import type { Bag, Certificate, Found, Reader } from './sources.ts';

/** An account as it was found, before its secrets have places. */
export interface FoundAccount {
  readonly provider: string;
  /** By the path of the option, `tsig.name`. */
  readonly options: ReadonlyMap<string, unknown>;
  /** Secrets, which go into files of their own. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly from: string;
  readonly certificates: readonly Certificate[];
  /** What to call it in the config; default: as its provider. */
  readonly name?: string | undefined;
  /** The zone that it holds, where that is known. The names of certificates need not be zones. */
  readonly zone?: Fqdn | undefined;
}

export interface FoundAccounts {
  readonly accounts: readonly FoundAccount[];
  readonly warnings: readonly string[];
}

/** The accounts in what a tool has stored, and what cannot be taken over. */
export async function accountsIn({ bags, home }: Found, tool: Tool, reader: Reader): Promise<FoundAccounts> {
  const accounts: FoundAccount[] = [];
  const warnings = new Set<string>();
  for (const found of bags) {
    const certificates = (found.certificates ?? []).map((each) => ({ ...each, names: domainNames(each.names) }));
    const bag = { ...found, certificates: certificates.filter(({ names }) => names.length > 0) };
    let taken = 0;
    for (const account of candidatesIn(bag, { tool, home, reader })) {
      const outcome = await account().catch((error: unknown) => {
        if (isDns01Error(error)) return error;
        throw error;
      });
      if (isDns01Error(outcome)) warnings.add(outcome.message);
      else if (outcome) accounts.push(outcome);
      if (outcome) taken++;
    }
    const useless = Object.keys(USELESS).filter((name) => bag.values.has(name));
    if (taken === 0) for (const name of useless) warnings.add(`${bag.from}: ${name} ${USELESS[name]}`);
  }
  return { accounts: withoutDoubles(accounts), warnings: [...warnings] };
}

/** They become keys of the config and words of commands, so whatever is no name is left out. */
const domainNames = (names: readonly string[]): string[] =>
  names.flatMap((text) => {
    const [, wildcard = '', rest = ''] = /^(\*\.)?(.*)$/.exec(text.trim()) ?? [];
    const name = parseName(rest);
    return name === undefined ? [] : [`${wildcard}${name}`];
  });

interface Place {
  readonly tool: Tool;
  readonly home: string | undefined;
  readonly reader: Reader;
}

type Candidate = () => Promise<FoundAccount | undefined>;

function candidatesIn(bag: Bag, { tool, home, reader }: Place): Candidate[] {
  const { service } = bag;
  const provider = service === undefined ? undefined : providerOf(service, tool);
  if (service !== undefined && provider === undefined)
    return [async () => otherService(bag, service, { tool, home, reader })];
  const types = provider === undefined ? Object.keys(NAMES) : [provider];
  return types.map((type) => () => accountOf(type, NAMES[type]?.[tool], bag, reader));
}

/** Certificates with the same credentials use one account. */
function withoutDoubles(found: readonly FoundAccount[]): FoundAccount[] {
  const accounts = new Map<string, FoundAccount>();
  for (const account of found) {
    const key = JSON.stringify([account.provider, [...account.options].sort(), [...account.secrets].sort()]);
    const known = accounts.get(key);
    accounts.set(key, known ? { ...known, certificates: [...known.certificates, ...account.certificates] } : account);
  }
  return [...accounts.values()];
}

function providerOf(service: string, tool: Tool): string | undefined {
  if (tool === 'acme.sh') return Object.hasOwn(ACMESH_SCRIPTS, service) ? ACMESH_SCRIPTS[service] : undefined;
  const prefix = `${service.toUpperCase()}_`;
  return Object.keys(NAMES).find((type) => {
    const names = Object.values(NAMES[type]?.[tool] ?? {}).flatMap((from) => (typeof from === 'function' ? [] : from));
    return names.some((name) => name.startsWith(prefix));
  });
}

/** @throws E_CONFIG where it is not complete, or has a value that our provider does not take */
async function accountOf(
  type: string,
  names: Names | undefined,
  bag: Bag,
  reader: Reader,
): Promise<FoundAccount | undefined> {
  if (!names) return undefined;
  const get = (name: string) => checked(name, bag);
  const values = new Map(
    Object.entries(names).flatMap(([path, from]): [string, string][] => {
      const value = valueFrom(from, get);
      // A conversion may have decoded what the value did not show.
      return value === undefined ? [] : [[path, plain(path, value, bag)]];
    }),
  );
  const files = new Map(Object.entries(names).flatMap(([path, from]) => fileOf(path, from, bag)));
  const load = providers[type];
  if ((values.size === 0 && files.size === 0) || !load) return undefined;
  const { all } = settingsOf((await load()).default);
  if (!isMeant(all, values, files)) return undefined;
  const missing = all.filter(({ path, required }) => {
    const key = path.join('.');
    return required === 'always' && !values.has(key) && !files.has(key);
  });
  if (missing.length > 0) throw incomplete(type, missing, bag);
  const secrets = new Map<string, string>();
  const options = new Map<string, unknown>();
  for (const { path, isSecret, parse } of all) {
    const key = path.join('.');
    const [value, file] = [values.get(key), files.get(key)];
    if (file !== undefined) options.set(key, isSecret ? { file } : parse(reader.read(file).trim()));
    else if (value !== undefined && isSecret) secrets.set(key, value);
    else if (value !== undefined) options.set(key, parse(value));
  }
  const account = { provider: type, options, secrets, from: bag.from, certificates: bag.certificates ?? [] };
  await checkFound(account);
  return account;
}

/** Environments hold more than credentials. A provider is meant where one of its secrets is there. */
function isMeant(all: readonly Setting[], ...found: readonly ReadonlyMap<string, unknown>[]): boolean {
  const secrets = all.filter(({ isSecret, required }) => isSecret && required === 'always');
  const signs = secrets.length > 0 ? secrets : all.filter(({ required }) => required === 'always');
  return signs.some(({ path }) => found.some((values) => values.has(path.join('.'))));
}

function valueFrom(from: From, get: (name: string) => string | undefined): string | undefined {
  if (typeof from === 'function') return from(get) || undefined;
  return [from].flat().map(get).find(Boolean);
}

function fileOf(path: string, from: From, { files }: Bag): [string, string][] {
  if (typeof from === 'function') return [];
  const file = [from]
    .flat()
    .map((name) => files?.get(name))
    .find(Boolean);
  return file === undefined || !isAbsolute(file) ? [] : [[path, file]];
}

const MAX_VALUE_LENGTH = 4096;

function checked(name: string, bag: Bag): string | undefined {
  const value = bag.values.get(name);
  return value === undefined || KEY_FILES.has(name) ? value : plain(name, value, bag);
}

/** A value as it may go into a config or a secret file. Line feeds and control characters would change what follows. */
function plain(name: string, value: string, { from }: Bag): string {
  if (value.length > MAX_VALUE_LENGTH || /\p{Cc}/u.test(value)) {
    throw new Dns01Error('E_CONFIG', `${from}: ${name} is too long, or has characters that no credential has`);
  }
  return value;
}

function incomplete(type: string, missing: readonly Setting[], { from }: Bag): Dns01Error {
  const names = missing.map(({ path }) => path.join('.')).join(', ');
  return new Dns01Error('E_CONFIG', `${from}: an account of ${type} was found, without ${names}`, {
    hint: `write the config yourself: dns01 providers ${type} shows the options`,
  });
}

/** @throws E_CONFIG naming the option that is wrong, and the file that it comes from */
export async function checkFound({ provider, options, secrets, from }: FoundAccount): Promise<void> {
  const all: Record<string, unknown> = {};
  for (const [path, value] of [...options, ...secrets]) setAt(all, path.split('.'), value);
  const config = {
    ...withoutConfig(),
    file: from,
    placeOf: ([, , ...path]: readonly PropertyKey[]) =>
      `${from}: ${path.length > 0 ? `${path.map(String).join('.')} of ` : ''}${provider}`,
    accounts: { found: { provider, options: all } },
  };
  await validAccount('found', { config });
}

/** A service that only the other tool knows: dns01 runs the tool for it. */
function otherService(bag: Bag, service: string, { tool, home = '', reader }: Place): FoundAccount {
  const { from, certificates = [] } = bag;
  const isAcmeSh = tool === 'acme.sh';
  const script = isAcmeSh ? reader.readIfAny(join(home, 'dnsapi', `${service}.sh`)) : undefined;
  if (isAcmeSh && script === undefined) {
    throw new Dns01Error('E_CONFIG', `${from}: ${join(home, 'dnsapi', service)}.sh is not there`);
  }
  // The words of the script, among which are the names of its variables.
  const used = script && new Set(script.match(/[A-Za-z_]\w*/g));
  const names = [...bag.values.keys()].filter((name) => !name.startsWith('Le_') && (!used || used.has(name)));
  const secrets = new Map(
    names.map((name) => [`env.${isAcmeSh ? name : `LEXICON_${name}`}`, checked(name, bag) ?? '']),
  );
  const options = new Map(Object.entries(isAcmeSh ? { script: service, home } : { service }));
  return { provider: isAcmeSh ? 'acmesh' : 'lexicon', options, secrets, from, certificates };
}
