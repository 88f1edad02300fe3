import { afterEach, beforeEach, expect, it } from 'vitest';
import { expectFailure, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';

const PASSWORD = 'correct-horse-battery';

let here: Workplace;
beforeEach(async () => {
  here = await openWorkplace();
});
afterEach(() => here.remove());

const configure = (url: string) =>
  here.configure(
    JSON.stringify({
      accounts: { home: { provider: 'embedded', zones: ['example.com'] } },
      dns: { followCnames: false },
      state: { postgres: { url } },
    }),
  );
const add = ['add-txt', '--no-wait', '_acme-challenge.example.com', VALUE];

it('config names the database only by the place of its URL', async () => {
  await configure(`postgres://dns01:${PASSWORD}@db.example.com/dns01`);
  expect((await here.run(['config'])).stdout).toContain('url: (hidden)');
  await here.expectNoSecret(PASSWORD);
});

it('a URL that cannot be used is an error of the config, without the URL', async () => {
  await configure(`mysql://dns01:${PASSWORD}@db.example.com/dns01`);
  expectFailure(
    await here.run(add),
    78,
    /state\.postgres\.url: it does not begin with postgres:\/\//,
    /postgres:\/\/USER/,
  );
  await here.expectNoSecret(PASSWORD);
});

it('state migrate prints the tables without a config, with the rights of a role', async () => {
  const { code, stdout, stderr } = await here.run(['state', 'migrate', '--print', '--grant', 'web']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^begin;\n/);
  expect(stdout).toContain('create table dns01_journal (\n  id text primary key,');
  expect(stdout).toMatch(/grant select, insert, update, delete on dns01_schema, .* to "web";\ncommit;\n$/);
});

it('state migrate takes only a name as a role, and needs a database', async () => {
  expectFailure(await here.run(['state', 'migrate', '--print', '--grant', 'a" to public; --']), 64, /name of a role/);
  await here.configure('accounts: { home: { provider: embedded, zones: [example.com] } }\n');
  expectFailure(await here.run(['state', 'migrate']), 78, /state\.postgres\.url: is missing/, /state: \{ postgres/);
});
