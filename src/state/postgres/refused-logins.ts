import * as z from 'zod/mini';
import { digest } from '../../digest.ts';
import { REFUSED_FOR_MS, type RefusedLogins } from '../refused-logins.ts';
import type { Database } from './database.ts';

const AGE = `select (extract(epoch from clock_timestamp() - refused) * 1000)::double precision as age
  from dns01_refused where id = $1::text`;

const STORE = `insert into dns01_refused (id, refused) values ($1::text, clock_timestamp())
  on conflict (id) do update set refused = excluded.refused`;

export function openRefusedLogins(database: Database): RefusedLogins {
  return {
    async age(credentials) {
      const [row] = await database.rows(z.object({ age: z.number() }), { text: AGE, values: [digest(credentials)] });
      return row !== undefined && row.age >= 0 && row.age < REFUSED_FOR_MS ? row.age : undefined;
    },
    remember: (credentials) => database.run({ text: STORE, values: [digest(credentials)] }).catch(() => {}),
  };
}
