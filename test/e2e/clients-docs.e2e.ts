import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { VALUE } from '../support/cli.ts';
import type { AcmeClient } from './clients/acme-client.ts';
import { acmetool, acmetoolSettings, hooksOf, setUpAcmetool } from './clients/acmetool.ts';
import { certbot, certbotSettings } from './clients/certbot.ts';
import { dehydrated, registerDehydrated, runDehydrated, writeDehydratedConfig } from './clients/dehydrated.ts';
import { legoExec, legoHttpreq, legoSettings } from './clients/lego.ts';
import { LAG } from './clients/matrix.ts';
import { clientPages, pasted, putInPath } from './clients/pages.ts';
import { whyNotRunnable } from './clients/private-mounts.ts';
import { startServeProcess } from './clients/serve.ts';
import { atSite, FOREIGN, type Site } from './clients/site.ts';
import { uacme, uacmeSettings } from './clients/uacme.ts';
import { freePorts, LOOPBACK } from './lab/addresses.ts';
import { certificateNames } from './lab/certificate.ts';
import { describeLab } from './lab/describe-lab.ts';
import { type Lab, startLab } from './lab/lab.ts';
import { run } from './lab/processes.ts';
import { pathOf } from './lab/programs.ts';
import { holdsWithin } from './lab/until.ts';
import { expectSuccess } from './support/outcome.ts';

/** A page whose lines get a certificate from a real client. */
interface IssuingPage {
  readonly client: AcmeClient;
  /** The names that the page asks for, by what stands before the domain. */
  readonly names: readonly string[];
  follow(site: Site): Promise<void>;
}

const ISSUING: Readonly<Record<string, IssuingPage>> = {
  'certbot.md': {
    client: certbot,
    names: ['', '*.'],
    async follow(site) {
      await putInPath(site, 'certbot', [pathOf('certbot')], { after: certbotSettings(site) });
      await runAll(site, 'certbot.md');
    },
  },
  'lego.md': {
    client: legoExec,
    names: ['', '*.'],
    async follow(site) {
      await putInPath(site, 'lego', [pathOf('lego')], { before: legoSettings(site) });
      await runAll(site, 'lego.md');
    },
  },
  'dehydrated.md': {
    client: dehydrated,
    names: ['', '*.'],
    async follow(site) {
      await writeDehydratedConfig(site, await pasted(site, 'dehydrated.md'));
      await registerDehydrated(site);
      expectSuccess(await runDehydrated(site, [site.zones[0] ?? '', `*.${site.zones[0]}`]));
    },
  },
  'uacme.md': {
    client: uacme,
    names: ['', '*.'],
    async follow(site) {
      await putInPath(site, 'uacme', [pathOf('uacme')], { before: uacmeSettings(site) });
      await paste(site, 'uacme new');
      await runAll(site, 'uacme.md');
    },
  },
  'acmetool.md': {
    client: acmetool,
    names: ['', 'www.'],
    async follow(site) {
      await setUpAcmetool(site);
      await putInPath(site, 'acmetool', [pathOf('acmetool')], { before: acmetoolSettings(site) });
      const [lines = ''] = await pasted(site, 'acmetool.md');
      const folder = /cat >(\S+)\/dns01/.exec(lines)?.[1] ?? '';
      // The folder of the page is the one in which an acmetool looks that is told nothing.
      const { stderr, stdout } = await run(pathOf('acmetool'), ['--help']);
      expect(stdout + stderr).toContain(`--hooks=${folder.replace(site.here.directory, '')} `);
      await paste(site, lines.replaceAll(folder, hooksOf(site)));
    },
  },
  'rfc2136.md': {
    client: certbot,
    names: ['', '*.'],
    async follow(site) {
      const [makeKey = '', serveAndIssue = ''] = await pasted(site, 'rfc2136.md');
      const [settings = ''] = await pasted(site, 'rfc2136.md', 'yaml');
      const [httpPort, port] = await freePorts(2);
      await mkdir(join(site.here.directory, 'etc', 'dns01'), { recursive: true });
      await paste(site, makeKey);
      await site.configure(parse(settings.replace(':8053', `:${httpPort}`).replace(':5353', `:${port}`)));

      const [serve, ...issue] = serveAndIssue.split('\n');
      expect(serve).toBe('dns01 serve');
      site.whenClosed(await startServeProcess(site, { host: LOOPBACK, port }));
      await putInPath(site, 'certbot', [pathOf('certbot')], { after: certbotSettings(site) });
      const lines = issue.join('\n').replace('port = 5353', `port = ${port}`);
      await paste(site, lines.replace('propagation-seconds 30', `propagation-seconds ${LAG + 2}`));
    },
  },
  'serve.md': {
    client: legoHttpreq,
    names: [''],
    async follow(site) {
      const [makePassword = '', serveAndIssue = ''] = await pasted(site, 'serve.md');
      const [settings = ''] = await pasted(site, 'serve.md', 'yaml');
      const [port] = await freePorts(2);
      await mkdir(join(site.here.directory, 'etc', 'dns01'), { recursive: true });
      const hash = (await paste(site, makePassword)).trim();
      await site.configure(parse(settings.replace('scrypt$…', hash).replace(':8053', `:${port}`)));

      const [serve, ...issue] = serveAndIssue.split('\n');
      expect(serve).toBe('dns01 serve');
      site.whenClosed(await startServeProcess(site, { host: LOOPBACK, port }));
      await putInPath(site, 'lego', [pathOf('lego')], { before: legoSettings(site) });
      await paste(site, issue.join('\n').replace(':8053', `:${port}`));
    },
  },
};

/** Pages of clients that no distribution packages: their lines are followed up to the client's own part. */
const BY_HAND: Readonly<Record<string, (site: Site, name: string) => Promise<void>>> = {
  async 'acme.sh.md'(site) {
    const [lines = ''] = await pasted(site, 'acme.sh.md');
    const dnsapi = join(site.here.directory, '.acme.sh', 'dnsapi');
    await mkdir(dnsapi, { recursive: true });
    const [install = '', ...issue] = lines.split('\n');
    await paste(site, install);
    await access(join(dnsapi, 'dns_dns01.sh'));
    expect(issue.join('\n')).toContain('--dns dns_dns01 ');
    expectSuccess(await site.run('sh', ['-n', '-c', lines]));
  },
  async 'acme-dns.md'(site) {
    const [zone = ''] = site.zones;
    const own = (text: string) => text.replaceAll('auth.example.net', zone).replace('my-account', 'zone-eu');
    const [settings = ''] = await pasted(site, 'acme-dns.md', 'yaml');
    const [port] = await freePorts(2);
    const { serve, ...config } = parse(own(settings).replace(':8053', `:${port}`));
    await site.configure({ ...config, serve: { ...serve, lease: 5 } });
    const [commands = ''] = await pasted(site, 'acme-dns.md', 'console');
    const add = own(/^ *\$ (.*)$/m.exec(commands)?.[1] ?? '');
    const login = Object.fromEntries(
      (await paste(site, add))
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t')),
    );
    site.whenClosed(await startServeProcess(site, { host: LOOPBACK, port }));
    const curl = (await pasted(site, 'acme-dns.md')).at(-1) ?? '';
    const line = curl
      .replace('X-Api-Key: …', `X-Api-Key: ${login['password']}`)
      .replace('8e5700ea-…', login['subdomain'] ?? '')
      .replace(/https:\S+/, `http://${LOOPBACK}:${port}/update`);
    expect(await paste(site, line)).toBe(`{"txt": "${VALUE}"}`);
    await site.expectHeld(login['fulldomain'] ?? '', [VALUE]);
    await holdsWithin(15, async () => (await site.journal()).length === 0);
  },
  async 'getssl.md'(site, name) {
    const [settings = ''] = await pasted(site, 'getssl.md');
    // As getssl itself calls them (dns_add_command in getssl 2.51).
    await paste(site, `${settings}\neval "$DNS_ADD_COMMAND" ${site.zones[0]} ${VALUE}`);
    await site.expectHeld(name, [FOREIGN, VALUE]);
    await paste(site, `${settings}\neval "$DNS_DEL_COMMAND" ${site.zones[0]} ${VALUE}`);
  },
  async 'simple-acme.md'(site, name) {
    const [settings = ''] = await pasted(site, 'simple-acme.md', '');
    const call = async (option: string) => {
      const template = new RegExp(`^--${option} +"(.*)"$`, 'm').exec(settings)?.[1] ?? '';
      const words = { '{Identifier}': site.zones[0] ?? '', '{RecordName}': name, '{Token}': VALUE };
      const args = template.split(' ').map((word) => words[word as keyof typeof words] ?? word);
      expectSuccess(await site.run('dns01', args));
    };
    await call('dnscreatescriptarguments');
    await site.expectHeld(name, [FOREIGN, VALUE]);
    await call('dnsdeletescriptarguments');
  },
};

/** Pages that have suites of their own (mod-md.e2e.ts, ansible.e2e.ts), and those of programs that were not tried. */
const ELSEWHERE = ['ansible.md', 'caddy.md', 'cert-manager.md', 'mod_md.md', 'proxmox.md', 'traefik.md'];

const zoneFor = (page: string) => `${page.replace('.md', '').replace('.', '-')}.docs.test`;

describeLab('the lines to paste', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab({ zones: [...Object.keys(ISSUING), ...Object.keys(BY_HAND)].map(zoneFor), lagSeconds: LAG });
  });
  afterAll(() => lab?.close());

  it('are tested on every page', async () => {
    expect([...Object.keys(ISSUING), ...Object.keys(BY_HAND), ...ELSEWHERE].sort()).toEqual(await clientPages());
  });

  describe.concurrent('get a certificate', () => {
    it.for(Object.entries(ISSUING))('%s', async ([page, { client, names, follow }], { skip }) => {
      const obstacle = whyNotRunnable(client, lab);
      skip(obstacle !== undefined, obstacle);
      const zone = zoneFor(page);
      const domains = names.map((before) => `${before}${zone}`);
      await atPage(page, async (site) => {
        await follow(site);
        expect(await certificateNames(client.certificateFile(site, domains))).toEqual([...domains].sort());
        expect(site.published).toHaveLength(domains.length);
      });
    });
  });

  describe.concurrent('do what the client would call for', () => {
    it.for(Object.entries(BY_HAND))('%s', ([page, follow]) =>
      atPage(page, (site) => follow(site, `_acme-challenge.${zoneFor(page)}`)),
    );
  });

  /** Nothing stays at the challenge name but the value of somebody else. */
  async function atPage(page: string, task: (site: Site) => Promise<void>): Promise<void> {
    const zone = zoneFor(page);
    await atSite(lab, { zones: [zone] }, async (site) => {
      await site.plant(`_acme-challenge.${zone}`, FOREIGN);
      await task(site);
      await site.expectHeld(`_acme-challenge.${zone}`, [FOREIGN]);
      expect(await site.journal()).toEqual([]);
    });
  }
});

async function runAll(site: Site, page: string): Promise<void> {
  for (const lines of await pasted(site, page)) await paste(site, lines);
}

/** Runs lines as somebody does who pastes them into a shell. Gives stdout. */
async function paste(site: Site, lines: string): Promise<string> {
  const outcome = await site.run('sh', ['-e', '-c', lines], { env: { REQUESTS_CA_BUNDLE: site.acme.caFile } });
  expectSuccess(outcome);
  return outcome.stdout;
}
