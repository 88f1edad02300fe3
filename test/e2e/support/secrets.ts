import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';

/** Fails where one of the secrets stands in a text, as it is or as HTTP carries it. */
export function expectNoSecretIn(texts: readonly string[], secrets: readonly string[]): void {
  const everything = texts.join('\n');
  for (const secret of secrets) {
    expect(everything).not.toContain(secret);
    expect(everything).not.toContain(JSON.stringify(secret).slice(1, -1));
    expect(everything).not.toContain(Buffer.from(secret).toString('base64'));
  }
}

/** The contents of all files below a directory; of none where there is no such directory. */
export async function textsBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  return Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), 'utf8')));
}
