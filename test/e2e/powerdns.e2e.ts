import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import definition from '../../providers/powerdns/index.ts';
import { normaliseName } from '../../src/names.ts';
import type { TxtChange } from '../../src/provider.ts';
import { type ContractHarness, describeContract, type OpenProvider } from '../contract.ts';
import { createTestContext, type TestContext } from '../support/context.ts';
import { type SearchedRecord, type SearchingProvider, searching } from '../support/searching.ts';
import { type Endpoint, freePorts, LOOPBACK } from './lab/addresses.ts';
import { describeLab } from './lab/describe-lab.ts';
import { runOrThrow, startServer } from './lab/processes.ts';
import { pathOf } from './lab/programs.ts';
import { txtValues } from './lab/records.ts';

const API_KEY = 'e2e-key';
const SCHEMA = '/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql';
const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
const OTHER = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';

/** Debian's PowerDNS with its SQLite backend, which runs the same SQL as the MySQL one. */
interface Pdns {
  readonly url: string;
  readonly dns: Endpoint;
  /** Change the database behind the server's back, as a panel does. */
  sql(statements: string): Promise<string>;
  /** The JSON, or the text of an answer that is no 2xx with its status before it. */
  api(method: string, path: string, body?: unknown): Promise<unknown>;
  close(): Promise<void>;
}

async function startPdns(): Promise<Pdns> {
  const dir = await mkdtemp(join(tmpdir(), 'dns01-pdns-'));
  const [dnsPort, apiPort] = await freePorts(2);
  const database = join(dir, 'pdns.sqlite3');
  const sql = (statements: string) =>
    runOrThrow(pathOf('sqlite3'), ['-cmd', '.timeout 5000', database], { input: statements });
  await sql(`.read ${SCHEMA}\n`);
  const settings = {
    launch: 'gsqlite3',
    'gsqlite3-database': database,
    'local-address': LOOPBACK,
    'local-port': dnsPort,
    'socket-dir': dir,
    api: 'yes',
    'api-key': API_KEY,
    webserver: 'yes',
    'webserver-address': LOOPBACK,
    'webserver-port': apiPort,
    // Zones that come by SQL are to be served at once.
    'zone-cache-refresh-interval': 0,
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
  await writeFile(join(dir, 'pdns.conf'), lines.join(''));
  const url = `http://${LOOPBACK}:${apiPort}`;

  async function api(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${url}/api/v1/servers/localhost${path}`, {
      method,
      headers: { 'x-api-key': API_KEY },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) return `${response.status} ${text}`;
    return text === '' ? undefined : JSON.parse(text);
  }

  const end = await startServer({
    name: 'pdns',
    command: pathOf('pdns_server'),
    args: [`--config-dir=${dir}`],
    dir,
    isReady: async () => Array.isArray(await api('GET', '/zones').catch(() => undefined)),
  });
  return {
    url,
    dns: { host: LOOPBACK, port: dnsPort },
    sql,
    api,
    async close() {
      await end();
      await rm(dir, { recursive: true });
    },
  };
}

/** Rows as OLSPanel writes them: names without a dot at the end, TXT contents without quotes. */
function panelZone(zone: string): string {
  const row = (name: string, type: string, content: string) =>
    `INSERT INTO records (domain_id, name, type, content, ttl, prio)
     SELECT id, '${name}', '${type}', '${content}', 3600, 0 FROM domains WHERE name = '${zone}';`;
  return [
    `INSERT INTO domains (name, type) VALUES ('${zone}', 'NATIVE');`,
    row(zone, 'SOA', `ns1.${zone} hostmaster.${zone} 1 3600 600 604800 60`),
    row(zone, 'NS', `ns1.${zone}`),
    row(zone, 'TXT', 'v=spf1 a mx ~all'),
    row(`_dmarc.${zone}`, 'TXT', 'v=DMARC1; p=none'),
  ].join('\n');
}

describeLab('powerdns on the real server', () => {
  let pdns: Pdns;
  let zones = 0;
  beforeAll(async () => {
    pdns = await startPdns();
  });
  afterAll(() => pdns?.close());

  async function newZone(): Promise<string> {
    const zone = `zone${++zones}.test`;
    await pdns.sql(panelZone(zone));
    return zone;
  }

  function open(apiKey = API_KEY): OpenProvider & { context: TestContext } {
    const context = createTestContext({ requestTimeout: 5000 });
    return {
      context,
      provider: definition.create({ url: pdns.url, apiKey, server: 'localhost' }, context),
      close: () => context.http.close(),
    };
  }

  async function run<Result>(verb: (provider: SearchingProvider) => Promise<Result>, apiKey?: string): Promise<Result> {
    const { provider, close } = open(apiKey);
    try {
      return await verb(searching(provider));
    } finally {
      await close();
    }
  }

  const recordAt = (name: string, value = VALUE): SearchedRecord => ({ name, value, ttl: 60 });
  const served = (name: string) => txtValues(pdns.dns, name);
  const rows = async (name: string) =>
    (await pdns.sql(`SELECT content, ttl, disabled FROM records WHERE name = '${name}' ORDER BY content;`))
      .trim()
      .split('\n');

  describeContract(
    'powerdns against PowerDNS itself',
    async (): Promise<ContractHarness> => {
      const zone = await newZone();
      return {
        zone,
        open: async () => open(),
        held: (name) => served(name),
        async plant(name, value) {
          const records = [...(await served(name)), value].map((text) => ({ content: `"${text}"`, disabled: false }));
          const rrset = { name: `${name}.`, type: 'TXT', ttl: 60, changetype: 'REPLACE', records };
          expect(await pdns.api('PATCH', `/zones/${zone}.`, { rrsets: [rrset] })).toBeUndefined();
        },
        close: async () => {},
      };
    },
    { faults: false },
  );

  describe('in a zone as OLSPanel fills it', () => {
    let zone: string;
    let name: string;
    beforeAll(async () => {
      zone = await newZone();
      name = `_acme-challenge.${zone}`;
    });

    it('cannot read the whole zone', async () => {
      expect(await pdns.api('GET', `/zones/${zone}.`)).toBe('500 Internal Server Error');
    });

    it('publishes two values that are served at once, although there was none a moment ago', async () => {
      expect(await served(name)).toEqual([]);
      await run((provider) => provider.addTxt(recordAt(name)));
      expect(await served(name)).toEqual([VALUE]);
      await run((provider) => provider.addTxt(recordAt(name, OTHER)));
      expect(await served(name)).toEqual([VALUE, OTHER].sort());
      expect(await rows(name)).toEqual([`"${VALUE}"|60|0`, `"${OTHER}"|60|0`].sort());
    });

    it('withdraws one and then the other, and leaves the rows of the panel as they are', async () => {
      expect(await run((provider) => provider.removeTxt(recordAt(name)))).toBe('removed');
      expect(await served(name)).toEqual([OTHER]);
      expect(await run((provider) => provider.removeTxt(recordAt(name, OTHER)))).toBe('removed');
      expect(await served(name)).toEqual([]);
      expect(await rows(zone)).toContain('v=spf1 a mx ~all|3600|0');
      expect(await rows(`_dmarc.${zone}`)).toEqual(['v=DMARC1; p=none|3600|0']);
    });

    it('keeps a disabled value, the TTL, comments and other spellings', async () => {
      const kept = `_acme-challenge.kept.${zone}`;
      const records = [
        { content: '"off"', disabled: true },
        { content: '"a\\034\\195\\164" "second"', disabled: false },
      ];
      const comments = [{ content: 'leave this', account: 'me' }];
      const rrset = { name: `${kept}.`, type: 'TXT', ttl: 900, changetype: 'REPLACE', records, comments };
      expect(await pdns.api('PATCH', `/zones/${zone}.`, { rrsets: [rrset] })).toBeUndefined();
      await run((provider) => provider.addTxt(recordAt(kept)));
      const before = ['"a\\034\\195\\164" "second"|900|0', '"off"|900|1'];
      expect(await rows(kept)).toEqual([`"${VALUE}"|900|0`, ...before]);
      expect((await run((provider) => provider.listTxt(kept))).sort()).toEqual([VALUE, 'a"äsecond'].sort());
      await run((provider) => provider.removeTxt(recordAt(kept)));
      expect(await rows(kept)).toEqual(before);
      expect(await pdns.sql(`SELECT comment FROM comments WHERE name = '${kept}';`)).toBe('leave this\n');
    });

    /** As the panel's page writes a value. */
    const plantUnquoted = (at: string, content: string) =>
      pdns.sql(
        `INSERT INTO records (domain_id, name, type, content, ttl, prio)
         SELECT id, '${at}', 'TXT', '${content}', 300, 0 FROM domains WHERE name = '${zone}';`,
      );

    it('explains a value without quotes at the very name, and does not overwrite it', async () => {
      const taken = `_acme-challenge.taken.${zone}`;
      await plantUnquoted(taken, OTHER);
      await expect(run((provider) => provider.addTxt(recordAt(taken)))).rejects.toMatchObject({
        code: 'E_REJECTED',
        hint: expect.stringMatching(/without quotes/),
      });
      expect(await rows(taken)).toEqual([`${OTHER}|300|0`]);
    });

    it('keeps the one kind of value without quotes that the API can show', async () => {
      const simple = `_acme-challenge.simple.${zone}`;
      await plantUnquoted(simple, 'lowercase1');
      await run((provider) => provider.addTxt(recordAt(simple)));
      expect(await served(simple)).toEqual([VALUE, 'lowercase1'].sort());
    });

    it('is told of a CNAME in the way', async () => {
      const alias = `_acme-challenge.alias.${zone}`;
      const records = [{ content: 'elsewhere.test.', disabled: false }];
      const rrset = { name: `${alias}.`, type: 'CNAME', ttl: 60, changetype: 'REPLACE', records };
      expect(await pdns.api('PATCH', `/zones/${zone}.`, { rrsets: [rrset] })).toBeUndefined();
      await expect(run((provider) => provider.addTxt(recordAt(alias)))).rejects.toMatchObject({
        code: 'E_REJECTED',
        message: expect.stringMatching(/status 422.*Conflicts/),
        outcomeUnknown: false,
      });
    });
  });

  it('writes into the deepest zone, even one that begins with the challenge label', async () => {
    const zone = await newZone();
    await pdns.sql(panelZone(`sub.${zone}`));
    const own = `_acme-challenge.own.${zone}`;
    await pdns.api('POST', '/zones', { name: `${own}.`, kind: 'Native', nameservers: [] });
    for (const [name, holder, hint] of [
      [`_acme-challenge.x.sub.${zone}`, `sub.${zone}`],
      [own, own, own],
      [`_acme-challenge.x.${zone}`, zone],
    ] as const) {
      expect(await run((provider) => provider.addTxt(recordAt(name), hint))).toEqual({ zone: holder, changed: true });
      expect(await served(name)).toEqual([VALUE]);
    }
  });

  describe('with 100 names of a zone at once', () => {
    const COUNT = 100;

    /** What becomes of the changes, and the requests that it took. */
    async function change(zone: string, action: TxtChange['action'], value = VALUE) {
      const { provider, context, close } = open();
      const changes = Array.from({ length: COUNT }, (_, index) => ({
        action,
        record: {
          name: normaliseName(`_acme-challenge.host${index}.${zone}`),
          value,
          ttl: 60,
          zone: normaliseName(zone),
        },
      }));
      const outcomes = (await provider.changeTxt?.(normaliseName(zone), changes)) ?? [];
      await close();
      const requests = context.lines.filter((line) => /(GET|PATCH) \/(zones|search-data)/.test(line));
      return {
        done: outcomes.filter((outcome) => outcome.state === 'done' && outcome.changed === true).length,
        requests: requests.length,
        lines: requests.slice(0, 9),
      };
    }

    it('needs at most five requests each way, beside rows that the API cannot show', async () => {
      const zone = await newZone();
      const added = await change(zone, 'add');
      expect(added.done).toBe(COUNT);
      expect(added.requests, added.lines.join('\n')).toBeLessThanOrEqual(5);
      expect(added.requests).toBeGreaterThan(2);
      expect(await served(`_acme-challenge.host99.${zone}`)).toEqual([VALUE]);
      expect(await change(zone, 'add')).toMatchObject({ done: 0, requests: 2 });
      const second = await change(zone, 'add', OTHER);
      expect(second).toMatchObject({ done: COUNT, requests: 5 });
      expect(await served(`_acme-challenge.host0.${zone}`)).toEqual([VALUE, OTHER].sort());
      const removed = await change(zone, 'remove');
      expect(removed).toMatchObject({ done: COUNT, requests: 5 });
      expect(await served(`_acme-challenge.host50.${zone}`)).toEqual([OTHER]);
      expect(await change(zone, 'remove', OTHER)).toMatchObject({ done: COUNT, requests: 4 });
      expect(
        await pdns.sql(`SELECT count(*) FROM records WHERE name LIKE '_acme-challenge.%.${zone}' AND type = 'TXT';`),
      ).toBe('0\n');
      expect(await rows(zone)).toContain('v=spf1 a mx ~all|3600|0');
    });

    it('keeps disabled values', async () => {
      const zone = await newZone();
      const name = `_acme-challenge.host3.${zone}`;
      const records = [{ content: '"off"', disabled: true }];
      const rrset = { name: `${name}.`, type: 'TXT', ttl: 900, changetype: 'REPLACE', records };
      expect(await pdns.api('PATCH', `/zones/${zone}.`, { rrsets: [rrset] })).toBeUndefined();
      expect((await change(zone, 'add')).done).toBe(COUNT);
      expect(await rows(name)).toEqual([`"${VALUE}"|900|0`, '"off"|900|1']);
      expect((await change(zone, 'remove')).done).toBe(COUNT);
      expect(await rows(name)).toEqual(['"off"|900|1']);
    });

    it('refuses all where one cannot be, and has changed nothing', async () => {
      const zone = await newZone();
      const alias = { content: 'elsewhere.test.', disabled: false };
      const name = `_acme-challenge.host7.${zone}.`;
      const rrset = { name, type: 'CNAME', ttl: 60, changetype: 'REPLACE', records: [alias] };
      expect(await pdns.api('PATCH', `/zones/${zone}.`, { rrsets: [rrset] })).toBeUndefined();
      expect((await change(zone, 'add')).done).toBe(0);
      expect(await served(`_acme-challenge.host6.${zone}`)).toEqual([]);
    });
  });

  it('writes nothing into a copy of a zone', async () => {
    await pdns.api('POST', '/zones', { name: 'copy.test.', kind: 'Secondary', masters: ['127.0.0.9'] });
    const failure = run((provider) => provider.addTxt(recordAt('_acme-challenge.copy.test')));
    await expect(failure).rejects.toMatchObject({ code: 'E_REJECTED', message: expect.stringMatching(/only a copy/) });
  });

  it('lists the zones', async () => {
    const zone = await newZone();
    const names = await run(async ({ listZones }) => {
      const listed: string[] = [];
      for await (const { name } of listZones?.() ?? []) listed.push(name);
      return listed;
    });
    expect(names).toContain(zone);
  });

  it('tells a wrong key and a zone that is not there', async () => {
    const zone = await newZone();
    const wrongKey = run((provider) => provider.addTxt(recordAt(`_acme-challenge.${zone}`)), 'wrong');
    await expect(wrongKey).rejects.toMatchObject({ code: 'E_AUTH' });
    const nowhere = run((provider) => provider.addTxt(recordAt('_acme-challenge.nowhere.invalid')));
    await expect(nowhere).rejects.toMatchObject({ code: 'E_ZONE' });
  });
});
