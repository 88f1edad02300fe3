import { inputSchema, isSecretSchema } from '../../src/config/option-rows.ts';
import { configSchema, connectionSchema } from '../../src/config/schema.ts';
import type { ProviderDefinition } from '../../src/provider.ts';
import { secret } from '../../src/toolbox/options.ts';

/** The config as JSON Schema, for editors: every provider's own options under `accounts`. */
export function configJsonSchema(definitions: readonly ProviderDefinition[]): string {
  const schema = inputSchema(configSchema);
  const { accounts, ...others } = schema.properties ?? {};
  const whole = {
    ...schema,
    title: 'dns01 config',
    $defs: DEFINITIONS,
    properties: withReferences({
      accounts: {
        type: 'object',
        description: accounts?.description,
        additionalProperties: { anyOf: [...definitions.map(accountSchema), thirdParty(definitions)] },
      },
      ...others,
    }),
  };
  return `${JSON.stringify(whole, null, 2)}\n`;
}

/** The keys that every HTTP provider has. */
const CONNECTION = inputSchema(connectionSchema).properties ?? {};
const SECRET = inputSchema(secret('')).anyOf;
/** What nearly every account repeats. Written out at each of them, it would be three quarters of the file. */
const DEFINITIONS = { secret: { anyOf: SECRET }, ...CONNECTION };

function withReferences(schema: object): object {
  return JSON.parse(JSON.stringify(schema), (_, value) => {
    if (typeof value !== 'object' || value === null || !isSecretSchema(value)) return value;
    const { anyOf: _sources, ...rest } = value;
    return { ...rest, $ref: '#/$defs/secret' };
  });
}

function accountSchema({ type, title, options, http }: ProviderDefinition): object {
  const { $schema: _, ...own } = inputSchema(options) as ReturnType<typeof inputSchema> & { $schema?: string };
  const connection = http ? Object.keys(CONNECTION).map((key) => [key, { $ref: `#/$defs/${key}` }]) : [];
  return {
    ...own,
    title,
    properties: { provider: { const: type }, ...own.properties, ...Object.fromEntries(connection) },
    required: ['provider', ...(own.required ?? [])],
  };
}

/** A third party's provider may have any options. */
function thirdParty(definitions: readonly ProviderDefinition[]): object {
  const provider = { type: 'string', not: { enum: definitions.map(({ type }) => type) } };
  return { type: 'object', title: 'a provider of your own', properties: { provider }, required: ['provider'] };
}
