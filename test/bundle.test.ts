import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { root } from './support/paths.ts';

interface Metafile {
  readonly inputs: Readonly<Record<string, { readonly imports: readonly Import[] }>>;
  readonly outputs: Readonly<
    Record<string, { readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>> }>
  >;
}
interface Import {
  readonly path: string;
  readonly kind: string;
  readonly external?: boolean;
}

/**
 * What runs on the way of `add-txt --no-wait` at ZoneID: the entry, and what it loads on demand there. Everything else
 * that is imported on demand stays where it is.
 */
const LOADED_ON_THE_WAY = [
  'src/cli/add-txt.ts',
  'providers/zoneid/index.ts',
  'node_modules/undici/lib/dispatcher/agent.js',
  'node_modules/undici/lib/dispatcher/pool.js',
  'node_modules/undici/lib/core/connect.js',
  'node_modules/undici/lib/api/api-request.js',
  'node_modules/write-file-atomic/lib/index.js',
  'node_modules/proper-lockfile/index.js',
];

/** The packages that this way may reach, each with the most bytes that it may bring into the bundle. */
const BUDGET: Readonly<Record<string, number>> = {
  commander: 130_000,
  cosmiconfig: 10_000,
  'env-paths': 5000,
  'graceful-fs': 30_000,
  'p-limit': 10_000,
  'proper-lockfile': 20_000,
  retry: 10_000,
  'signal-exit': 20_000,
  undici: 520_000,
  'write-file-atomic': 18_000,
  yaml: 270_000,
  'yocto-queue': 5000,
  zod: 150_000,
};

async function onTheWay() {
  const { inputs, outputs } = JSON.parse(await readFile(`${root}dist/meta.json`, 'utf8')) as Metafile;
  const seen = new Set<string>();
  const visit = (path: string) => {
    if (seen.has(path) || !inputs[path]) return;
    seen.add(path);
    for (const each of inputs[path].imports) if (each.kind !== 'dynamic-import' && !each.external) visit(each.path);
  };
  visit('bin/dns01.ts');
  for (const path of LOADED_ON_THE_WAY) {
    expect(Object.keys(inputs), `${path} is in the bundle`).toContain(path);
    visit(path);
  }
  return { inputs, seen, outputs };
}

async function packagesOnTheWay(): Promise<Map<string, number>> {
  const { seen, outputs } = await onTheWay();
  const packages = new Map<string, number>();
  for (const path of seen) {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? 'dns01';
    const bytes = outputs['dist/dns01.cjs']?.inputs[path]?.bytesInOutput ?? 0;
    if (bytes > 0) packages.set(name, (packages.get(name) ?? 0) + bytes);
  }
  return packages;
}

it('the way of add-txt reaches only the packages that it needs, within their budget', async () => {
  const { dns01: _, ...packages } = Object.fromEntries(await packagesOnTheWay());
  expect(Object.keys(packages).sort()).toEqual(Object.keys(BUDGET).sort());
  for (const [name, bytes] of Object.entries(packages)) {
    expect(bytes, `${name} has grown`).toBeLessThanOrEqual(BUDGET[name] ?? 0);
  }
});

it('what only a wait in vain and the checks of a name need is not on the way', async () => {
  const { seen } = await onTheWay();
  expect(seen).toContain('src/dns/propagation.ts');
  for (const file of ['doh', 'doh-wait', 'why-late', 'zone-signatures', 'validating', 'extended-errors'])
    expect(seen).not.toContain(`src/dns/${file}.ts`);
});

it('what only a terminal or --verbose needs is not on the way', async () => {
  const { inputs, seen } = await onTheWay();
  for (const name of ['colour', 'json-log', 'progress-line', 'verbose', 'wait-text']) {
    expect(Object.keys(inputs)).toContain(`src/output/${name}.ts`);
    expect(seen).not.toContain(`src/output/${name}.ts`);
  }
});
