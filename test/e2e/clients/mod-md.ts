import { chmod, chown, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts, LOOPBACK } from '../lab/addresses.ts';
import { run, runOrThrow, startServer } from '../lab/processes.ts';
import { installed } from '../lab/programs.ts';
import type { Site } from './site.ts';

const caFileOf = (site: Site): string => join(site.dir, 'ca.pem');

const MODULES = '/usr/lib/apache2/modules';

/** An Apache with mod_md that manages the site's first zone and its wildcard. */
export interface ManagedApache {
  /** Where the certificate is stored. */
  readonly certificateFile: string;
  readonly logFile: string;
  /** Restarts it, so that it takes a new certificate into use. */
  reload(): Promise<void>;
}

/** @param directives the lines of the page, and what a test wants to have otherwise */
export async function startApache(site: Site, directives: readonly string[]): Promise<ManagedApache> {
  const [domain = ''] = site.zones;
  const [port] = await freePorts(2);
  const configFile = join(site.dir, 'apache2.conf');
  // What startServer makes, and shows if Apache does not start.
  const logFile = join(site.dir, 'apache2.log');
  const needed = ['mpm_event', 'authz_core', 'socache_shmcb', 'ssl', 'md'];
  const lines = [
    ...needed.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`),
    `ServerName ${domain}`,
    'User www-data',
    'Group www-data',
    `PidFile ${join(site.dir, 'apache2.pid')}`,
    `DefaultRuntimeDir ${site.dir}`,
    'ErrorLog /dev/stderr',
    'LogLevel warn md:info',
    `Listen ${LOOPBACK}:${port}`,
    `MDStoreDir ${join(site.dir, 'md')}`,
    `MDCertificateAuthority ${site.acme.directory}`,
    `MDCACertificateFile ${caFileOf(site)}`,
    'MDCertificateAgreement accepted',
    'MDContactEmail you@example.com',
    `MDPortMap http:- https:${port}`,
    ...directives,
    `<VirtualHost ${LOOPBACK}:${port}>`,
    `  ServerName ${domain}`,
    '  SSLEngine on',
    '</VirtualHost>',
    '',
  ];
  await writeFile(configFile, lines.join('\n'));
  const apache = installed('apache2');
  const args = ['-f', configFile, '-d', site.dir];
  const env = { PATH: `${site.bin}:/usr/bin:/bin` };
  const close = await startServer({
    name: 'apache2',
    command: apache,
    args: [...args, '-D', 'FOREGROUND'],
    env,
    dir: site.dir,
    isReady: async () => (await run('curl', ['-sko', '/dev/null', `https://${LOOPBACK}:${port}/`])).code === 0,
  });
  site.whenClosed(close);
  return {
    certificateFile: join(site.dir, 'md', 'domains', domain, 'pubcert.pem'),
    logFile,
    reload: async () => void (await runOrThrow(apache, [...args, '-k', 'graceful'], { env })),
  };
}

/** What the page does to the config and the state directory, and for the laboratory's temporary directories. */
export async function openedForApache(site: Site): Promise<void> {
  const www = Number(await runOrThrow('id', ['-u', 'www-data']));
  const configFile = join(site.here.directory, 'dns01.yaml');
  await Promise.all([site.here.directory, site.dir].map((directory) => chmod(directory, 0o711)));
  await copyFile(site.acme.caFile, caFileOf(site));
  await chown(configFile, 0, www);
  await chmod(configFile, 0o640);
  await mkdir(site.here.stateDirectory, { mode: 0o700 });
  await chown(site.here.stateDirectory, www, www);
  await chmod(join(site.here.directory, 'calls'), 0o666);
}
