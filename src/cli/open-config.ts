import { type Environment, findConfig, findConfigIfAny } from '../config/find.ts';
import { type Config, loadConfig } from '../config/load.ts';

/**
 * The config of a run: the file, else the account that DNS01_PROVIDER and its options make.
 * @throws E_CONFIG
 */
export async function openConfig(
  named: string | undefined,
  env: Environment,
  warn: (message: string) => void,
): Promise<Config> {
  if (!env['DNS01_PROVIDER']) return loadConfig(findConfig(named, env));
  const file = findConfigIfAny(named, env);
  if (file === undefined) {
    const { configFromEnvironment } = await import('../accounts/environment.ts');
    return configFromEnvironment(env);
  }
  warn(`DNS01_PROVIDER has no effect: the config is ${file}`);
  return loadConfig(file);
}
