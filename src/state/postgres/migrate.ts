import { setTimeout as delay } from 'node:timers/promises';
import type postgres from 'postgres';
import * as z from 'zod/mini';
import { Dns01Error } from '../../errors.ts';
import { codeIn, isConflict, isMissingRight, isMissingTable, noTables } from './failure.ts';
import { BEGIN_SCHEMA, STEPS, VERSION } from './schema.ts';

/** What two processes get that make the same table at the same moment: unique violation, duplicate table, changed tuple. */
const SIMULTANEOUS = new Set(['23505', '42P07', 'XX000']);

const MAX_ATTEMPTS = 20;

const versionSchema = z.tuple([z.object({ version: z.int() })]);

/**
 * Makes the tables, or brings them to this version, where the role may.
 * @throws E_CONFIG where it may not, and where a newer dns01 made them
 */
export async function prepareSchema(sql: postgres.Sql, shown: string): Promise<void> {
  const version = await versionIn(sql);
  if (version === VERSION) return;
  if (version > VERSION) throw tooNew(shown);
  try {
    await migrate(sql, shown);
  } catch (error) {
    throw isMissingRight(error) ? noTables(shown, error) : error;
  }
}

/** Makes or changes the tables. Several processes may do this at the same time. @throws what the database throws */
export async function migrate(sql: postgres.Sql, shown: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await sql.begin(async (transaction) => {
        for (const statement of BEGIN_SCHEMA) await transaction.unsafe(statement);
        const [{ version }] = z.parse(
          versionSchema,
          await transaction.unsafe('select version from dns01_schema where id = 1 for update'),
        );
        if (version > VERSION) throw tooNew(shown);
        for (const statement of STEPS.slice(version).flat()) await transaction.unsafe(statement);
        await transaction.unsafe(`update dns01_schema set version = ${VERSION} where id = 1`);
      });
    } catch (error) {
      const isSimultaneous = SIMULTANEOUS.has(codeIn(error)) || isConflict(error);
      if (!isSimultaneous || attempt === MAX_ATTEMPTS) throw error;
      await delay(20 * (0.5 + Math.random()));
    }
  }
}

async function versionIn(sql: postgres.Sql): Promise<number> {
  try {
    const rows = await sql.unsafe('select version from dns01_schema where id = 1');
    return rows.length === 0 ? 0 : z.parse(versionSchema, rows)[0].version;
  } catch (error) {
    if (isMissingTable(error)) return 0;
    throw error;
  }
}

function tooNew(shown: string): Dns01Error {
  return new Dns01Error('E_CONFIG', `the tables in the state database (${shown}) are of a newer dns01`, {
    hint: 'update dns01 on this machine',
  });
}
