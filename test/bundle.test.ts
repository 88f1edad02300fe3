import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { runInThisContext } from 'node:vm';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { withoutUnusedParts } from '../scripts/unused-parts.mjs';
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
  commander: 46_000,
  cosmiconfig: 5000,
  'env-paths': 2000,
  'graceful-fs': 13_000,
  'p-limit': 2000,
  'proper-lockfile': 7000,
  retry: 5000,
  'signal-exit': 4000,
  undici: 200_000,
  'write-file-atomic': 7500,
  yaml: 130_000,
  'yocto-queue': 1000,
  zod: 75_000,
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

it('the licence of every package is beside the bundle that holds its code', async () => {
  const licences = await readFile(`${root}dist/dns01.cjs.LEGAL.txt`, 'utf8');
  for (const name of [...Object.keys(BUDGET), 'prom-client', 'postgres', '@clack/prompts', 'pino', 'tldts'])
    expect(licences).toMatch(new RegExp(`^${name} \\d`, 'm'));
  expect(licences).toMatch(/^ {2}Copyright \(c\) Matteo Collina and Undici contributors$/m);
  expect(licences.match(/Permission is hereby granted/g)?.length).toBeGreaterThan(0);
});

it('what only a wait in vain and the checks of a name need is not on the way', async () => {
  const { seen } = await onTheWay();
  expect(seen).toContain('src/dns/propagation.ts');
  for (const file of ['doh', 'doh-wait', 'why-late', 'zone-signatures', 'validating', 'extended-errors'])
    expect(seen).not.toContain(`src/dns/${file}.ts`);
});

it('what only a terminal or --verbose needs is not on the way', async () => {
  const { inputs, seen } = await onTheWay();
  for (const name of ['colour', 'json-log', 'progress-line', 'terminal-text', 'verbose', 'wait-text']) {
    expect(Object.keys(inputs)).toContain(`src/output/${name}.ts`);
    expect(seen).not.toContain(`src/output/${name}.ts`);
  }
});

it('a part of a library that the build leaves out says so where it is used, and the rest works', async () => {
  const use = `const { Counter, Registry, Summary } = require('prom-client');
    const registers = [new Registry()];
    new Counter({ name: 'a', help: 'a', registers }).inc(2);
    exports.metrics = registers[0].metrics();
    exports.useSummary = () => new Summary({ name: 'b', help: 'b', registers });
    exports.isSummary = registers[0] instanceof Summary;`;
  const { outputFiles } = await build({
    stdin: { contents: use, resolveDir: root },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
    plugins: [withoutUnusedParts({ all: false })],
  });
  const made: { metrics?: Promise<string>; useSummary?: () => void; isSummary?: boolean } = {};
  runInThisContext(`(exports, require) => {${outputFiles[0]?.text}}`)(made, createRequire(import.meta.url));
  expect(await made.metrics).toContain('\na 2\n');
  expect(made.isSummary).toBe(false);
  expect(made.useSummary).toThrow('the build has left out this part of a library: prom-client/lib/summary.js');
});
