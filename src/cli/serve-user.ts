import * as z from 'zod/mini';
import { isDelegatedZone } from '../challenge/route.ts';
import { findConfig } from '../config/find.ts';
import { type Config, loadConfig } from '../config/load.ts';
import { Dns01Error } from '../errors.ts';
import { newAcmeDnsLogin, newPassword, newTsigSalt } from '../gateway/new-user.ts';
import { madeKey, readMakingSecret } from '../gateway/update/keys.ts';
import { normaliseName } from '../names.ts';
import { openNetworks } from '../networks.ts';
import type { Io } from '../output/io.ts';
import { createLog } from '../output/log.ts';
import { oneColumn } from '../output/text.ts';
import type { State } from '../state/state.ts';
import { type StoredUser, userSchema } from '../state/users.ts';
import { openState } from './open-run.ts';
import { type CommonOptions, noDryRun } from './options.ts';

export interface UserOptions extends CommonOptions {
  /** Domains, separated by commas. */
  readonly names?: string;
  /** The domain of the user's own name, for acme-dns clients. */
  readonly acmeDns?: string;
  /** Make a key for dynamic updates, not a password. */
  readonly tsig?: boolean;
  /** In CIDR notation, separated by commas. */
  readonly networks?: string;
  readonly liveValues?: string;
  readonly requestsPerMinute?: string;
}

/** `dns01 serve user add`: makes a user in the state and prints its login, which nobody can print again. */
export function addUser(name: string, options: UserOptions, io: Io): Promise<void> {
  if (options.dryRun) throw noDryRun('serve user add');
  return withState(options, io, async (state, config) => {
    await refuseTaken(name, state, config);
    const common = { name, ...limitsOf(options), ...networksOf(options) };
    const login = await addLogin(common, options, { state, config, io });
    if (options.json) io.stdout(`${JSON.stringify({ ok: true, action: 'serve user add', ...login })}\n`);
    else
      io.stdout(
        Object.entries(login)
          .map(([key, value]) => `${key}\t${value}\n`)
          .join(''),
      );
  });
}

type Shown = Readonly<Record<string, string>>;
type Common = Omit<StoredUser, 'names' | 'hash' | 'acmeDns' | 'tsigSalt'>;

interface Place {
  readonly state: State;
  readonly config: Config;
  readonly io: Io;
}

async function addLogin(common: Common, { acmeDns, names = '', tsig }: UserOptions, place: Place): Promise<Shown> {
  if (acmeDns !== undefined) return addAcmeDns(common, acmeDns, place);
  const domains = list(names).map(normaliseName);
  if (domains.length === 0) {
    throw new Dns01Error('E_USAGE', 'the user may write nothing', {
      hint: '--names example.com,example.org, or --acme-dns ZONE for an acme-dns client',
    });
  }
  if (tsig) return addKey({ ...common, names: domains }, place);
  const { made, password } = await newPassword();
  await put({ ...common, ...made, names: domains }, place.state);
  return { user: common.name, password };
}

/** @throws E_CONFIG where the config has no secret to make keys from; E_USAGE where the user's name cannot be a key's */
async function addKey(user: StoredUser, { state, config, io }: Place): Promise<Shown> {
  const tsigSalt = newTsigSalt();
  const secret = readMakingSecret({ config, env: io.env, warn: () => {}, keep: io.redactor.keep });
  if (secret === undefined) {
    throw new Dns01Error('E_CONFIG', `${config.file}: serve.update.secret: is missing`, {
      hint: 'keys of users in the state are made from it: openssl rand -base64 32, in a file, and update: { secret: { file: FILE } }',
    });
  }
  const key = madeKey(user.name, tsigSalt, secret);
  if (key?.name !== user.name) {
    throw new Dns01Error('E_USAGE', `${JSON.stringify(user.name)} cannot be the name of a key`, {
      hint: 'a key has a domain name in lower case, e.g. web1 or web1.example.com',
    });
  }
  await put({ ...user, tsigSalt }, state);
  return { key: key.name, algorithm: key.algorithm, secret: key.secret.toString('base64') };
}

async function addAcmeDns(common: Common, domain: string, { state, config }: Place): Promise<Shown> {
  const zone = normaliseName(domain);
  if (!isDelegatedZone(config)(zone)) {
    throw new Dns01Error('E_USAGE', `${zone} is not in a zone that CNAMEs may lead to`, {
      hint: `add to zones: in ${config.file}: ${zone}: { account: NAME, delegated: true }`,
    });
  }
  const { made, password } = await newAcmeDnsLogin(zone);
  await put({ ...common, names: [], acmeDns: made }, state);
  const { subdomain } = made;
  return { username: common.name, password, subdomain, fulldomain: `${subdomain}.${zone}` };
}

async function put(user: StoredUser, state: State): Promise<void> {
  const parsed = z.safeParse(userSchema, user);
  if (!parsed.success) {
    throw new Dns01Error(
      'E_USAGE',
      `${JSON.stringify(user.name)} is not a name for a user, or a limit is not a number from 1`,
      {
        hint: 'a name has at most 64 letters, digits, dots, dashes and underscores; --live-values is at most 1000000, --requests-per-minute 100000',
      },
    );
  }
  if (!(await state.users.add(user))) throw taken(user.name);
}

const taken = (name: string): Dns01Error =>
  new Dns01Error('E_USAGE', `there is a user ${name} already`, {
    hint: `remove it with dns01 serve user remove ${name}, or choose another name`,
  });

/** The config wins on an equal name, so a user in the state would be without effect. */
async function refuseTaken(name: string, state: State, config: Config): Promise<void> {
  if (Object.hasOwn(config.serve?.users ?? {}, name)) {
    throw new Dns01Error('E_USAGE', `the user ${name} is in the config`, { hint: `change it in ${config.file}` });
  }
  if ((await state.users.all()).some((user) => user.name === name)) throw taken(name);
}

/** `dns01 serve user list`: the users of the config and of the state. */
export function listUsers(options: CommonOptions, io: Io): Promise<void> {
  return withState(options, io, async (state, config) => {
    const configured = Object.entries(config.serve?.users ?? {}).map(([name, user]) => ({
      ...user,
      name,
      in: 'config',
    }));
    const known = new Set(configured.map(({ name }) => name));
    const stored = (await state.users.all()).filter(({ name }) => !known.has(name));
    const rows = [...configured, ...stored.map((user) => ({ ...user, in: 'state' }))].map(
      ({ name, names, acmeDns, in: place, ...user }) => ({
        user: name,
        in: place,
        names: [...names, ...(acmeDns ? [`${acmeDns.subdomain}.${acmeDns.zone}`] : [])],
        ...('registered' in user ? { registered: user.registered } : {}),
      }),
    );
    if (options.json) return io.stdout(`${JSON.stringify({ ok: true, action: 'serve user list', users: rows })}\n`);
    for (const row of rows) {
      // Unlike names, a time of the state can be any text.
      const since = row.registered ? `\tregistered ${oneColumn(row.registered)}` : '';
      io.stdout(`${row.user}\t${row.in}\t${row.names.join(',')}${since}\n`);
    }
  });
}

/** `dns01 serve user remove`: the values that the user has published stay until a sweep, or until their lease ends. */
export function removeUser(name: string, options: CommonOptions, io: Io): Promise<void> {
  if (options.dryRun) throw noDryRun('serve user remove');
  return withState(options, io, async (state, config) => {
    if (await state.users.remove(name)) {
      return io.stdout(
        options.json
          ? `${JSON.stringify({ ok: true, action: 'serve user remove', user: name })}\n`
          : `${name}: removed\n`,
      );
    }
    const isConfigured = Object.hasOwn(config.serve?.users ?? {}, name);
    throw new Dns01Error('E_USAGE', `there is no user ${JSON.stringify(name)} that a command or a registration made`, {
      hint: isConfigured ? `it is in ${config.file}: remove it there` : 'dns01 serve user list shows all users',
    });
  });
}

async function withState(
  options: CommonOptions,
  io: Io,
  task: (state: State, config: Config) => Promise<void>,
): Promise<void> {
  const log = await createLog(options, io);
  const config = loadConfig(findConfig(options.config, io.env));
  const state = await openState(config, io, log);
  try {
    await task(state, config);
  } finally {
    await state.close();
  }
}

function limitsOf({ liveValues, requestsPerMinute }: UserOptions): Pick<StoredUser, 'limits'> {
  const limits = {
    ...(liveValues === undefined ? {} : { liveValues: Number(liveValues) }),
    ...(requestsPerMinute === undefined ? {} : { requestsPerMinute: Number(requestsPerMinute) }),
  };
  return Object.keys(limits).length > 0 ? { limits } : {};
}

function networksOf({ networks }: UserOptions): Pick<StoredUser, 'networks'> {
  if (networks === undefined) return {};
  const all = list(networks);
  openNetworks(all, (text, cause) => {
    throw new Dns01Error('E_USAGE', `${JSON.stringify(text)} is not a network`, { hint: '192.0.2.0/24', cause });
  });
  return { networks: all };
}

const list = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
