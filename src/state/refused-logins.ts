import { join } from 'node:path';
import * as z from 'zod/mini';
import { digest } from '../digest.ts';
import { readJson, writeJson } from './files.ts';

/** Milliseconds for which refused credentials are not tried again. */
export const REFUSED_FOR_MS = 300_000;

const refusalSchema = z.object({ at: z.number() });

/**
 * Credentials that a provider refused, for all processes. Panels block an address after some failed logins, and an ACME
 * client calls its hook for every name. Other credentials have an entry of their own.
 */
export interface RefusedLogins {
  /** Milliseconds since these credentials were refused; undefined where they may be tried. */
  age(credentials: string): Promise<number | undefined>;
  remember(credentials: string): Promise<void>;
}

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
