// npm run new-provider NAME: the folder, the fake, the test and the registry line of a new provider.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const template = fileURLToPath(new URL('new-provider/template/', import.meta.url));
const root = process.cwd();
const name = process.argv[2] ?? '';

if (!/^[a-z][a-z0-9-]{1,30}$/.test(name))
  fail('usage: npm run new-provider NAME, in lower-case letters, digits and dashes');
if (existsSync(join(root, 'providers', name))) fail(`providers/${name} already exists`);

const pascal = name.replace(/(^|-)(\w)/g, (_, _dash, letter: string) => letter.toUpperCase());
const files: Readonly<Record<string, string>> = {
  'provider.ts': `providers/${name}/index.ts`,
  'fake.ts': `test/fakes/${name}.ts`,
  'contract.test.ts': `test/providers/${name}/contract.test.ts`,
};

for (const [from, to] of Object.entries(files)) {
  const text = await readFile(`${template}${from}.txt`, 'utf8');
  const filled = text.replaceAll('__NAME__', name).replaceAll('__PASCAL__', pascal).replaceAll('__TITLE__', pascal);
  await mkdir(dirname(join(root, to)), { recursive: true });
  await writeFile(join(root, to), filled);
  process.stdout.write(`${to}\n`);
}
await register();
execFileSync('npx', ['biome', 'check', '--write', ...Object.values(files)], {
  cwd: root,
  stdio: 'ignore',
});
execFileSync('npx', ['tsx', 'scripts/docs.ts'], { cwd: root, stdio: 'inherit' });
process.stdout.write(`
The test passes against the fake: npx vitest run test/providers/${name}
Now make the fake speak the real API, and then the provider. See docs/new-provider.md.
`);

/** The registry is in alphabetical order, one provider a line. */
async function register(): Promise<void> {
  const path = join(root, 'providers/index.ts');
  const text = await readFile(path, 'utf8');
  const key = /^[a-z][a-z0-9]*$/.test(name) ? name : `'${name}'`;
  const line = `  ${key}: () => import('./${name}/index.ts'),\n`;
  const lines = text.match(/^ {2}\S+: \(\) => import\(.*\),\n/gm) ?? [];
  const sorted = [...lines, line].sort((a, b) => keyOf(a).localeCompare(keyOf(b))).join('');
  await writeFile(path, text.replace(lines.join(''), sorted));
}

function keyOf(line: string): string {
  return line.trim().replaceAll("'", '');
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(64);
}
