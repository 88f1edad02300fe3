import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AcmeClient } from './clients/acme-client.ts';
import { ALL_CLIENTS } from './clients/all-clients.ts';
import { addsAmong, spansOf } from './clients/hook-calls.ts';
import { type Cell, LAG, secondsAsleep } from './clients/matrix.ts';
import { whyNotRunnable } from './clients/private-mounts.ts';
import { startResolvingCa } from './clients/resolving-ca.ts';
import { heldNames, type Order, orderOf, SCENARIOS, type Scenario } from './clients/scenarios.ts';
import { atSite, FOREIGN, type Site } from './clients/site.ts';
import { certificateNames } from './lab/certificate.ts';
import { describeLab } from './lab/describe-lab.ts';
import { type Lab, startLab } from './lab/lab.ts';
import type { Pebble } from './lab/pebble.ts';
import { expectSuccess } from './support/outcome.ts';

const ORDERS = ALL_CLIENTS.flatMap((client) =>
  SCENARIOS.filter((scenario) => !scenario.whyNot?.(client)).map((scenario) => orderOf(client, scenario)),
);

describeLab('every ACME client', () => {
  let lab: Lab;
  const cas: Partial<Record<Scenario['ca'], Pebble>> = {};

  beforeAll(async () => {
    const zones = ORDERS.flatMap((order) => order.zones);
    const aliases = Object.assign({}, ...ORDERS.map((order) => order.aliases));
    lab = await startLab({ zones, aliases, lagSeconds: LAG });
    cas.resolver = await startResolvingCa(lab, { name: 'ca-resolver', zones, caches: false });
    cas['caching resolver'] = await startResolvingCa(lab, { name: 'ca-caching', zones, caches: true });
  });
  afterAll(async () => {
    for (const ca of Object.values(cas)) await ca.close();
    await lab?.close();
  });

  for (const client of ALL_CLIENTS) {
    describe.concurrent(client.title, () => {
      for (const scenario of SCENARIOS.filter(({ whyNot }) => !whyNot?.(client))) {
        it(scenario.title, async ({ task, skip }) => {
          const obstacle = whyNotRunnable(client, lab);
          skip(obstacle !== undefined, obstacle);
          task.meta.clientsMatrix = await issue(client, scenario);
        });
      }
    });
  }

  async function issue(client: AcmeClient, scenario: Scenario): Promise<Cell> {
    const order = orderOf(client, scenario);
    const { zones, domains, targets } = order;
    const acme = cas[scenario.ca] ?? lab.acme;
    const delegated = targets ? zones.slice(1) : [];
    return atSite(lab, { zones, delegated, acme, ttl: scenario.ttl }, async (site) => {
      await client.prepare?.(site);
      for (const name of heldNames(order)) await site.plant(name, FOREIGN);

      const started = performance.now();
      expectSuccess(await client.issue(site, domains));
      const seconds = (performance.now() - started) / 1000;

      expect(await certificateNames(client.certificateFile(site, domains))).toEqual([...domains].sort());
      await expectNothingLeft(site, order);
      const calls = await site.calls();
      if (client.slug === 'acmetool' && domains.length > 1) {
        expect(spansOf(addsAmong(calls)).length, 'hooks at the same time').toBeLessThan(domains.length);
      }
      const asleep = client.looksItself ? undefined : secondsAsleep(seconds, calls, site.published);
      return { client: client.title, scenario: scenario.title, seconds, asleep };
    });
  }
});

/** Each value was published where it belongs, and none stays but that of somebody else. */
async function expectNothingLeft(site: Site, order: Order): Promise<void> {
  const names = heldNames(order);
  expect(site.published).toHaveLength(order.domains.length);
  expect([...new Set(site.published.map(({ name }) => name))].sort()).toEqual([...names].sort());
  for (const name of names) await site.expectHeld(name, [FOREIGN]);
  expect(await site.journal()).toEqual([]);
}
