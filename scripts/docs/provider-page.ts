import { type OptionRow, optionRows } from '../../src/config/option-rows.ts';
import type { ProviderDefinition } from '../../src/provider.ts';

export const GENERATED = '<!-- Made by `npm run docs` from the provider itself. Do not edit. -->';

const SELF_SIGNED =
  'If the certificate of the server is self-signed, `dns01 doctor` shows its fingerprint. Compare it with the one that your browser shows for the server, and put it into the config as `fingerprint`.';

export function providerPage(definition: ProviderDefinition): string {
  const { type, title, docs, rateLimits = [], http, usualDelayMs } = definition;
  const { own, connection } = optionRows(definition);
  return `${GENERATED}

# ${title}

\`\`\`yaml
accounts:
  my-account:
    provider: ${type}
${own
  .filter((row) => isInExample(row, own))
  .map(exampleLine)
  .join('\n')}
\`\`\`

## Options

${table(own)}
${http ? `\nEvery provider with an HTTP API also has these:\n\n${table(connection)}\n\n${SELF_SIGNED}\n` : ''}
Write a secret as the text itself, \`{ env: NAME }\`, \`{ file: PATH }\` or \`{ credential: NAME }\` (systemd's \`LoadCredential\`).

## What it needs

${docs.rights.map((right) => `- ${right}`).join('\n')}

## Requests

| verb | requests |
|---|---|
| add-txt | ${docs.requests.add} |
| remove-txt | ${docs.requests.remove} |
${rateLimits.map(({ requests, windowMs, per }) => `\nAt most ${requests} requests in ${windowMs / 1000} s for each ${per}; dns01 keeps to it across all its processes on a machine.\n`).join('')}${usualDelayMs === undefined ? '' : `\nA change is usually served within ${usualDelayMs / 1000} seconds.\n`}
## What it was tried against

${sentence(docs.tried)}
${docs.notes ? `\n## Good to know\n\n${docs.notes.map((note) => `- ${note}`).join('\n')}\n` : ''}
The provider's documentation: <${docs.url}>
`;
}

/** Required keys; those of a block only if the block itself is required. */
function isInExample({ name, required }: OptionRow, rows: readonly OptionRow[]): boolean {
  const parent = name.slice(0, Math.max(0, name.lastIndexOf('.')));
  return required && (parent === '' || rows.some((row) => row.name === parent && row.required));
}

function exampleLine({ name, form }: OptionRow): string {
  const keys = name.split('.');
  const values: Record<string, string> = {
    secret: ` { file: /etc/dns01/my-account.${keys.at(-1)} }`,
    'block of keys': '',
  };
  const value = values[form] ?? (form.startsWith('list') ? ' […]' : ' …');
  return `${'  '.repeat(keys.length + 1)}${keys.at(-1)}:${value}`;
}

function table(rows: readonly OptionRow[]): string {
  const lines = rows.map(
    ({ name, form, required, description }) => `| \`${name}\` | ${form} | ${required ? 'yes' : ''} | ${description} |`,
  );
  return ['| key | form | required | |', '|---|---|---|---|', ...lines].join('\n');
}

const sentence = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
