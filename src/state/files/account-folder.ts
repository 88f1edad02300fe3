import { join } from 'node:path';
import { Dns01Error } from '../../errors.ts';
import { makeFolder } from './json.ts';

/** The account's own folder in the state directory. @throws E_CONFIG when there is no state directory */
export async function accountFolder(name: string, stateDirectory: string | undefined): Promise<string> {
  if (stateDirectory === undefined) {
    throw new Dns01Error('E_CONFIG', 'this provider keeps its records in the state directory, and there is none', {
      hint: 'set DNS01_STATE_DIR to a directory that can be written',
    });
  }
  const all = join(stateDirectory, 'accounts');
  const directory = join(all, name);
  try {
    await makeFolder(all);
    await makeFolder(directory);
  } catch (error) {
    throw new Dns01Error('E_CONFIG', `this account's records cannot be kept: ${(error as Error).message}`, {
      hint: 'the state directory and everything in it has to belong to this user',
    });
  }
  return directory;
}
