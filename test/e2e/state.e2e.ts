import { afterAll, beforeAll, describe, expect } from 'vitest';
import { openPostgres } from '../../src/state/postgres/state.ts';
import { describeState } from '../state/contract.ts';
import { type Postgres, startPostgres } from './lab/postgres.ts';

let database: Postgres;
beforeAll(async () => {
  database = await startPostgres();
});
afterAll(() => database?.close());

describe('state', () => {
  describeState('PostgreSQL', async () => ({
    open: async () => openPostgres(database.url(), undefined, { warn: (message) => expect.fail(message) }),
    remove: async () => {},
  }));
});
