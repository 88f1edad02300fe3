import { inputSchema } from '../../src/config/option-rows.ts';
import { configSchema, connectionSchema } from '../../src/config/schema.ts';
import type { ProviderDefinition } from '../../src/provider.ts';

/** The config as JSON Schema, for editors: every provider's own options under `accounts`. */
export function configJsonSchema(definitions: readonly ProviderDefinition[]): string {
  const schema = inputSchema(configSchema);
  const { accounts, ...others } = schema.properties ?? {};
  const whole = {
    ...schema,
    title: 'dns01 config',
    properties: {
      accounts: {
        type: 'object',
        description: accounts?.description,
        additionalProperties: { anyOf: [...definitions.map(accountSchema), thirdParty(definitions)] },
      },
      ...others,
    },
  };
  return `${JSON.stringify(whole, null, 2)}\n`;
}

function accountSchema({ type, title, options, http }: ProviderDefinition): object {
  const { $schema: _, ...own } = inputSchema(options) as ReturnType<typeof inputSchema> & { $schema?: string };
  const connection = http ? inputSchema(connectionSchema).properties : {};
  return {
    ...own,
    title,
    properties: { provider: { const: type }, ...own.properties, ...connection },
    required: ['provider', ...(own.required ?? [])],
  };
}

/** A third party's provider may have any options. */
function thirdParty(definitions: readonly ProviderDefinition[]): object {
  const provider = { type: 'string', not: { enum: definitions.map(({ type }) => type) } };
  return { type: 'object', title: 'a provider of your own', properties: { provider }, required: ['provider'] };
}
