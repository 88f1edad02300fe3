import * as z from 'zod/mini';
import type { ProviderDefinition } from '../provider.ts';
import { connectionSchema } from './schema.ts';

/** One key of an account, as the docs show it. */
export interface OptionRow {
  readonly name: string;
  readonly required: boolean;
  readonly form: string;
  readonly description: string;
}

export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly anyOf?: readonly JsonSchema[] | undefined;
}

/** The JSON Schema of what a user writes. */
export function inputSchema(schema: z.core.$ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
}

export function optionRows({ options, http }: ProviderDefinition): { own: OptionRow[]; connection: OptionRow[] } {
  return { own: rowsOf(inputSchema(options)), connection: http ? rowsOf(inputSchema(connectionSchema)) : [] };
}

function rowsOf({ properties = {}, required = [] }: JsonSchema, prefix = ''): OptionRow[] {
  return Object.entries(properties).flatMap(([key, schema]) => {
    const name = `${prefix}${key}`;
    const isRequired = required.includes(key) && schema.default === undefined;
    const nested = schema.properties ? rowsOf(schema, `${name}.`) : [];
    return [{ name, required: isRequired, form: formOf(schema), description: describe(schema) }, ...nested];
  });
}

function describe({ description = '', default: standard }: JsonSchema): string {
  const isTold = standard === undefined || description.includes('default');
  return isTold ? description : `${description}; default: ${String(standard)}`;
}

/** Whether an option is a `secret`. */
export const isSecretSchema = ({ anyOf = [] }: Pick<JsonSchema, 'anyOf'>): boolean =>
  anyOf.some(({ properties }) => properties && 'credential' in properties);

function formOf({ type, enum: values, items, anyOf }: JsonSchema): string {
  if (isSecretSchema({ anyOf })) return 'secret';
  if (values) return values.map((value) => `\`${value}\``).join(', ');
  if (type === 'array') return `list of ${items ? formOf(items) : 'values'}`;
  if (anyOf) return [...new Set(anyOf.map(formOf))].join(' or ');
  return FORMS[type ?? ''] ?? 'value';
}

const FORMS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'number',
  integer: 'whole number',
  boolean: 'true or false',
  object: 'block of keys',
};
