// Writes the generated docs. A test fails when they are out of date.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generate } from './docs/generate.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
for (const [path, content] of Object.entries(await generate())) {
  await mkdir(dirname(root + path), { recursive: true });
  await writeFile(root + path, content);
}
