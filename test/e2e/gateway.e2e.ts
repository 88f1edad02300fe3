/** dns01 serve as a gateway: clients that know nothing of dns01 get certificates through it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hashPassword } from '../../src/gateway/password.ts';
import { certbotSettings } from './clients/certbot.ts';
import { legoHttpreq, runLego } from './clients/lego.ts';
import { whyNotRunnable } from './clients/private-mounts.ts';
import { startResolvingCa } from './clients/resolving-ca.ts';
import { startServeProcess } from './clients/serve.ts';
import { atSite, type Site } from './clients/site.ts';
import { freePorts, LOOPBACK } from './lab/addresses.ts';
import { certificateNames } from './lab/certificate.ts';
import { describeLab } from './lab/describe-lab.ts';
import { type Lab, startLab } from './lab/lab.ts';
import type { Pebble } from './lab/pebble.ts';
import { pathOf } from './lab/programs.ts';
import { acmeshSource } from './peers/peers.ts';
import { putFarAway } from './support/distance.ts';
import { expectSuccess } from './support/outcome.ts';
import { startPacedApi } from './support/paced-provider.ts';

const MANY = 'many.example';
const CLIENT = 'client.example';
const AUTH = 'auth.example';

/** As acme-dns makes them. */
const KEY = 'htB9mR9DYgcu9bX_afHF62erXaH2TS7bg9KW3F7Z';
const USER = 'c36f50e8-4632-44f0-83fe-e070fef28a10';
const SUBDOMAIN = '8e5700ea-a4bf-41c7-8a77-e990661dcc6a';

describeLab('dns01 serve', () => {
  let lab: Lab;
  let ca: Pebble;
  beforeAll(async () => {
    const zones = [MANY, CLIENT, AUTH];
    const aliases = { [`_acme-challenge.${CLIENT}`]: `${SUBDOMAIN}.${AUTH}` };
    lab = await startLab({ zones, aliases, lagSeconds: 0.1 });
    ca = await startResolvingCa(lab, { name: 'ca', zones, caches: false });
  });
  afterAll(async () => {
    await ca?.close();
    await lab?.close();
  });

  it('gets 100 names for lego, which waits as long as it does by default, at 60 requests a minute', async ({
    skip,
  }) => {
    const obstacle = whyNotRunnable(legoHttpreq, lab);
    skip(obstacle !== undefined, obstacle);
    const acme = await putFarAway(lab.acme.directory, 10);
    await atSite(lab, { zones: [MANY], acme: { ...lab.acme, directory: acme.url } }, async (site) => {
      site.whenClosed(acme.close);
      const api = await startPacedApi(site.dir, 4000, async (action, { zone, name, value }) =>
        action === 'add' ? lab.publish(zone, name, value) : lab.withdraw(zone, name, value),
      );
      site.whenClosed(api.close);
      const url = await startServing(site, {
        accounts: { paced: { provider: api.provider, url: api.url } },
        zones: { [MANY]: 'paced' },
        serve: { users: { web1: { hash: await hashPassword(KEY), names: [MANY] } } },
      });
      const domains = Array.from({ length: 100 }, (_, index) => `n${index}.${MANY}`);
      const env = {
        HTTPREQ_ENDPOINT: url,
        HTTPREQ_USERNAME: 'web1',
        HTTPREQ_PASSWORD: KEY,
        HTTPREQ_POLLING_INTERVAL: '0',
      };
      expectSuccess(await runLego(site, ['--dns', 'httpreq', ...domains.flatMap((name) => ['-d', name]), 'run'], env));
      expect(await certificateNames(legoHttpreq.certificateFile(site, domains))).toEqual([...domains].sort());
      expect(api.refused()).toBe(0);
      expect(api.times).toHaveLength(200);
      expect(await site.journal()).toEqual([]);
    });
  });

  /** Starts the server with this added to the config; gives its address. */
  async function startServing(
    site: Site,
    { serve, ...more }: { readonly serve: object; readonly [key: string]: object },
  ): Promise<string> {
    const [port] = await freePorts(2);
    await site.configure({ ...more, serve: { listen: `${LOOPBACK}:${port}`, ...serve } });
    site.whenClosed(await startServeProcess(site, { host: LOOPBACK, port }));
    return `http://${LOOPBACK}:${port}`;
  }

  /** A user of acme-dns's API at a gateway, whose values are in the zone that the CNAME leads to. */
  async function atGateway(task: (site: Site, url: string) => Promise<void>): Promise<void> {
    await atSite(lab, { zones: [CLIENT, AUTH], delegated: [AUTH], acme: ca }, async (site) => {
      const acmeDns = { hash: await hashPassword(KEY), subdomain: SUBDOMAIN, zone: AUTH };
      await task(site, await startServing(site, { serve: { users: { [USER]: { acmeDns } } } }));
      // The client never removes its values: they stay, side by side, until their lease ends.
      await site.expectHeld(
        `${SUBDOMAIN}.${AUTH}`,
        site.published.map(({ value }) => value),
      );
      expect(await site.journal()).toEqual(['published', 'published']);
    });
  }

  it('is an acme-dns server for certbot with a hook that posts to it', () =>
    atGateway(async (site, url) => {
      const hook = join(site.dir, 'acme-dns-hook');
      await writeFile(
        hook,
        `#!${process.execPath}
const body = JSON.stringify({ subdomain: '${SUBDOMAIN}', txt: process.env.CERTBOT_VALIDATION });
const headers = { 'X-Api-User': '${USER}', 'X-Api-Key': '${KEY}' };
fetch('${url}/update', { method: 'POST', headers, body }).then((reply) => {
  // The name servers need a moment.
  setTimeout(() => process.exit(reply.status === 200 ? 0 : 1), 1000);
});
`,
        { mode: 0o755 },
      );
      const args = ['certonly', '--manual', '--preferred-challenges', 'dns', '--manual-auth-hook', hook];
      const asked = ['-d', CLIENT, '-d', `*.${CLIENT}`];
      const env = { REQUESTS_CA_BUNDLE: site.acme.caFile };
      expectSuccess(await site.run(pathOf('certbot'), [...args, ...asked, ...certbotSettings(site)], { env }));
      const certificate = join(site.dir, 'config', 'live', CLIENT, 'fullchain.pem');
      expect(await certificateNames(certificate)).toEqual([`*.${CLIENT}`, CLIENT]);
    }));

  const acmesh = acmeshSource === undefined ? it.skip : it;
  const title = acmeshSource === undefined ? ' (ACMESH_SOURCE names no source tree)' : '';
  acmesh(`is an acme-dns server for acme.sh's dns_acmedns${title}`, () =>
    atGateway(async (site, url) => {
      const home = acmeshSource ?? '';
      const args = [
        ...[join(home, 'acme.sh'), '--issue', '--dns', 'dns_acmedns', '-d', CLIENT, '-d', `*.${CLIENT}`],
        ...['--dnssleep', '1', '--home', home, '--config-home', join(site.dir, 'acme')],
        ...['--server', site.acme.directory, '--ca-bundle', site.acme.caFile],
      ];
      const env = {
        CURL_CA_BUNDLE: site.acme.caFile,
        ACMEDNS_BASE_URL: url,
        ACMEDNS_USERNAME: USER,
        ACMEDNS_PASSWORD: KEY,
        ACMEDNS_SUBDOMAIN: SUBDOMAIN,
      };
      expectSuccess(await site.run('sh', args, { env }));
      const certificate = join(site.dir, 'acme', `${CLIENT}_ecc`, 'fullchain.cer');
      expect(await certificateNames(certificate)).toEqual([`*.${CLIENT}`, CLIENT]);
    }),
  );
});
