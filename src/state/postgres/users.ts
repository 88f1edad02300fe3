import * as z from 'zod/mini';
import { type Users, userSchema } from '../users.ts';
import type { Database } from './database.ts';

// A statement that is repeated after a lost answer finds its own user, which no other statement can make again.
const ADD = `insert into dns01_users as u (name, record, changed) values ($1::text, $2::jsonb, clock_timestamp())
  on conflict (name) do update set changed = excluded.changed where u.record = excluded.record
  returning name`;

const nameSchema = z.object({ name: z.string() });

export function openUsers(database: Database): Users {
  return {
    async all() {
      const rows = await database.rows(z.object({ record: userSchema }), {
        text: 'select record from dns01_users order by name',
      });
      return rows.map(({ record }) => record);
    },
    add: async (user) => (await database.rows(nameSchema, { text: ADD, values: [user.name, user] })).length > 0,
    async remove(name) {
      const text = 'delete from dns01_users where name = $1::text returning name';
      return (await database.rows(nameSchema, { text, values: [name] })).length > 0;
    },
    async version() {
      const text = `select count(*) || ' ' || coalesce(max(changed)::text, '') as version from dns01_users`;
      const [row] = await database.rows(z.object({ version: z.string() }), { text });
      return row?.version ?? '';
    },
  };
}
