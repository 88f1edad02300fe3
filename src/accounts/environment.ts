import { resolve } from 'node:path';
import { didYouMean } from '../closest.ts';
import type { Environment } from '../config/find.ts';
import { type Config, withoutConfig } from '../config/load.ts';
import { Dns01Error } from '../errors.ts';
import { loadDefinition } from './definition.ts';
import { type Setting, setAt, settingsOf, type Variable, variableOf } from './environment-settings.ts';
import { readSecretFile } from './secrets.ts';

/** The name of the one account that the environment makes. */
export const ENVIRONMENT_ACCOUNT = 'env';

/** The variables of dns01 that are no options of a provider. DNS01_PROGRAM belongs to the hook file for acme.sh. */
const OTHER_VARIABLES = ['DNS01_PROVIDER', 'DNS01_CONFIG', 'DNS01_STATE_DIR', 'DNS01_LOG_FORMAT', 'DNS01_PROGRAM'];

/** Kubernetes sets these in every container where a service has the name `dns01`. */
const OF_A_SERVICE = /^DNS01_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;

/**
 * A config with one account, from DNS01_PROVIDER and a variable for each of the provider's options: DNS01_API_KEY for
 * `apiKey`, or DNS01_API_KEY_FILE with the path of a file that holds it. Secrets are read when the account is used.
 * @throws E_CONFIG naming the variable
 */
export async function configFromEnvironment(env: Environment): Promise<Config> {
  const provider = env['DNS01_PROVIDER'] ?? '';
  const used = new Map<string, string>();
  const placeOf = (path: readonly PropertyKey[]) => {
    const own = path.slice(2).map(String);
    return own[0] === 'provider' ? 'DNS01_PROVIDER' : (used.get(own.join('.')) ?? variableOf(own));
  };
  const config = (options: Readonly<Record<string, unknown>>): Config => ({
    ...withoutConfig(),
    file: 'the environment',
    placeOf,
    accounts: { [ENVIRONMENT_ACCOUNT]: { provider, options } },
  });
  const definition = await loadDefinition(ENVIRONMENT_ACCOUNT, config({}));
  const settings = settingsOf(definition);
  const hint = `dns01 providers ${definition.type} shows the options`;
  const options: Record<string, unknown> = {};
  for (const [name, text] of variablesIn(env)) {
    const variable = settings.find(name);
    if (!variable) throw unknownVariable(name, [...settings.names, ...OTHER_VARIABLES], hint);
    const key = variable.path.join('.');
    const other = used.get(key);
    if (other !== undefined) throw badVariables(`${other} and ${name} are both set`, 'unset one of them');
    used.set(key, name);
    setAt(options, variable.path, settingValue(name, text, variable));
  }
  const missing = settings.all.filter((setting) => isMissing(setting, used));
  if (missing.length > 0)
    throw badVariables(`not set: ${missing.map(({ path }) => variableOf(path)).join(', ')}`, hint);
  return config(options);
}

/** An empty variable counts as not set, because Compose files pass on variables that are not set as empty ones. */
function variablesIn(env: Environment): [string, string][] {
  return Object.entries(env).flatMap(([name, text]) =>
    !name.startsWith('DNS01_') || !text || OTHER_VARIABLES.includes(name) || isOfService(name, text)
      ? []
      : [[name, text]],
  );
}

const isOfService = (name: string, text: string): boolean =>
  OF_A_SERVICE.test(name) || (name === 'DNS01_PORT' && /^(tcp|udp|sctp):\/\//.test(text));

/** Options of a block count only where the block is required, or where another option of it is set. */
function isMissing({ path, required }: Setting, used: ReadonlyMap<string, string>): boolean {
  if (!required || used.has(path.join('.'))) return false;
  const [block, ...rest] = path;
  return required === 'always' || rest.length === 0 || [...used.keys()].some((key) => key.startsWith(`${block}.`));
}

function settingValue(name: string, text: string, { setting, isFile }: Variable): unknown {
  if (setting.isSecret) return isFile ? { file: resolve(text) } : { env: name };
  const fail = (why: string, hint?: string) => badVariables(`${name}: ${why}`, hint);
  return setting.parse(isFile ? readSecretFile(resolve(text), fail, () => {}) : text);
}

const badVariables = (message: string, hint?: string) =>
  new Dns01Error('E_CONFIG', `the environment: ${message}`, { hint });

function unknownVariable(name: string, known: readonly string[], hint: string): Dns01Error {
  return badVariables(`${name} is not an option`, [didYouMean(name, known), hint].filter(Boolean).join(' '));
}
