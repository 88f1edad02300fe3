import { providers as registry } from '../../providers/index.ts';
import { didYouMean } from '../closest.ts';
import { type OptionRow, optionRows } from '../config/option-rows.ts';
import { Dns01Error } from '../errors.ts';
import type { Io } from '../output/io.ts';
import type { ProviderDefinition } from '../provider.ts';

/** `dns01 providers` lists all of them; `dns01 providers TYPE` shows options, rights and costs of one. */
export async function providers(type: string | undefined, json: boolean, io: Io): Promise<void> {
  if (type === undefined) {
    const definitions = await Promise.all(Object.values(registry).map(async (load) => (await load()).default));
    if (json) io.stdout(`${JSON.stringify({ ok: true, providers: definitions.map(summary) })}\n`);
    else for (const definition of definitions) io.stdout(`${definition.type.padEnd(12)} ${definition.title}\n`);
    return;
  }
  const definition = await providerNamed(type);
  io.stdout(json ? `${JSON.stringify({ ok: true, ...details(definition) })}\n` : page(definition));
}

/** A provider that ships with dns01. @throws E_USAGE with the list of them */
export async function providerNamed(type: string): Promise<ProviderDefinition> {
  const load = Object.hasOwn(registry, type) ? registry[type] : undefined;
  if (load) return (await load()).default;
  const types = Object.keys(registry);
  const hint = didYouMean(type, types) ?? `there are: ${types.join(', ')}`;
  throw new Dns01Error('E_USAGE', `there is no provider "${type}"`, { hint });
}

const summary = ({ type, title }: ProviderDefinition) => ({ type, title });

function details(definition: ProviderDefinition) {
  const { own, connection } = optionRows(definition);
  return {
    ...summary(definition),
    options: [...own, ...connection],
    docs: definition.docs,
    rateLimits: definition.rateLimits ?? [],
  };
}

function page(definition: ProviderDefinition): string {
  const { docs, options, rateLimits } = details(definition);
  const limit = rateLimits.map(
    ({ requests, windowMs, per }) => `limit     ${requests} requests in ${windowMs / 1000} s for each ${per}`,
  );
  const lines = [
    definition.title,
    '',
    'Options (* needed):',
    ...options.map(optionLine),
    '',
    'It needs:',
    ...docs.rights.map((right) => `  - ${right}`),
    '',
    'Requests:',
    `  add       ${docs.requests.add}`,
    `  remove    ${docs.requests.remove}`,
    ...limit.map((line) => `  ${line}`),
    '',
    `Tried: ${docs.tried}`,
    ...(docs.notes ?? []).map((note) => `  - ${note}`),
    '',
    docs.url,
  ];
  return `${lines.join('\n')}\n`;
}

function optionLine({ name, required, form, description }: OptionRow): string {
  return `  ${required ? '*' : ' '} ${name.padEnd(14)} ${form.replaceAll('`', '')}: ${description}`;
}
