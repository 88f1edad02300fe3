import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadAllProviders } from '../../providers/index.ts';
import type { ProviderDefinition } from '../../src/provider.ts';
import { withCharts } from '../bench/charts.ts';
import { configJsonSchema } from './config-schema.ts';
import { manPages } from './man-pages.ts';
import { messagesPage } from './messages-page.ts';
import { GENERATED, providerPage } from './provider-page.ts';
import { requestTable } from './request-table.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export async function generate(): Promise<Record<string, string>> {
  const definitions = await loadAllProviders();
  const pages = definitions.map((definition) => [`docs/providers/${definition.type}.md`, providerPage(definition)]);
  const man = manPages();
  const benchmarks = withCharts(readFileSync(`${root}docs/benchmarks.md`, 'utf8'));
  return {
    ...Object.fromEntries(pages),
    ...man,
    'package.json': packageJson(Object.keys(man).sort()),
    'docs/providers/README.md': overview(definitions),
    'docs/benchmarks.md': benchmarks.page,
    ...Object.fromEntries(Object.entries(benchmarks.pictures).map(([file, picture]) => [`docs/${file}`, picture])),
    'docs/messages.md': messagesPage(root, definitions),
    'docs/config.schema.json': configJsonSchema(definitions),
  };
}

/** npm installs the man pages that this file lists (npm's package.json, "man"). */
function packageJson(man: readonly string[]): string {
  const text = readFileSync(`${root}package.json`, 'utf8');
  return `${JSON.stringify({ ...JSON.parse(text), man }, null, 2)}\n`;
}

function overview(definitions: readonly ProviderDefinition[]): string {
  const rows = definitions.map(({ type, title, docs }) => {
    const cells = [`[${title}](${type}.md)`, `\`${type}\``, docs.requests.add, docs.requests.remove, docs.tried];
    return `| ${cells.join(' | ')} |`;
  });
  return `${GENERATED}

# Providers

Each page says what to set up at the provider, which options there are, and what to know before you rely on it.

| provider | \`provider:\` | what it needs | requests to add | requests to remove | what it was tried against |
|---|---|---|---|---|---|
${rows.join('\n')}

${requestTable(definitions)}
`;
}
