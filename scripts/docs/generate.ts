import { loadAllProviders } from '../../providers/index.ts';
import type { ProviderDefinition } from '../../src/provider.ts';
import { configJsonSchema } from './config-schema.ts';
import { manPages } from './man-pages.ts';
import { GENERATED, providerPage } from './provider-page.ts';
import { requestTable } from './request-table.ts';

export async function generate(): Promise<Record<string, string>> {
  const definitions = await loadAllProviders();
  const pages = definitions.map((definition) => [`docs/providers/${definition.type}.md`, providerPage(definition)]);
  return {
    ...Object.fromEntries(pages),
    ...manPages(),
    'docs/providers/README.md': overview(definitions),
    'docs/config.schema.json': configJsonSchema(definitions),
  };
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
