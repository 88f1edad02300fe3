/** The state in PostgreSQL: the suite of the files, and processes that share one database. */
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { countLeftovers } from '../../src/challenge/sweep.ts';
import { entriesIn } from '../../src/state/journal.ts';
import { openPostgres } from '../../src/state/postgres/state.ts';
import type { State } from '../../src/state/state.ts';
import { type PowerdnsFake, startPowerdnsFake } from '../fakes/powerdns.ts';
import { startZoneidFake, type ZoneidFake } from '../fakes/zoneid.ts';
import { describeState } from '../state/contract.ts';
import { expectFailure, OTHER_VALUE, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { CA_FILE } from '../support/https.ts';
import { bundle } from '../support/paths.ts';
import { freePorts, LOOPBACK } from './lab/addresses.ts';
import { missingPostgres, type Postgres, startPostgres } from './lab/postgres.ts';
import { startServer } from './lab/processes.ts';
import { servesAll, txtValues } from './lab/records.ts';

const missing = missingPostgres();
const NAME = '_acme-challenge.example.com';
/** How many values a sweep finds. A million takes a minute to make alone. */
const ROWS = Number(process.env['DNS01_E2E_ROWS'] ?? 100_000);

const PEAK_MEMORY = fileURLToPath(new URL('../support/peak-memory.cjs', import.meta.url));

describe.skipIf(missing.length > 0)(`the state in PostgreSQL (missing: ${missing.join(', ') || 'nothing'})`, () => {
  let database: Postgres;
  const closers: (() => unknown)[] = [];
  beforeAll(async () => {
    database = await startPostgres();
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  afterAll(() => database?.close());

  const open = (url = database.url()): State =>
    openPostgres(url, undefined, { warn: (message) => expect.fail(message) });

  function opened(url?: string): State {
    const state = open(url);
    closers.push(state.close);
    return state;
  }

  /** A machine: a state directory of its own, and the database that all share. */
  async function machine(accounts: object, zones: object, url = database.url()): Promise<Workplace> {
    const here = await openWorkplace();
    closers.push(here.remove);
    const config = { accounts, zones, dns: { followCnames: false }, state: { postgres: { url } } };
    await here.configure(JSON.stringify(config));
    return here;
  }

  /** The URL of a server that is no PostgreSQL. */
  async function listenAt(server: Server): Promise<string> {
    await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
    closers.push(() => server.close());
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    return `postgres://dns01:correct-horse-battery@${LOOPBACK}:${port}/dns01`;
  }

  async function newDatabase(name: string): Promise<string> {
    await database.sql(`create database ${name}`);
    return name;
  }

  const answers = async () => expect(await opened().journal.find('nothing', '')).toBeUndefined();

  // A block of its own, so that its connections are closed before the database is stopped.
  describe('passes the suite', () => {
    describeState('PostgreSQL', async () => ({ open: async () => open(), remove: async () => {} }));

    // Distributed databases refuse what does not fit into one order (SQLSTATE 40001), and so does this setting.
    describeState('serializable', async () => {
      const name = await newDatabase('serializable');
      await database.sql(`alter database ${name} set default_transaction_isolation = 'serializable'`);
      return { open: async () => open(database.url(name)), remove: async () => {} };
    });
  });

  it('answers over a Unix socket as well', async () => {
    expect(await opened(database.socketUrl).users.all()).toEqual([]);
  });

  it('is reached by TLS, and only where the certificate is for this host and from the CA', async () => {
    const by = (parameters: string) => opened(`${database.url()}?${parameters}`).users.all();
    expect(await by('sslmode=require')).toEqual([]);
    expect(await by(`sslmode=verify-full&sslrootcert=${CA_FILE}`)).toEqual([]);
    await expect(by('sslmode=verify-full')).rejects.toMatchObject({ code: 'E_CONFIG' });
    const other = database.url().replace(LOOPBACK, '127.0.0.2');
    await expect(opened(`${other}?sslmode=verify-full&sslrootcert=${CA_FILE}`).users.all()).rejects.toMatchObject({
      code: 'E_CONFIG',
      message: expect.stringMatching(/127\.0\.0\.2/),
    });
  });

  it('is no server that refuses TLS where the URL asks for it: it gets no login', async () => {
    const seen: Buffer[] = [];
    const server = createServer((socket) => {
      socket
        .on('error', () => {})
        .on('data', (bytes) => {
          seen.push(bytes);
          // "No TLS here", and then a request for the password in the clear.
          socket.write(seen.length === 1 ? 'N' : Buffer.of(0x52, 0, 0, 0, 8, 0, 0, 0, 3));
        });
    });
    const url = `${await listenAt(server)}?sslmode=require`;
    await expect(opened(url).users.all()).rejects.toMatchObject({
      code: 'E_CONFIG',
      message: expect.stringMatching(
        /^the state database \(127\.0\.0\.1:\d+\/dns01\): TLS fails: wrong version number$/,
      ),
    });
    expect(Buffer.concat(seen).toString('latin1')).not.toMatch(/correct-horse|dns01/);
  });

  it('is no server that closes every connection, and the error names it without the password', async () => {
    const server = createServer((socket) => void socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const url = await listenAt(server);
    const here = await machine({ home: { provider: 'embedded', zones: ['example.com'] } }, {}, url);
    const outcome = await here.run(['add-txt', '--no-wait', NAME, VALUE]);
    expectFailure(outcome, 75, /the state database \(127\.0\.0\.1:\d+\/dns01\) does not answer/, /writes nothing/);
    await here.expectNoSecret('correct-horse-battery');
  });

  describe('the tables', () => {
    it('are made once by many processes at their first use', async () => {
      const url = database.url(await newDatabase('many'));
      const states = Array.from({ length: 8 }, () => opened(url));
      const begun = await Promise.all(
        states.map((state, index) =>
          state.journal.begin({ name: 'example.com' as never, value: `${index}`, account: 'a', provider: 'b' }),
        ),
      );
      expect(begun.every(({ wasKnown }) => !wasKnown)).toBe(true);
      expect(await entriesIn(opened(url).journal)).toHaveLength(8);
    });

    it('are made by an administrator where the role may not, with the rights that it needs', async () => {
      const name = await newDatabase('closed');
      await database.sql('create role tenant login');
      const here = await machine(
        { home: { provider: 'embedded', zones: ['example.com'] } },
        {},
        database.url(name, 'tenant'),
      );
      const add = () => here.run(['add-txt', '--no-wait', NAME, VALUE]);
      expectFailure(await add(), 78, /has no tables of dns01, and this role may not make them/, /dns01 state migrate/);
      const urlFile = join(here.directory, 'owner.url');
      await writeFile(urlFile, `${database.url(name)}\n`, { mode: 0o600 });
      const migrated = await here.run(['state', 'migrate', '--url-file', urlFile, '--grant', 'tenant']);
      expect(migrated).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('tenant may use them') });
      expect(await add()).toMatchObject({ code: 0, stderr: '' });
      expect(await here.run(['remove-txt', NAME, VALUE])).toMatchObject({ code: 0, stderr: '' });
      expect((await here.run(['state', 'migrate', '--json'])).stdout).toMatch(/"version":\d+/);
      await here.expectNoSecret('secret-of-tenant', 'secret-of-dns01');
    });

    it('that dns01 state migrate --print shows are the same', async () => {
      const here = await openWorkplace();
      closers.push(here.remove);
      const { stdout } = await here.run(['state', 'migrate', '--print']);
      const name = await newDatabase('printed');
      await database.sql(stdout, name);
      const columns = `select table_name, column_name, data_type from information_schema.columns
        where table_name like 'dns01%' order by 1, 2;`;
      await answers();
      expect(await database.sql(columns, name)).toBe(await database.sql(columns));
      expect(await opened(database.url(name)).users.all()).toEqual([]);
    });

    it('of a newer dns01 are left alone', async () => {
      const name = await newDatabase('newer');
      await opened(database.url(name)).users.all();
      await database.sql('update dns01_schema set version = 1000', name);
      await expect(opened(database.url(name)).users.all()).rejects.toMatchObject({
        code: 'E_CONFIG',
        message: expect.stringContaining('newer dns01'),
      });
    });
  });

  it('a row that something else has written is counted as damaged, and the others are listed', async () => {
    const name = await newDatabase('hostile');
    const { journal } = opened(database.url(name));
    const entry = { name: 'example.com' as never, state: 'published', account: 'a', provider: 'b' } as const;
    for (const value of ['one', 'two']) await journal.record({ ...entry, value });
    await database.sql(`update dns01_journal set name = E'Not a\\nname' where value = 'one'`, name);
    const damaged: string[] = [];
    const listed = await entriesIn(journal, { damaged: (names, place) => damaged.push(...names, place) });
    expect(listed).toMatchObject([{ value: 'two' }]);
    expect(damaged).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), expect.stringContaining('dns01_journal')]);
    await expect(journal.find('example.com', 'one')).rejects.toMatchObject({ code: 'E_PROTOCOL' });
  });

  describe('a provider with a rate limit', () => {
    let zoneid: ZoneidFake;
    let here: Workplace;
    beforeEach(async () => {
      zoneid = await startZoneidFake({ apiKey: 'zone-key-0123456789abcdef', zones: ['example.ee'] });
      const { url, username, apiKey } = zoneid;
      here = await machine(
        { main: { provider: 'zoneid', url, username, apiKey, timeout: 5 } },
        { 'example.ee': 'main' },
      );
      closers.push(zoneid.close);
    });
    const name = (host: number | string) => `_acme-challenge.${host}.example.ee`;
    const add = (host: string) => here.run(['add-txt', '--no-wait', name(host), VALUE]);

    it('gets never more than 60 requests a minute from eight processes', async () => {
      const lines = (process: number) =>
        Array.from({ length: 9 }, (_, index) =>
          JSON.stringify({ action: 'add', name: name(process * 9 + index), value: VALUE }),
        ).join('\n');
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, process) =>
          here.run(['batch', '--no-wait', '--timeout', '20'], { input: lines(process) }),
        ),
      );
      expect(zoneid.server.requests).toHaveLength(60);
      const failures = outcomes
        .flatMap(({ stdout }) => stdout.split('\n'))
        .filter((line) => line.includes('"ok":false'));
      expect(failures).toHaveLength(12);
      for (const line of failures) expect(JSON.parse(line)).toMatchObject({ error: { code: 'E_RATE' } });
      const { journal } = opened();
      expect((await entriesIn(journal)).filter(({ account }) => account === 'main')).toHaveLength(60);
      for (const entry of await entriesIn(journal)) await journal.close(entry.name, entry.value, entry);
      await database.sql('delete from dns01_rate_limits');
    });

    it('is published at by one machine and swept by another', async () => {
      expect(await add('shared')).toMatchObject({ code: 0 });
      const { url, username, apiKey } = zoneid;
      const other = await machine({ main: { provider: 'zoneid', url, username, apiKey } }, { 'example.ee': 'main' });
      const swept = await other.run(['sweep', '--older-than', '0s']);
      expect(swept).toMatchObject({ code: 0, stdout: expect.stringContaining(`removed\t${name('shared')}`) });
      expect(zoneid.held(name('shared'))).toEqual([]);
      expect(await entriesIn(opened().journal)).toEqual([]);
    });

    it('gets no request while the database is away, and the error says so', async () => {
      await database.stop();
      const outcome = await add('away').finally(database.start);
      expectFailure(outcome, 75, /the state database \(127\.0\.0\.1:\d+\/postgres\) does not answer/, /writes nothing/);
      expect(zoneid.server.requests).toEqual([]);
    });

    it('gets no request while the database is silent', async () => {
      await answers();
      database.freeze();
      const outcome = await add('silent').finally(database.thaw);
      expectFailure(outcome, 75, /the state database .* does not answer/, /writes nothing/);
      expect(zoneid.server.requests).toEqual([]);
    });

    it('is written when the database was restarted in the meantime', async () => {
      const adding = here.run(['batch', '--no-wait'], {
        input: Array.from({ length: 40 }, (_, index) =>
          JSON.stringify({ action: 'add', name: name(`r${index}`), value: VALUE }),
        ).join('\n'),
      });
      await expect.poll(() => zoneid.server.requests.length, { timeout: 10_000 }).toBeGreaterThan(3);
      await database.restart(300);
      expect(await adding).toMatchObject({ code: 0 });
      expect(zoneid.server.requests).toHaveLength(40);
      expect((await here.run(['sweep', '--older-than', '0s', '--dry-run'])).stdout.trim().split('\n')).toHaveLength(40);
      await database.sql('delete from dns01_journal; delete from dns01_rate_limits');
    });

    it('may be asked in the state of before the first table, and the password is in no output', async () => {
      const url = database.url(await newDatabase('first'));
      const fresh = await machine(
        { main: { provider: 'zoneid', url: zoneid.url, username: zoneid.username, apiKey: zoneid.apiKey } },
        { 'example.ee': 'main' },
        url,
      );
      expect(await fresh.run(['add-txt', '--verbose', '--no-wait', name('first'), VALUE])).toMatchObject({ code: 0 });
      await fresh.expectNoSecret('secret-of-dns01');
    });
  });

  describe('a provider whose zone only one process may write', () => {
    let powerdns: PowerdnsFake;
    let atRead: (() => void) | undefined;
    let one: Workplace;
    let two: Workplace;
    beforeEach(async () => {
      atRead = undefined;
      powerdns = await startPowerdnsFake({
        afterCall(call) {
          if (!call.startsWith('GET')) return;
          atRead?.();
          atRead = undefined;
        },
      });
      closers.push(powerdns.close);
      const accounts = { pdns: { provider: 'powerdns', url: powerdns.url, apiKey: powerdns.apiKey, timeout: 5 } };
      const zones = { 'example.com': 'pdns' };
      [one, two] = [await machine(accounts, zones), await machine(accounts, zones)];
    });
    const add = (here: Workplace, value: string, onStart?: (pid: number) => void) =>
      here.run(['add-txt', '--no-wait', NAME, value], { onStart: ({ pid = 0 }) => onStart?.(pid) });
    const writes = () => powerdns.server.requests.filter(({ method }) => method !== 'GET');

    it('is not written any more by one that was stopped until another had its lock', async () => {
      let pid = 0;
      const isStopped = new Promise<void>((resolve) => {
        atRead = () => {
          process.kill(pid, 'SIGSTOP');
          resolve();
        };
      });
      const stopped = add(one, VALUE, (started) => {
        pid = started;
      });
      await isStopped;
      // As if the lease were over: it has 30 seconds.
      await database.sql(`update dns01_locks set expires = now() - interval '1 second'`);
      expect(await add(two, OTHER_VALUE)).toMatchObject({ code: 0 });
      expect(writes()).toHaveLength(1);
      process.kill(pid, 'SIGCONT');
      expectFailure(await stopped, 75, /the lock of the zone was lost/, /run it again/);
      expect(writes()).toHaveLength(1);
      expect(powerdns.held(NAME).join()).toContain(OTHER_VALUE);
      expect(powerdns.held(NAME).join()).not.toContain(VALUE);
      expect(await database.sql('select count(*) from dns01_locks where holder is not null')).toBe('0');
    });

    it('is locked for longer than its request may take, and a killed holder leaves nothing but that', async () => {
      const account = { provider: 'powerdns', url: powerdns.url, apiKey: powerdns.apiKey, timeout: 90 };
      const patient = await machine({ pdns: account }, { 'example.com': 'pdns' });
      powerdns.server.inject({ kind: 'hang', call: 'PATCH zone', effect: 'before' });
      let pid = 0;
      const adding = add(patient, VALUE, (started) => {
        pid = started;
      });
      await expect.poll(() => writes().length, { timeout: 5000 }).toBe(1);
      const left = await database.sql(
        'select extract(epoch from expires - clock_timestamp()) from dns01_locks where holder is not null',
      );
      process.kill(pid, 'SIGKILL');
      await adding;
      expect(Number(left)).toBeGreaterThan(90);
      await database.sql('delete from dns01_locks; delete from dns01_journal');
    });

    it('is not written where the database falls silent between the read and the write', async () => {
      const frozen = new Promise<void>((resolve) => {
        atRead = () => {
          database.freeze();
          resolve();
        };
      });
      const outcome = add(one, VALUE);
      await frozen;
      const ended = await outcome.finally(database.thaw);
      expectFailure(ended, 75, /the state database .* does not answer/);
      expect(writes()).toEqual([]);
    });

    it('gets the values of many processes on two machines, each once', async () => {
      const values = Array.from({ length: 8 }, (_, index) => `${VALUE.slice(0, -1)}${index}`);
      const outcomes = await Promise.all(values.map((value, index) => add(index % 2 ? one : two, value)));
      expect(outcomes.map(({ code }) => code)).toEqual(values.map(() => 0));
      const held = powerdns.held(NAME).map((content) => content.replaceAll('"', ''));
      expect(held.filter((value) => values.includes(value)).sort()).toEqual(values);
    });
  });

  it('the name servers of two machines serve a record within a second after a third has published it', async () => {
    const accounts = { home: { provider: 'embedded', zones: ['example.com'] } };
    const url = database.url(await newDatabase('served'));
    const endpoints = await Promise.all(
      (await freePorts(2)).map(async (port) => {
        const here = await machine(accounts, {}, url);
        const endpoint = { host: LOOPBACK, port };
        const close = await startServer({
          name: `nameserver-${port}`,
          command: process.execPath,
          args: [bundle, 'nameserver', '--listen', `${LOOPBACK}:${port}`],
          env: { DNS01_CONFIG: join(here.directory, 'dns01.yaml'), DNS01_STATE_DIR: here.stateDirectory },
          dir: here.directory,
          isReady: () => servesAll(endpoint, ['example.com']),
        });
        closers.push(close);
        return endpoint;
      }),
    );
    const third = await machine(accounts, {}, url);
    const bothShow = async (values: string[]) => {
      const shown = await Promise.all(endpoints.map((endpoint) => txtValues(endpoint, NAME)));
      return shown.every((each) => JSON.stringify(each) === JSON.stringify(values));
    };
    expect(await third.run(['add-txt', '--no-wait', NAME, VALUE])).toMatchObject({ code: 0 });
    await expect.poll(() => bothShow([VALUE]), { timeout: 1000, interval: 50 }).toBe(true);
    // What was served goes on being served while the database is away.
    await database.stop();
    expect(await bothShow([VALUE])).toBe(true);
    await database.start();
    expect(await third.run(['remove-txt', NAME, VALUE])).toMatchObject({ code: 0 });
    await expect.poll(() => bothShow([]), { timeout: 3000, interval: 50 }).toBe(true);
  });

  it('a dry run of a sweep over a million values takes less than a minute and 200 MB', {
    timeout: 180_000,
  }, async () => {
    const name = await newDatabase('million');
    await opened(database.url(name)).users.all();
    await database.sql(
      `insert into dns01_journal (id, name, value, state, account, provider, zone, since, begun)
       select md5(i::text), '_acme-challenge.h' || i || '.example.com', '${VALUE}', 'published', 'home', 'embedded',
         'example.com', now() - interval '2 days' + i * interval '1 millisecond', 1
       from generate_series(1, ${ROWS}) as i; analyze dns01_journal;`,
      name,
    );
    const counted = performance.now();
    expect(await countLeftovers(opened(database.url(name)).journal, 86_400_000)).toBe(ROWS);
    console.log(`a count of ${ROWS} values: ${((performance.now() - counted) / 1000).toFixed(1)} s`);
    const accounts = { home: { provider: 'embedded', zones: ['example.com'] } };
    const here = await machine(accounts, {}, database.url(name));
    const peakFile = join(here.directory, 'peak');
    const env = { NODE_OPTIONS: `--require ${PEAK_MEMORY}`, DNS01_TEST_PEAK_FILE: peakFile };
    const started = performance.now();
    const { code, stdout } = await here.run(['sweep', '--dry-run', '--older-than', '1d'], { env });
    const seconds = (performance.now() - started) / 1000;
    const megabytes = Number(await readFile(peakFile, 'utf8')) / 1024;
    console.log(`a sweep over ${ROWS} values: ${seconds.toFixed(1)} s, ${Math.round(megabytes)} MB`);
    expect(code).toBe(0);
    expect(stdout.match(/\n/g)).toHaveLength(ROWS);
    expect(seconds).toBeLessThan(60);
    expect(megabytes).toBeLessThan(200);
  });
});
