import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundle } from '../../support/paths.ts';

/** Two shell lines that certbot runs; it looks for the first word of each as a program. */
export interface Hooks {
  readonly auth: string;
  readonly cleanup: string;
}

const DNS01 = `${process.execPath} '${bundle}'`;

/** As the documentation has them. */
export const OUR_HOOKS: Hooks = { auth: `${DNS01} hook certbot auth`, cleanup: `${DNS01} hook certbot cleanup` };

/** Hooks that come back as soon as the provider has the value. */
export async function hooksWithoutWait(directory: string): Promise<Hooks> {
  const [auth, cleanup] = await Promise.all([
    writeScript(join(directory, 'add.sh'), 'add-txt --no-wait'),
    writeScript(join(directory, 'remove.sh'), 'remove-txt'),
  ]);
  return { auth, cleanup };
}

async function writeScript(file: string, verb: string): Promise<string> {
  const line = `exec ${DNS01} ${verb} "_acme-challenge.$CERTBOT_DOMAIN" "$CERTBOT_VALIDATION"`;
  await writeFile(file, `#!/bin/sh\n${line}\n`);
  await chmod(file, 0o755);
  return file;
}
