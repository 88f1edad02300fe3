import { join } from 'node:path';
import * as z from 'zod/mini';
import { digest } from '../../digest.ts';
import { REFUSED_FOR_MS, type RefusedLogins } from '../refused-logins.ts';
import { readJson, writeJson } from './json.ts';

const refusalSchema = z.object({ at: z.number() });

/** Errors of reading and writing are ignored: the refusal is then not remembered. */
export function openRefusedLogins(stateDirectory: string | undefined): RefusedLogins {
  if (stateDirectory === undefined) return { age: async () => undefined, remember: nothing };
  const fileOf = (credentials: string) => join(stateDirectory, 'refused', `${digest(credentials)}.json`);
  return {
    async age(credentials) {
      const refused = await readJson(fileOf(credentials), refusalSchema).catch(() => undefined);
      const age = refused ? Date.now() - refused.at : REFUSED_FOR_MS;
      // A time in the future was written before the clock was set back.
      return age >= 0 && age < REFUSED_FOR_MS ? age : undefined;
    },
    remember: (credentials) => writeJson(fileOf(credentials), { at: Date.now() }).catch(nothing),
  };
}

const nothing = async (): Promise<undefined> => undefined;
