import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Endpoint, freePorts, LOOPBACK } from '../lab/addresses.ts';
import type { Lab } from '../lab/lab.ts';
import { pathOf } from '../lab/programs.ts';
import type { AcmeClient } from './acme-client.ts';
import { certbot, certbotSettings } from './certbot.ts';
import { asked, legoCertificate, runLego } from './lego.ts';
import { LAG } from './matrix.ts';
import { whyNotRunnable } from './private-mounts.ts';
import { startServeProcess } from './serve.ts';
import type { Site } from './site.ts';

/** What clients of dynamic updates are told about the gateway. */
export interface UpdateLogin {
  readonly server: Endpoint;
  readonly user: string;
  /** In base64. */
  readonly secret: string;
  /** The same for `nsupdate -k`. */
  readonly keyFile: string;
}

const logins = new WeakMap<Site, UpdateLogin>();

function loginAt(site: Site): UpdateLogin {
  const login = logins.get(site);
  if (!login) throw new Error('startUpdates comes first');
  return login;
}

/** Starts `dns01 serve` at a site, for one user who may write these names by dynamic updates. */
export async function startUpdates(site: Site, names: readonly string[], more: object = {}): Promise<UpdateLogin> {
  const [http, port] = await freePorts(2);
  const server = { host: LOOPBACK, port };
  const secret = randomBytes(32).toString('base64');
  const users = { web1: { tsig: { algorithm: 'hmac-sha256', secret }, names } };
  const update = { listen: [`${LOOPBACK}:${port}`] };
  await site.configure({ ...more, serve: { listen: `${LOOPBACK}:${http}`, update, users } });
  site.whenClosed(await startServeProcess(site, server));
  const keyFile = join(site.dir, 'web1.key');
  await writeFile(keyFile, `key "web1" { algorithm hmac-sha256; secret "${secret}"; };\n`, { mode: 0o600 });
  const login = { server, user: 'web1', secret, keyFile };
  logins.set(site, login);
  return login;
}

export const certbotRfc2136: AcmeClient = {
  title: 'certbot-dns-rfc2136',
  slug: 'certbot-rfc2136',
  looksItself: false,
  oneAfterTheOther: false,
  async issue(site, domains, signal) {
    const { server, user, secret } = loginAt(site);
    const credentials = join(site.dir, 'rfc2136.ini');
    const lines = { server: server.host, port: server.port, name: user, secret, algorithm: 'HMAC-SHA256' };
    const text = Object.entries(lines).map(([key, value]) => `dns_rfc2136_${key} = ${value}\n`);
    await writeFile(credentials, text.join(''), { mode: 0o600 });
    const plugin = [
      '--dns-rfc2136',
      '--dns-rfc2136-credentials',
      credentials,
      '--dns-rfc2136-propagation-seconds',
      `${LAG + 2}`,
    ];
    const args = ['certonly', ...plugin, ...asked(domains), ...certbotSettings(site)];
    return site.run(pathOf('certbot'), args, { env: { REQUESTS_CA_BUNDLE: site.acme.caFile }, signal });
  },
  certificateFile: certbot.certificateFile,
};

/** @param more options that lego needs where its own look at the name servers is in vain */
export const legoRfc2136 = (more: readonly string[] = []): AcmeClient => ({
  title: 'lego rfc2136',
  slug: 'lego-rfc2136',
  looksItself: true,
  oneAfterTheOther: false,
  issue(site, domains, signal) {
    const { server, user, secret } = loginAt(site);
    const env = {
      RFC2136_NAMESERVER: `${server.host}:${server.port}`,
      RFC2136_TSIG_ALGORITHM: 'hmac-sha256.',
      RFC2136_TSIG_KEY: user,
      RFC2136_TSIG_SECRET: secret,
      RFC2136_POLLING_INTERVAL: '1',
      RFC2136_SEQUENCE_INTERVAL: '1',
    };
    return runLego(site, ['--dns', 'rfc2136', ...more, ...asked(domains), 'run'], env, signal);
  },
  certificateFile: legoCertificate,
});

const source = process.env['ACMESH_SOURCE'] ?? '';
const PLUGIN = '/usr/lib/python3/dist-packages/certbot_dns_rfc2136';

/** What is missing on this machine for a client. */
const MISSING: Readonly<Record<string, string | undefined>> = {
  'certbot-rfc2136': existsSync(PLUGIN) ? undefined : 'certbot-dns-rfc2136 is missing (python3-certbot-dns-rfc2136)',
  'acmesh-nsupdate': existsSync(join(source, 'acme.sh')) ? undefined : 'ACMESH_SOURCE names no source tree of acme.sh',
};

/** Why a client cannot be run here; undefined where it can. */
export const whyNoUpdates = (client: AcmeClient, lab: Lab): string | undefined =>
  MISSING[client.slug] ?? whyNotRunnable(client, lab);

export const acmeshNsupdate: AcmeClient = {
  title: 'acme.sh dns_nsupdate',
  slug: 'acmesh-nsupdate',
  looksItself: false,
  oneAfterTheOther: false,
  issue(site, domains, signal) {
    const { server, keyFile } = loginAt(site);
    const where = ['--home', site.dir, '--config-home', site.dir, '--cert-home', site.dir];
    const acme = ['--server', site.acme.directory, '--ca-bundle', site.acme.caFile, '--dnssleep', `${LAG + 2}`];
    const args = ['--issue', '--dns', 'dns_nsupdate', ...where, ...acme, ...asked(domains)];
    const env = {
      NSUPDATE_SERVER: server.host,
      NSUPDATE_SERVER_PORT: String(server.port),
      NSUPDATE_KEY: keyFile,
      NSUPDATE_OPT: '-v',
    };
    // It looks for the script of the provider in its home, which is the folder that it is started from.
    const command = 'cp -r "$1/acme.sh" "$1/dnsapi" "$2/" && cd "$2" && shift 2 && exec sh ./acme.sh "$@"';
    return site.run('sh', ['-c', command, 'sh', source, site.dir, ...args], { env, signal });
  },
  certificateFile: (site, [first = '']) => join(site.dir, `${first}_ecc`, `${first}.cer`),
};
