import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OTHER_VALUE, VALUE } from '../support/cli.ts';
import { LAG } from './clients/matrix.ts';
import { atSite, FOREIGN, type Site } from './clients/site.ts';
import {
  acmeshNsupdate,
  certbotRfc2136,
  legoRfc2136,
  startUpdates,
  type UpdateLogin,
  whyNoUpdates,
} from './clients/update-clients.ts';
import { certificateNames } from './lab/certificate.ts';
import { describeLab } from './lab/describe-lab.ts';
import { type Lab, startLab } from './lab/lab.ts';
import { type Pebble, startPebble } from './lab/pebble.ts';
import { installed, pathTo } from './lab/programs.ts';
import type { Account } from './support/account.ts';
import { expectSuccess } from './support/outcome.ts';
import { openPowerdns } from './support/pdns.ts';

const CLIENTS = [certbotRfc2136, legoRfc2136(), acmeshNsupdate];
const TOOLS = ['nsupdate', 'nsupdate -v', 'knsupdate'];
const zoneFor = (title: string): string => `${title.replaceAll(/[ .]+/g, '-')}.front.test`;

describeLab('dynamic updates at the gateway', () => {
  let lab: Lab;
  beforeAll(async () => {
    const zones = [...CLIENTS.map(({ slug }) => slug), ...TOOLS].map(zoneFor);
    lab = await startLab({ zones, lagSeconds: LAG });
  });
  afterAll(() => lab?.close());

  describe.concurrent('get a certificate for a domain and its wildcard, at ZoneID', () => {
    it.for(CLIENTS.map((client) => [client.title, client] as const))('%s', async ([, client], { skip }) => {
      const obstacle = whyNoUpdates(client, lab);
      skip(obstacle !== undefined, obstacle);
      const zone = zoneFor(client.slug);
      const name = `_acme-challenge.${zone}`;
      await atSite(lab, { zones: [zone] }, async (site) => {
        await site.plant(name, FOREIGN);
        await startUpdates(site, [zone]);
        const domains = [zone, `*.${zone}`];
        expectSuccess(await client.issue(site, domains));
        expect(await certificateNames(client.certificateFile(site, domains))).toEqual([...domains].sort());
        expect(site.published).toHaveLength(2);
        await site.expectHeld(name, [FOREIGN]);
        expect(await site.journal()).toEqual([]);
      });
    });
  });

  describe.concurrent('publish, withdraw and refuse with', () => {
    it.for(TOOLS.map((title) => [title] as const))('%s', ([title], { skip }) => {
      const [program = ''] = title.split(' ');
      skip(pathTo(program) === undefined, `${program} is not installed (knot-dnsutils has knsupdate)`);
      const zone = zoneFor(title);
      const name = `_acme-challenge.${zone}`;
      return atSite(lab, { zones: [zone] }, async (site) => {
        await site.plant(name, FOREIGN);
        const login = await startUpdates(site, [zone]);
        const run = (...lines: string[]) => runTool(site, title, login, zone, lines);
        expectSuccess(await run(`update add ${name}. 60 in txt "${VALUE}"`));
        expectSuccess(await run(`update add ${name}. 60 in txt "${OTHER_VALUE}"`));
        await site.expectHeld(name, [FOREIGN, VALUE, OTHER_VALUE]);
        expectSuccess(await run(`update delete ${name}. in txt "${VALUE}"`));
        await site.expectHeld(name, [FOREIGN, OTHER_VALUE]);
        const taken = await run(`prereq nxrrset ${name}. in txt`, `update add ${name}. 60 in txt "${VALUE}"`);
        expect(`${taken.stdout}${taken.stderr}`).toContain('YXRRSET');
        expectSuccess(await run(`update delete ${name}. in txt`));
        await site.expectHeld(name, [FOREIGN]);
        const refused = await run(`update add www.${zone}. 60 in a 192.0.2.1`);
        expect(`${refused.stdout}${refused.stderr}`).toContain('REFUSED');
        const forged = { ...login, secret: randomBytes(32).toString('base64') };
        const unknown = await runTool(site, title, forged, zone, [`update add ${name}. 60 in txt "${VALUE}"`]);
        expect(unknown.code).not.toBe(0);
        expect(`${unknown.stdout}${unknown.stderr}`).toMatch(/BADSIG|bad.*signature/i);
        await site.expectHeld(name, [FOREIGN]);
        expect(await site.journal()).toEqual([]);
      });
    });
  });
});

const PDNS_ZONE = 'pdns.front.test';

describeLab('dynamic updates at the gateway, before a real PowerDNS', () => {
  let lab: Lab;
  let pdns: Awaited<ReturnType<typeof openPowerdns>>;
  let pebble: Pebble;
  beforeAll(async () => {
    [lab, pdns] = await Promise.all([startLab({ zones: [], lagSeconds: 0 }), openPowerdns(PDNS_ZONE)]);
    const dir = join(lab.dir, 'before-pdns');
    await mkdir(dir);
    pebble = await startPebble({ dir, dnsServer: pdns.nameserver });
  });
  afterAll(async () => {
    await pebble?.close();
    await Promise.all([pdns?.close(), lab?.close()]);
  });

  // One after the other, because they share the zone.
  it.for(
    [certbotRfc2136, legoRfc2136(['--dns.disable-cp']), acmeshNsupdate].map(
      (client) => [client.title, client] as const,
    ),
  )('%s gets a certificate for a domain and its wildcard', async ([, client], { skip }) => {
    const obstacle = whyNoUpdates(client, lab);
    skip(obstacle !== undefined, obstacle);
    const before = await pdns.contents();
    await atSite(lab, { zones: [], acme: pebble }, async (site) => {
      await startUpdates(site, [PDNS_ZONE], configFor(pdns));
      const domains = [PDNS_ZONE, `*.${PDNS_ZONE}`];
      expectSuccess(await client.issue(site, domains));
      expect(await certificateNames(client.certificateFile(site, domains))).toEqual([...domains].sort());
      expect(await site.journal()).toEqual([]);
    });
    expect(await pdns.contents()).toEqual(before);
  });
});

function configFor({ login, nameserver: { host, port } }: Account & { nameserver: { host: string; port: number } }) {
  return {
    accounts: { pdns: login },
    zones: { [PDNS_ZONE]: 'pdns' },
    dns: { nameservers: { [PDNS_ZONE]: [`${host}:${port}`] } },
  };
}

/** One update by one of these tools, with the zone that it finds out itself or is told. */
function runTool(site: Site, title: string, login: UpdateLogin, zone: string, lines: readonly string[]) {
  const [program = '', ...options] = title.split(' ');
  const { server, user, secret } = login;
  const key = ['-y', `hmac-sha256:${user}:${secret}`];
  const zoneLine = program === 'knsupdate' ? [`zone ${zone}.`] : [];
  const input = [`server ${server.host} ${server.port}`, ...zoneLine, ...lines, 'send', ''].join('\n');
  return site.run(installed(program), [...options, ...key], { input });
}
