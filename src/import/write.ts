import { closeSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { checkTrusted } from '../config/trusted-file.ts';
import { Dns01Error } from '../errors.ts';
import { makeDirectory } from '../state/files/directory.ts';
import type { Plan } from './plan.ts';

/**
 * Writes the secret files, then the config. A file that is there already is never replaced, except the config by itself
 * with more in it. After a failure, the new secret files are removed.
 * @throws E_CONFIG
 */
export async function writePlan({ config, secrets }: Plan): Promise<void> {
  const written: string[] = [];
  const create = (file: string, text: string) => {
    const descriptor = openSync(file, 'wx', 0o600);
    // Before it is written: a full disk leaves a part of it.
    written.push(file);
    try {
      writeFileSync(descriptor, text);
    } finally {
      closeSync(descriptor);
    }
  };
  try {
    makeDirectory(dirname(config.file));
    checkTrusted(dirname(config.file), { kind: 'directory' });
    for (const { file, text } of secrets) create(file, `${text}\n`);
    if (config.isNew) create(config.file, config.text);
    else {
      const { default: writeFileAtomic } = await import('write-file-atomic');
      await writeFileAtomic(config.file, config.text, { mode: statSync(config.file).mode & 0o777 });
    }
  } catch (error) {
    for (const file of written) rmSync(file, { force: true });
    throw failure(error);
  }
}

function failure(error: unknown): unknown {
  const { code, path, message } = error as NodeJS.ErrnoException;
  if (error instanceof Dns01Error) return error;
  if (code === 'EEXIST') {
    return new Dns01Error('E_CONFIG', `${path} is there already, so nothing was written`, {
      hint: 'move it away, or use another directory: --config FILE',
    });
  }
  return new Dns01Error('E_CONFIG', `nothing was written: ${message}`, {
    hint: 'run it as a user who may write there, or name a config of your own: --config FILE',
  });
}
