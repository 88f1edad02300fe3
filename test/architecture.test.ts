import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './support/paths.ts';

/** The folders of src in the order in which they may import: each only from those after it. */
const LAYERS = [
  'cli',
  'import',
  'hooks',
  'gateway',
  'check',
  'challenge',
  'accounts',
  'dns',
  'state',
  'http',
  'process',
  'config',
  'output',
];

async function sources(folder: string): Promise<string[]> {
  const files = await readdir(join(root, folder), { recursive: true });
  return files.filter((file) => /(?<!\.d)\.ts$/.test(file)).map((file) => join(folder, file));
}

async function importsOf(file: string): Promise<{ path: string; types: boolean }[]> {
  const text = await readFile(join(root, file), 'utf8');
  const found = text.matchAll(
    /^(?:import|export)\s+(type\s)?[^;]*?from '([^']+)';|^import '([^']+)';|\bimport\('([^']+)'\)/gm,
  );
  return [...found].map(([, types, from, bare, dynamic]) => {
    const path = from ?? bare ?? dynamic ?? '';
    return {
      path: path.startsWith('.') ? relative(root, join(root, dirname(file), path)) : path,
      types: types !== undefined,
    };
  });
}

const providers = await readdir(join(root, 'providers'), { withFileTypes: true });

describe.each(providers.filter((entry) => entry.isDirectory()).map(({ name }) => name))('the provider %s', (name) => {
  it('imports the contract, the errors, packages and its own folder, nothing else', async () => {
    for (const file of await sources(`providers/${name}`)) {
      for (const { path } of await importsOf(file)) {
        const isOwn = path.startsWith(`providers/${name}/`);
        const isContract = path === 'src/provider.ts' || path === 'src/errors.ts';
        // The panel's records are PowerDNS's.
        const isBuiltOn = name === 'olspanel' && path === 'providers/powerdns/index.ts';
        // They speak DNS themselves: messages, signatures and framing are coded in one place, which no start-up of others needs.
        const isWire = ['rfc2136', 'embedded'].includes(name) && /^src\/dns\/wire[^/]*\.ts$/.test(path);
        const isPackage = !path.startsWith('src/') && !path.startsWith('providers/') && !path.startsWith('test/');
        expect(isOwn || isContract || isBuiltOn || isWire || isPackage, `${file} imports ${path}`).toBe(true);
      }
    }
  });
});

it('the folders of src import one way', async () => {
  for (const file of await sources('src')) {
    const layer = LAYERS.indexOf(file.split('/')[1] ?? '');
    for (const { path, types } of await importsOf(file)) {
      const target = LAYERS.indexOf(/^src\/([^/]+)\//.exec(path)?.[1] ?? '');
      if (layer < 0 || target < 0 || types) continue;
      expect(target, `${file} imports ${path}`).toBeGreaterThanOrEqual(layer);
    }
  }
});

it('the command line knows no provider but the embedded one, which it serves', async () => {
  for (const file of await sources('src/cli')) {
    for (const { path } of await importsOf(file)) {
      const provider = /^providers\/([^/]+)\//.exec(path)?.[1];
      expect([undefined, 'embedded'], `${file} imports ${path}`).toContain(provider);
    }
  }
});
