import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Dns01Error } from '../errors.ts';
import dnsapi from '../hooks/dns_dns01.sh';
import type { Io } from '../output/io.ts';

/** `dns01 hook acme.sh --install [DIR]`: writes the dnsapi file, with the path of this dns01, where acme.sh finds it. */
export async function installAcmeSh(directory: string | undefined, io: Io): Promise<void> {
  const target = directory === undefined ? acmeShDirectory(io.env) : resolve(directory);
  const file = join(target, 'dns_dns01.sh');
  try {
    await mkdir(target, { recursive: true });
    await writeFile(file, dnsapi.replace('__DNS01__', shellSafe(resolve(process.argv[1] ?? 'dns01'))), { mode: 0o755 });
  } catch (error) {
    throw new Dns01Error('E_CONFIG', `${file} cannot be written: ${(error as Error).message}`, {
      hint: 'name a directory that this user may write: dns01 hook acme.sh --install DIR',
    });
  }
  io.stdout(`${file}\n`);
}

/** acme.sh looks in its home and in the dnsapi folder there. */
function acmeShDirectory(env: Io['env']): string {
  const home = env['LE_WORKING_DIR'] || join(homedir(), '.acme.sh');
  if (existsSync(home)) return join(home, 'dnsapi');
  throw new Dns01Error('E_USAGE', `acme.sh is not installed in ${home}`, {
    hint: 'name its home or dnsapi folder: dns01 hook acme.sh --install DIR',
  });
}

/** Escapes a path for double quotes, in the default of an expansion. */
function shellSafe(path: string): string {
  return path.replace(/["\\$`}]/g, '\\$&');
}
