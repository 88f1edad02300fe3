import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { generate } from '../scripts/docs/generate.ts';
import { readCounted } from './e2e/peers/counted.ts';
import { root } from './support/paths.ts';

it('the generated docs are those of the code (npm run docs makes them anew)', async () => {
  const generated = await generate();
  for (const [path, content] of Object.entries(generated)) {
    expect(await readFile(root + path, 'utf8'), path).toBe(content);
  }
  for (const folder of ['docs/providers/', 'docs/man/']) {
    const pages = (await readdir(root + folder)).map((name) => folder + name);
    expect(
      Object.keys(generated)
        .filter((path) => path.startsWith(folder))
        .sort(),
    ).toEqual(pages.sort());
  }
});

it('docs/commands.md, docs/troubleshooting.md and dns01 --help name every exit code', async () => {
  const commands = await readFile(`${root}docs/commands.md`, 'utf8');
  const troubleshooting = await readFile(`${root}docs/troubleshooting.md`, 'utf8');
  const help = await readFile(`${root}docs/man/dns01.1`, 'utf8');
  const ofErrors = (await readFile(`${root}src/errors.ts`, 'utf8')).matchAll(/\bE_\w+: (\d+)/g);
  for (const code of [...new Set([...ofErrors].map(([, number]) => number)), '129', '130', '143']) {
    expect(commands, `docs/commands.md: ${code}`).toMatch(new RegExp(`^\\| (\\d+, )*${code}(, \\d+)* \\|`, 'm'));
    expect(help, `help: ${code}`).toMatch(new RegExp(`\\b${code}\\b`));
    expect(troubleshooting, `docs/troubleshooting.md: ${code}`).toMatch(
      new RegExp(`^## Exit code.*\\b${code}\\b`, 'm'),
    );
  }
});

/** Only a read can tell whether the value is there already, and how it is stored. The other clients do not read. */
const READS_FIRST = ['digitalocean', 'technitium'];

it('no provider needs more requests than the best of the other clients', () => {
  for (const [provider, { dns01, ...peers }] of Object.entries(readCounted())) {
    if (!dns01) continue;
    const read = READS_FIRST.includes(provider) ? 1 : 0;
    const best = read + Math.min(...Object.values(peers).map((each) => (each ? each.add + each.remove : Infinity)));
    expect(dns01.first.add + dns01.first.remove, provider).toBeLessThanOrEqual(best);
    expect(dns01.later.add + dns01.later.remove, provider).toBeLessThanOrEqual(best);
    expect(dns01.fifty.add + dns01.fifty.remove, provider).toBeLessThanOrEqual(50 * best);
  }
});
