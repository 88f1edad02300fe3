import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AcmeClient } from './clients/acme-client.ts';
import { ALL_CLIENTS } from './clients/all-clients.ts';
import { dehydrated, dehydratedChain } from './clients/dehydrated.ts';
import { LAG } from './clients/matrix.ts';
import { whyNotRunnable } from './clients/private-mounts.ts';
import { atSite, FOREIGN } from './clients/site.ts';
import { certificateNames } from './lab/certificate.ts';
import { describeLab } from './lab/describe-lab.ts';
import { type Lab, startLab } from './lab/lab.ts';
import { holdsWithin } from './lab/until.ts';
import { expectSuccess } from './support/outcome.ts';

const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';

/** Every test has zones of its own: they run side by side, and each change begins the lag of its zone anew. */
const zonesOf = (fault: string, slug: string) =>
  ['a', 'b'].map((label) => `${label}.${fault}-${slug}.test`) as [string, string];

const TITLED_CLIENTS = ALL_CLIENTS.map((client) => [client.title, client] as const);

/** How the streams of a hook may have been closed before it says anything. */
const CLOSED_STREAMS = {
  'stdout closed': '"$@" >&-',
  'stderr closed': '"$@" 2>&-',
  'all closed': '"$@" <&- >&- 2>&-',
  // The reader is gone before the hook writes: EPIPE.
  'nobody reading': '{ sleep 0.1; "$@"; echo $? >code; } 2>&1 | true; exit $(cat code)',
};

/** How a client calls for one value: publish, withdraw. */
const DIALECTS: Readonly<Record<string, (domain: string) => [add: string[], remove: string[]]>> = {
  certbot: () => [
    ['dns01', 'hook', 'certbot', 'auth'],
    ['dns01', 'hook', 'certbot', 'cleanup'],
  ],
  dehydrated: (domain) => [
    ['dns01-hook', 'deploy_challenge', domain, 'file', VALUE],
    ['dns01-hook', 'clean_challenge', domain, 'file', VALUE],
  ],
};

const STREAM_TESTS = Object.keys(CLOSED_STREAMS).flatMap((streams, index) =>
  Object.keys(DIALECTS).map(
    (dialect) => [`${dialect}, ${streams}`, { streams, dialect, slug: `${index}-${dialect}` }] as const,
  ),
);

describeLab('every ACME client, when something goes wrong', () => {
  let lab: Lab;

  beforeAll(async () => {
    const zones = [
      ...ALL_CLIENTS.flatMap(({ slug }) => ['add', 'remove', 'kill'].flatMap((fault) => zonesOf(fault, slug))),
      ...STREAM_TESTS.flatMap(([, { slug }]) => zonesOf('stream', slug)),
    ];
    lab = await startLab({ zones, lagSeconds: LAG });
  });
  afterAll(() => lab?.close());

  const runnable = (client: AcmeClient, skip: (condition: boolean, note?: string) => void) => {
    const obstacle = whyNotRunnable(client, lab);
    skip(obstacle !== undefined, obstacle);
  };

  describe.concurrent('leaves nothing behind when one of two names cannot be published', () => {
    it.for(TITLED_CLIENTS)('%s', async ([, client], { skip }) => {
      runnable(client, skip);
      const [good, bad] = zonesOf('add', client.slug);
      await atSite(lab, { zones: [good, bad], atPanel: [bad] }, async (site) => {
        await client.prepare?.(site);
        for (const zone of [good, bad]) await site.plant(`_acme-challenge.${zone}`, FOREIGN);
        site.panels.ispconfig.panel.maintenance = true;

        const { code, stdout, stderr } = await client.issue(site, [good, bad]);
        expect(code, `${stdout}\n${stderr}`).not.toBe(0);
        if (client !== dehydrated) expect(await site.journal()).toEqual([]);
        // What an earlier call has published dehydrated never has withdrawn.
        else expectSuccess(await site.run('dns01', ['sweep', '--older-than', '0s']));

        for (const zone of [good, bad]) await site.expectHeld(`_acme-challenge.${zone}`, [FOREIGN]);
        expect(await site.journal()).toEqual([]);
      });
    });
  });

  describe.concurrent('issues although the values cannot be withdrawn, and they can be swept later', () => {
    it.each([dehydrated, dehydratedChain].map((client) => [client.title, client] as const))(
      '%s',
      async (_title, client) => {
        const [zone] = zonesOf('remove', client.slug);
        const name = `_acme-challenge.${zone}`;
        await atSite(lab, { zones: [zone], atPanel: [zone] }, async (site) => {
          await client.prepare?.(site);
          await site.plant(name, FOREIGN);
          site.panels.ispconfig.rights.delete('dns_txt_delete');

          const outcome = await client.issue(site, [zone]);
          expectSuccess(outcome);
          expect(outcome.stderr).toMatch(/dns01: warning: a value stays until dns01 sweep: account panel/);
          expect(await certificateNames(client.certificateFile(site, [zone]))).toEqual([zone]);
          expect(await site.journal()).toEqual(['published']);

          site.panels.ispconfig.rights.add('dns_txt_delete');
          expectSuccess(await site.run('dns01', ['sweep', '--older-than', '0s']));
          await site.expectHeld(name, [FOREIGN]);
          expect(await site.journal()).toEqual([]);
        });
      },
    );
  });

  describe.concurrent('is killed between add and remove: sweep leaves the zone as it was found', () => {
    it.for(TITLED_CLIENTS)('%s', async ([, client], { skip }) => {
      runnable(client, skip);
      const [zone] = zonesOf('kill', client.slug);
      const name = `_acme-challenge.${zone}`;
      await atSite(lab, { zones: [zone] }, async (site) => {
        await client.prepare?.(site);
        await site.plant(name, FOREIGN);

        const killer = new AbortController();
        const killed = expect(client.issue(site, [zone], killer.signal)).rejects.toThrow('was killed by the test');
        expect(await holdsWithin(60, async () => (await site.journal()).includes('published'))).toBe(true);
        killer.abort();
        await killed;
        const values = site.published.map(({ value }) => value);
        expect(values).toHaveLength(1);
        await site.expectHeld(name, [FOREIGN, ...values]);

        const swept = await site.run('dns01', ['sweep', '--older-than', '0s']);
        expectSuccess(swept);
        expect(swept.stdout).toMatch(new RegExp(`^removed\t${name}\t${values[0]}\t`));
        await site.expectHeld(name, [FOREIGN]);
        expect(await site.journal()).toEqual([]);
      });
    });
  });

  describe.concurrent('may close what a hook writes to', () => {
    it.for(STREAM_TESTS)('%s', async ([, { streams, dialect, slug }]) => {
      const [zone] = zonesOf('stream', slug);
      const name = `_acme-challenge.${zone}`;
      const calls = DIALECTS[dialect]?.(zone);
      const script = CLOSED_STREAMS[streams as keyof typeof CLOSED_STREAMS];
      await atSite(lab, { zones: [zone] }, async (site) => {
        const env = { CERTBOT_DOMAIN: zone, CERTBOT_VALIDATION: VALUE };
        const call = async (line: readonly string[]) =>
          expectSuccess(await site.run('sh', ['-c', script, 'sh', ...line], { env }));
        await call(calls?.[0] ?? []);
        await site.expectHeld(name, [VALUE]);
        expect(await lab.txt('secondary', name)).toEqual([VALUE]);
        await call(calls?.[1] ?? []);
        await site.expectHeld(name, []);
      });
    });
  });
});
