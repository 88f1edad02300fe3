import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digest } from '../../digest.ts';
import { Dns01Error } from '../../errors.ts';
import { type Users, userSchema } from '../users.ts';
import { codeOf, createJson, readAllJson } from './json.ts';

/** Each user has a file, so that commands and nodes never wait for each other. */
export function openUsers(stateDirectory: string | undefined): Users {
  const directory = join(stateDirectory ?? '', 'users');
  const fileOf = (name: string) => join(directory, `${digest(name)}.json`);
  if (stateDirectory === undefined) {
    return { all: async () => [], add: noPlace, remove: noPlace, version: async () => '' };
  }
  return {
    all: async () => (await readAllJson(directory, userSchema)).contents,
    add: (user) => createJson(fileOf(user.name), user),
    async remove(name) {
      return rm(fileOf(name)).then(
        () => true,
        (error: unknown) => {
          if (codeOf(error) === 'ENOENT') return false;
          throw error;
        },
      );
    },
    async version() {
      const found = await stat(directory, { bigint: true }).catch((error: unknown) => {
        if (codeOf(error) === 'ENOENT') return undefined;
        throw error;
      });
      return String(found?.mtimeNs ?? '');
    },
  };
}

async function noPlace(): Promise<never> {
  throw new Dns01Error('E_CONFIG', 'users are kept in the state directory, and there is none', {
    hint: 'set DNS01_STATE_DIR to a directory that can be written',
  });
}
