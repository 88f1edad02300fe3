import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { checkTrusted, readTrustedFile } from '../config/trusted-file.ts';
import { Dns01Error } from '../errors.ts';
import { makeDirectory } from '../state/files/directory.ts';
import type { Plan } from './plan.ts';

/**
 * Writes the secret files, then the config. A file that is there already is never replaced, except the config by itself
 * with more in it, and only as long as it is the one that the plan was made for. After a failure, the new files are removed.
 * @throws E_CONFIG
 */
export function writePlan({ config, secrets }: Plan): void {
  const written: string[] = [];
  const create = (file: string, text: string) => {
    const descriptor = openSync(file, 'wx', 0o600);
    // Before it is written: a full disk leaves a part of it.
    written.push(file);
    try {
      writeFileSync(descriptor, text);
      // Otherwise a power failure after the rename could leave an empty config.
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  };
  try {
    makeDirectory(dirname(config.file));
    checkTrusted(dirname(config.file), { kind: 'directory' });
    for (const { file, text } of secrets) create(file, `${text}\n`);
    if (config.before === undefined) create(config.file, config.text);
    else replace(config.file, config.before);
  } catch (error) {
    for (const file of written) rmSync(file, { force: true });
    throw failure(error);
  }

  function replace(file: string, before: string): void {
    // Of two that write at the same time, only one can make this file. Where the config is a link, it may lead to
    // another file system, and a rename works only within one.
    const next = `${realpathSync(file)}.new`;
    create(next, config.text);
    const { path, stats, text } = readTrustedFile(file);
    if (text !== before) throw changed(file);
    chownSync(next, stats.uid, stats.gid);
    chmodSync(next, stats.mode & 0o777);
    renameSync(next, path);
  }
}

const changed = (file: string): Dns01Error =>
  new Dns01Error('E_CONFIG', `${file} has changed since it was read, so nothing was written`, {
    hint: 'run the command again',
  });

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
