import * as z from 'zod/mini';
import { type Users, userSchema } from '../users.ts';
import type { Database } from './database.ts';

const PUT = `insert into dns01_users (name, record, changed) values ($1::text, $2::jsonb, clock_timestamp())
  on conflict (name) do update set record = excluded.record, changed = excluded.changed`;

export function openUsers(database: Database): Users {
  return {
    async all() {
      const rows = await database.rows(z.object({ record: userSchema }), {
        text: 'select record from dns01_users order by name',
      });
      return rows.map(({ record }) => record);
    },
    put: (user) => database.run({ text: PUT, values: [user.name, user] }),
    async remove(name) {
      const text = 'delete from dns01_users where name = $1::text returning name';
      return (await database.rows(z.object({ name: z.string() }), { text, values: [name] })).length > 0;
    },
    async version() {
      const text = `select count(*) || ' ' || coalesce(max(changed)::text, '') as version from dns01_users`;
      const [row] = await database.rows(z.object({ version: z.string() }), { text });
      return row?.version ?? '';
    },
  };
}
