import { inputSchema, isSecretSchema, type JsonSchema } from '../config/option-rows.ts';
import { connectionSchema } from '../config/schema.ts';
import type { ProviderDefinition } from '../provider.ts';

/** One option of a provider, as an environment variable. */
export interface Setting {
  /** Where the value goes among the options of the account. */
  readonly path: readonly string[];
  readonly isSecret: boolean;
  /** `in-block`: only where its block is there. */
  readonly required: 'always' | 'in-block' | undefined;
  /** The text of the variable in the form of the option; any other text stays for the schema to refuse. */
  parse(text: string): unknown;
}

/** A variable of the environment, and the option that it sets. */
export interface Variable {
  readonly setting: Setting;
  readonly path: readonly string[];
  /** It has the path of a file with the value. */
  readonly isFile: boolean;
}

export interface Settings {
  readonly all: readonly Setting[];
  /** The names that variables may have, for suggestions. */
  readonly names: readonly string[];
  find(name: string): Variable | undefined;
}

/** Puts a value among the options of an account. */
export function setAt(
  options: Record<string, unknown>,
  [first = '', ...rest]: readonly string[],
  value: unknown,
): void {
  if (rest.length === 0) {
    options[first] = value;
    return;
  }
  const block = (options[first] ?? {}) as Record<string, unknown>;
  setAt(block, rest, value);
  options[first] = block;
}

/** The variable for an option: DNS01_API_KEY for `apiKey`, DNS01_TSIG_NAME for `tsig.name`. */
export const variableOf = (path: readonly string[]): string => ['DNS01', ...path.map(upperSnake)].join('_');

const upperSnake = (key: string): string =>
  key
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .replace(/\W/g, '_')
    .toUpperCase();

/** The options of a provider and of its connection, by the provider's own schema. */
export function settingsOf({ options, http }: ProviderDefinition): Settings {
  const schemas = [inputSchema(options), ...(http ? [inputSchema(connectionSchema)] : [])];
  const { all, blocks } = schemas.map((schema) => settingsIn(schema)).reduce(joined, NONE);
  const byName = new Map(all.map((setting) => [variableOf(setting.path), setting]));
  return {
    all,
    names: [...byName.keys()].flatMap((name) => [name, `${name}_FILE`]),
    find(name) {
      const setting = byName.get(name);
      if (setting) return { setting, path: setting.path, isFile: false };
      const ofFile = byName.get(name.replace(/_FILE$/, ''));
      if (ofFile) return { setting: ofFile, path: ofFile.path, isFile: true };
      const block = blocks.find(({ path }) => name.startsWith(`${variableOf(path)}_`));
      if (!block) return undefined;
      // What follows is the name of a variable of another program, and stays as it is.
      return { setting: block, path: [...block.path, name.slice(variableOf(block.path).length + 1)], isFile: false };
    },
  };
}

interface Found {
  readonly all: readonly Setting[];
  /** Blocks whose keys are free. */
  readonly blocks: readonly Setting[];
}

const NONE: Found = { all: [], blocks: [] };
const joined = (one: Found, other: Found): Found => ({
  all: [...one.all, ...other.all],
  blocks: [...one.blocks, ...other.blocks],
});

function settingsIn({ properties = {}, required = [] }: JsonSchema, above?: Block): Found {
  return Object.entries(properties)
    .map(([key, schema]): Found => {
      const path = [...(above?.path ?? []), key];
      const isRequired = required.includes(key) && schema.default === undefined;
      const isAlways = isRequired && (above?.isAlways ?? true);
      if (schema.properties) return settingsIn(schema, { path, isAlways });
      const entries = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
      const setting: Setting = {
        path,
        isSecret: isSecretSchema(entries ?? schema),
        required: isAlways ? 'always' : isRequired ? 'in-block' : undefined,
        parse: (text) => parseAs(entries ?? schema, text),
      };
      return entries ? { all: [], blocks: [setting] } : { all: [setting], blocks: [] };
    })
    .reduce(joined, NONE);
}

interface Block {
  readonly path: readonly string[];
  readonly isAlways: boolean;
}

function parseAs(schema: JsonSchema, text: string): unknown {
  const types = new Set([schema, ...(schema.anyOf ?? [])].map(({ type }) => type));
  if (types.has('string')) return text;
  if (types.has('array')) return text.split(',').map((item) => parseAs(schema.items ?? {}, item.trim()));
  if (types.has('boolean') && /^(true|false)$/.test(text)) return text === 'true';
  const isNumber = types.has('number') || types.has('integer');
  return isNumber && /^\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : text;
}
