import { randomBytes } from 'node:crypto';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createUpdates, type UpdateOptions } from '../../providers/rfc2136/index.ts';
import { ALGORITHMS } from '../../src/dns/wire-tsig.ts';
import { type Dns01Error, isDns01Error } from '../../src/errors.ts';
import { normaliseName } from '../../src/names.ts';
import type { TxtChange, TxtOutcome } from '../../src/provider.ts';
import { describeContract } from '../contract.ts';
import { createTestContext } from '../support/context.ts';
import { type SearchedRecord, type SearchingProvider, searching } from '../support/searching.ts';
import { type Endpoint, freePorts, LOOPBACK } from './lab/addresses.ts';
import { describeLab } from './lab/describe-lab.ts';
import { runOrThrow, startServer } from './lab/processes.ts';
import { pathOf } from './lab/programs.ts';
import { servesAll, txtValues } from './lab/records.ts';
import { zoneText } from './lab/zone-files.ts';

const ZONES = ['example.test', 'sub.example.test', 'readonly.test'];
const ZONE = 'example.test';
const NAME = `_acme-challenge.${ZONE}`;
const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
const OTHER = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';

type Key = UpdateOptions['tsig'];

interface Primary {
  readonly endpoint: Endpoint;
  /** One key for each algorithm; all may write, but not in readonly.test. */
  readonly keys: readonly Key[];
  close(): Promise<void>;
}

/** A server for which every key is known, and who may do what is as little as the docs recommend. */
async function startPrimary(
  name: string,
  start: (setting: { dir: string; port: number; keys: readonly Key[] }) => Promise<() => Promise<void>>,
): Promise<Primary> {
  const dir = await mkdtemp(join(tmpdir(), `dns01-${name}-`));
  const [port] = await freePorts(2);
  const keys = ALGORITHMS.map((algorithm) => ({
    name: `Key-${algorithm}`,
    algorithm,
    secret: randomBytes(32).toString('base64'),
  }));
  const addresses = { ns1: LOOPBACK, ns2: LOOPBACK };
  await Promise.all(ZONES.map((zone) => writeFile(join(dir, `${zone}.zone`), zoneText(zone, ZONES, addresses))));
  const stop = await start({ dir, port, keys });
  return {
    endpoint: { host: LOOPBACK, port },
    keys,
    async close() {
      await stop();
      await rm(dir, { recursive: true, maxRetries: 5 });
    },
  };
}

const PRIMARIES: Record<string, () => Promise<Primary>> = {
  BIND: () =>
    startPrimary('bind', async ({ dir, port, keys }) => {
      const grants = keys.map((key) => `grant ${key.name} subdomain ${ZONE}. TXT;`).join(' ');
      const config = [
        ...keys.map((key) => `key "${key.name}" { algorithm ${key.algorithm}; secret "${key.secret}"; };`),
        'controls {};',
        `options { directory "${dir}"; pid-file none; lock-file none; session-keyfile "${dir}/session.key";`,
        `  listen-on port ${port} { ${LOOPBACK}; }; listen-on-v6 { none; }; recursion no; notify no; dnssec-validation no; };`,
        `zone "${ZONE}" { type primary; file "${dir}/${ZONE}.zone"; update-policy { ${grants} }; };`,
        `zone "sub.${ZONE}" { type primary; file "${dir}/sub.${ZONE}.zone"; update-policy { ${grants} }; };`,
        `zone "readonly.test" { type primary; file "${dir}/readonly.test.zone"; };`,
      ];
      await writeFile(join(dir, 'named.conf'), config.join('\n'), { mode: 0o600 });
      // AppArmor lets the installed path read only the system's own configuration; a copy is not confined.
      const named = join(dir, 'named');
      await copyFile(pathOf('named'), named);
      return startServer({
        name: 'named',
        command: named,
        args: ['-g', '-n', '1', '-c', join(dir, 'named.conf')],
        dir,
        isReady: () => servesAll({ host: LOOPBACK, port }, ZONES),
      });
    }),
  Knot: () =>
    startPrimary('knot', async ({ dir, port, keys }) => {
      const config = [
        'server:',
        `  rundir: "${dir}"`,
        `  listen: ${LOOPBACK}@${port}`,
        'log:',
        '  - target: stderr',
        '    any: debug',
        'database:',
        `  storage: "${dir}"`,
        '  journal-db-max-size: 16M',
        '  kasp-db-max-size: 16M',
        '  timer-db-max-size: 16M',
        'key:',
        ...keys.flatMap(({ name, algorithm, secret }) => [
          `  - id: ${name}`,
          `    algorithm: ${algorithm}`,
          `    secret: ${secret}`,
        ]),
        'acl:',
        '  - id: writers',
        `    key: [${keys.map(({ name }) => name).join(', ')}]`,
        '    action: update',
        '    update-type: TXT',
        'zone:',
        ...ZONES.flatMap((zone) => [
          `  - domain: ${zone}`,
          `    storage: "${dir}"`,
          `    file: "${zone}.zone"`,
          '    zonefile-sync: -1',
          '    zonefile-load: difference-no-serial',
          '    journal-content: all',
          ...(zone === 'readonly.test' ? [] : ['    acl: writers']),
        ]),
        '',
      ];
      await writeFile(join(dir, 'knot.conf'), config.join('\n'), { mode: 0o600 });
      return startServer({
        name: 'knotd',
        command: pathOf('knotd'),
        args: ['-c', join(dir, 'knot.conf')],
        dir,
        isReady: () => servesAll({ host: LOOPBACK, port }, ZONES),
      });
    }),
};

for (const [title, start] of Object.entries(PRIMARIES)) {
  describeLab(`rfc2136 and a real ${title}`, () => {
    let primary: Primary;
    beforeAll(async () => {
      primary = await start();
    });
    afterAll(() => primary?.close());
    afterEach(async () => {
      for (const value of await held()) await open().removeTxt(recordOf(value));
    });

    const firstKey = () => primary.keys[0] as Key;
    const open = (key: Key = firstKey(), now?: () => number): SearchingProvider => {
      const { host, port } = primary.endpoint;
      return searching(createUpdates({ server: host, port, tsig: key }, createTestContext(), now ? { now } : {}));
    };
    const held = (name = NAME) => txtValues(primary.endpoint, name);
    const recordOf = (value: string, name = NAME): SearchedRecord => ({ name, value, ttl: 60 });

    /** Another tool's write: nsupdate, so that none of our code is in it. */
    const nsupdate = (...lines: string[]) => {
      const { name, algorithm, secret } = firstKey();
      const { host, port } = primary.endpoint;
      const script = [`server ${host} ${port}`, `key ${algorithm}:${name} ${secret}`, ...lines, 'send', ''];
      return runOrThrow(pathOf('nsupdate'), [], { input: script.join('\n') });
    };

    describeContract(
      `rfc2136 with ${title}`,
      async () => ({
        zone: ZONE,
        open: async () => ({ provider: open(), close: async () => {} }),
        held: (name) => held(name),
        async plant(name, value) {
          await nsupdate(`zone ${ZONE}.`, `update add ${name}. 60 TXT "${value}"`);
        },
        async close() {
          for (const name of [NAME, `_acme-challenge.www.shop.${ZONE}`]) {
            await nsupdate(`zone ${ZONE}.`, `update delete ${name}. TXT`);
          }
        },
      }),
      { faults: false },
    );

    it.each(ALGORITHMS)('takes %s, and believes what is signed with it', async (algorithm) => {
      const key = primary.keys.find((each) => each.algorithm === algorithm) as Key;
      expect(await open(key).addTxt(recordOf(VALUE))).toEqual({ zone: ZONE, changed: true });
      expect(await held()).toEqual([VALUE]);
      expect(await open(key).listTxt(NAME)).toEqual([VALUE]);
      expect(await open(key).removeTxt(recordOf(VALUE))).toBe('removed');
      expect(await held()).toEqual([]);
    });

    it('writes into the deepest zone', async () => {
      const name = `_acme-challenge.www.sub.${ZONE}`;
      expect((await open().addTxt(recordOf(VALUE, name))).zone).toBe(`sub.${ZONE}`);
      expect(await held(name)).toEqual([VALUE]);
      expect(await open().removeTxt(recordOf(VALUE, name))).toBe('removed');
    });

    it('sets the ttl', async () => {
      await open().addTxt({ ...recordOf(VALUE), ttl: 77 });
      const { host, port } = primary.endpoint;
      const shown = await runOrThrow(pathOf('dig'), [
        '-r',
        `@${host}`,
        '-p',
        String(port),
        NAME,
        'TXT',
        '+noall',
        '+answer',
      ]);
      expect(shown.split(/\s+/)).toContain('77');
    });

    it('takes a value of 255 bytes, and one with every printable character', async () => {
      const printable = String.fromCharCode(...Array.from({ length: 95 }, (_, index) => 32 + index)).replace(
        /["\\]/g,
        '',
      );
      for (const value of ['x'.repeat(255), printable]) {
        await open().addTxt(recordOf(value));
        expect(await open().listTxt(NAME)).toEqual([value]);
        expect(await open().removeTxt(recordOf(value))).toBe('removed');
        expect(await open().listTxt(NAME)).toEqual([]);
      }
    });

    it('knows and removes a value that another tool has cut into strings', async () => {
      await nsupdate(`zone ${ZONE}.`, `update add ${NAME}. 60 TXT "${VALUE.slice(0, 20)}" "${VALUE.slice(20)}"`);
      expect(await open().addTxt(recordOf(VALUE))).toEqual({ zone: ZONE, changed: false });
      await open().addTxt(recordOf(OTHER));
      expect(await open().removeTxt(recordOf(VALUE))).toBe('removed');
      expect(await held()).toEqual([OTHER]);
    });

    it('removes its record alone, with a handle, and leaves other types alone', async () => {
      const { changed, ...handle } = await open().addTxt(recordOf(VALUE));
      await open().addTxt(recordOf(OTHER));
      expect(changed).toBe(true);
      expect(await open().removeTxt(recordOf(VALUE), handle)).toBe('removed');
      expect(await open().removeTxt(recordOf(VALUE), handle)).toBe('absent');
      expect(await held()).toEqual([OTHER]);
    });

    it('does 100 names that hold nothing else at once, and singly where one does', async () => {
      const zone = normaliseName(ZONE);
      const names = Array.from({ length: 100 }, (_, index) => normaliseName(`_acme-challenge.n${index}.${ZONE}`));
      const all = (action: TxtChange['action']) =>
        names.map((name): TxtChange => ({ action, record: { name, value: VALUE, ttl: 60, zone } }));
      const changed = (outcomes: readonly TxtOutcome[] = []) =>
        new Set(outcomes.map((outcome) => (outcome.state === 'done' ? outcome.changed : outcome.error.message)));
      expect(changed(await open().changeTxt?.(zone, all('add')))).toEqual(new Set([true]));
      for (const name of [names[0], names[99]]) expect(await held(name)).toEqual([VALUE]);
      expect(changed(await open().changeTxt?.(zone, all('add')))).toEqual(new Set([false]));
      expect(changed(await open().changeTxt?.(zone, all('remove')))).toEqual(new Set([true]));
      for (const name of [names[0], names[99]]) expect(await held(name)).toEqual([]);
      expect(changed(await open().changeTxt?.(zone, all('remove')))).toEqual(new Set([false]));
    });

    it('does two values of one name at once, and one in the place of the other', async () => {
      const record = { name: normaliseName(NAME), value: VALUE, ttl: 60, zone: normaliseName(ZONE) };
      const other = { ...record, value: OTHER };
      const change = async (...changes: TxtChange[]) =>
        (await open().changeTxt?.(record.zone, changes))?.map((outcome) => outcome.state === 'done' && outcome.changed);
      expect(await change({ action: 'add', record })).toEqual([true]);
      expect(await change({ action: 'remove', record }, { action: 'add', record: other })).toEqual([true, true]);
      expect(await held()).toEqual([OTHER]);
      expect(await change({ action: 'remove', record: other })).toEqual([true]);
      expect(await change({ action: 'add', record }, { action: 'add', record: other })).toEqual([true, true]);
      expect((await held()).sort()).toEqual([VALUE, OTHER].sort());
    });

    it('says BADKEY for a key that the server does not know', async () => {
      const failure = await failureOf(open({ ...firstKey(), name: 'nobody' }).addTxt(recordOf(VALUE)));
      expect(failure).toMatchObject({ code: 'E_AUTH', message: expect.stringContaining('BADKEY') });
      expect(failure.hint).toContain('exactly the same as at the server');
    });

    it('says that the secret is wrong', async () => {
      const secret = Buffer.alloc(32, 7).toString('base64');
      const failure = await failureOf(open({ ...firstKey(), secret }).addTxt(recordOf(VALUE)));
      expect(failure).toMatchObject({ code: 'E_AUTH', message: expect.stringContaining('BADSIG') });
      expect(failure.hint).toContain('tsig.secret');
      expect(failure.message + failure.hint).not.toContain(secret);
    });

    it('says that the algorithm is not that of the key', async () => {
      const failure = await failureOf(open({ ...firstKey(), algorithm: 'hmac-sha512' }).addTxt(recordOf(VALUE)));
      expect(failure).toMatchObject({ code: 'E_AUTH', message: expect.stringMatching(/BADKEY|BADSIG/) });
      expect(failure.hint).toContain('algorithm');
    });

    it.each([-600, 600])('says that the clocks differ: %d s', async (seconds) => {
      const failure = await failureOf(open(firstKey(), () => Date.now() + seconds * 1000).addTxt(recordOf(VALUE)));
      expect(failure).toMatchObject({ code: 'E_AUTH', message: expect.stringContaining('BADTIME') });
      expect(failure.message).toMatch(seconds < 0 ? /(599|600|601) s behind/ : /(599|600|601) s ahead/);
      expect(failure.hint).toContain('NTP');
    });

    it('bears four minutes between the clocks', async () => {
      await open(firstKey(), () => Date.now() - 240_000).addTxt(recordOf(VALUE));
      expect(await held()).toEqual([VALUE]);
    });

    it('says that the key has no right to the zone', async () => {
      const failure = await failureOf(open().addTxt(recordOf(VALUE, '_acme-challenge.readonly.test')));
      expect(failure).toMatchObject({
        code: 'E_AUTH',
        message: expect.stringContaining(title === 'BIND' ? 'REFUSED' : 'BADKEY'),
      });
      expect(failure.hint).toContain(title === 'BIND' ? 'update-policy' : 'acl');
    });

    it('says that the server has no such zone', async () => {
      const name = '_acme-challenge.example.org';
      expect(await failureOf(open().addTxt(recordOf(VALUE, name)))).toMatchObject({ code: 'E_ZONE' });
      const failure = await failureOf(open().addTxt({ ...recordOf(VALUE, name), zone: 'example.org' }));
      expect(['E_ZONE', 'E_AUTH']).toContain(failure.code);
    });

    it('says that the name is not in the zone', async () => {
      const failure = await failureOf(open().addTxt({ ...recordOf(VALUE, '_acme-challenge.example.org'), zone: ZONE }));
      expect(failure).toMatchObject({ code: 'E_ZONE', message: expect.stringContaining('NOTZONE') });
    });
  });
}

async function failureOf(verb: Promise<unknown>): Promise<Dns01Error> {
  try {
    await verb;
  } catch (error) {
    if (isDns01Error(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}
