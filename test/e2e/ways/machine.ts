import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { quoted } from '../../../src/cli/client-lines.ts';
import { type Terminal, typeInto } from '../../support/typing.ts';
import { runOrThrow } from '../lab/processes.ts';

/** A copy of this machine. What is changed in it does not change this machine. */
export interface Machine {
  /** The folder that has its files. */
  readonly root: string;
  /** Adds text to a file of it. */
  add(file: string, text: string): Promise<void>;
  /** Puts a new file into the place of one that may be a link. */
  replace(file: string, text: string): Promise<void>;
  /** A line that somebody types there, as root in the home directory. */
  type(line: string): Terminal;
  close(): Promise<void>;
}

/**
 * The process must be in a mount namespace of its own, so that the mounts end with it.
 * @param env of the programs in it
 */
export async function copyMachine(folder: string, env: Readonly<Record<string, string>>): Promise<Machine> {
  const root = join(folder, 'root');
  await mkdir(folder);
  await runOrThrow('mount', ['-t', 'tmpfs', 'tmpfs', folder]);
  for (const part of ['root', 'upper', 'work']) await mkdir(join(folder, part));
  const layers = `lowerdir=/,upperdir=${join(folder, 'upper')},workdir=${join(folder, 'work')}`;
  await runOrThrow('mount', ['-t', 'overlay', '-o', layers, 'overlay', root]);
  for (const part of ['dev', 'proc']) await runOrThrow('mount', ['--rbind', `/${part}`, join(root, part)]);
  return {
    root,
    async add(file, text) {
      await mkdir(dirname(join(root, file)), { recursive: true, mode: 0o700 });
      await appendFile(join(root, file), text, { mode: 0o600 });
    },
    async replace(file, text) {
      await rm(join(root, file), { force: true });
      await writeFile(join(root, file), text);
    },
    type: (line) => typeInto(`exec chroot ${quoted(root)} sh -c ${quoted(`cd /root; ${line}`)}`, env, COLUMNS),
    close: async () => void (await runOrThrow('umount', ['--recursive', '--lazy', folder])),
  };
}

const COLUMNS = 100;
