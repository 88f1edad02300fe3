/** Several gateways with one database, while parts of it fail: DNS01_FLEET=full runs the long form. */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeDnsServer, startFakeDns } from '../fakes/dns-server.ts';
import { type PowerdnsFake, startPowerdnsFake } from '../fakes/powerdns.ts';
import { bundle } from '../support/paths.ts';
import { missingPostgres, type Postgres, startPostgres } from './lab/postgres.ts';
import { run } from './lab/processes.ts';
import { type Fleet, openClient, startFleet } from './support/fleet.ts';

const missing = missingPostgres();
const FULL = process.env['DNS01_FLEET'] === 'full';
/** Seconds that a gateway is stopped, and the database is away or out of reach. */
const AWAY_S = FULL ? 60 : 10;
const CLIENTS = FULL ? 200 : 40;
const NAMES = FULL ? 10_000 : 800;
const PATIENCE_MS = 300_000;
/** Of a lock, with the time limit of a request. */
const LEASE_MS = 40_000;
const ZONES = ['example.com', 'example.org', 'example.net'];
const FOREIGN = '"a value of somebody else"';

describe.skipIf(missing.length > 0)(`a fleet of gateways (missing: ${missing.join(', ') || 'nothing'})`, () => {
  let database: Postgres;
  let api: PowerdnsFake;
  let dns: FakeDnsServer;
  let fleet: Fleet;
  beforeAll(async () => {
    database = await startPostgres();
    // Its record sets are replaced whole, so a gateway without a lock would remove what another one has added.
    api = await startPowerdnsFake({ zones: Object.fromEntries(ZONES.map((zone) => [zone, {}])) });
    dns = await startFakeDns({ zones: ZONES.map((name) => ({ name })) });
    fleet = await startFleet({
      gateways: 3,
      database: database.url(),
      account: { provider: 'powerdns', url: api.url, apiKey: api.apiKey },
      zones: ZONES,
      dns: { nameservers: Object.fromEntries(ZONES.map((zone) => [zone, [dns.at]])) },
      users: CLIENTS,
    });
  }, 120_000);
  afterAll(async () => {
    await fleet?.close();
    await dns?.close();
    await api?.close();
    await database?.close();
  });

  it(
    `loses nothing while each gateway is killed, stopped or cut off, and the database restarts`,
    async () => {
      const nameOf = (index: number) => `_acme-challenge.host${index}.${ZONES[index % ZONES.length]}`;
      for (let index = 0; index < 30; index++) api.plant(nameOf(index), FOREIGN);
      const before = api.rows.map((row) => JSON.stringify(row));
      let begun = 0;
      let areFaultsOver = false;

      const clients = fleet.users.map(async (user, index) => {
        const client = openClient(fleet, index, 60_000);
        try {
          // The faults need somebody at work from the first to the last.
          while (begun < NAMES || !areFaultsOver) {
            const what = { user, name: nameOf(begun++), value: randomBytes(32).toString('base64url') };
            await client.insist({ path: '/present', ...what }, PATIENCE_MS);
            // What was answered with success is published.
            expect(api.held(what.name), what.name).toContain(`"${what.value}"`);
            await client.insist({ path: '/cleanup', ...what }, PATIENCE_MS);
            expect(api.held(what.name), what.name).not.toContain(`"${what.value}"`);
          }
        } finally {
          client.close();
        }
      });
      const faults = (async () => {
        for (const node of fleet.nodes) {
          await delay(1000);
          await node.kill();
          await delay(1000);
          await node.start();
        }
        const [first, second] = fleet.nodes;
        first?.signal('SIGSTOP');
        second?.relay?.cut();
        await delay(AWAY_S * 1000);
        first?.signal('SIGCONT');
        second?.relay?.join();
        await delay(1000);
        await database.restart(AWAY_S * 250);
      })();
      const faultsOver = faults.finally(() => {
        areFaultsOver = true;
      });
      await Promise.all([...clients, faultsOver]);
      process.stdout.write(`fleet: ${begun} names\n`);

      // What a killed gateway left behind: only a sweep knows of it.
      await delay(15_000);
      const sweep = await run(process.execPath, [bundle, 'sweep', '--config', fleet.config, '--older-than', '0s'], {
        env: { ...fleet.env },
        timeoutSeconds: 60,
      });
      expect(sweep).toMatchObject({ code: 0 });
      expect(api.rows.map((row) => JSON.stringify(row)).sort()).toEqual(before.sort());
      expect(await database.sql('select count(*) from dns01_journal')).toBe('0');
      // One that could not be given back while the database restarted ends with its lease.
      const locks = 'select name, expires - now() from dns01_locks where holder is not null and expires > now()';
      await expect.poll(() => database.sql(locks), { timeout: LEASE_MS }).toBe('');
    },
    FULL ? 1_800_000 : 240_000,
  );
});
