import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, copyFile, cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Endpoint, freePorts, LOOPBACK } from '../../lab/addresses.ts';
import { runOrThrow, startServer } from '../../lab/processes.ts';
import { missingOf, PROGRAM_PATH, pathOf, pathTo } from '../../lab/programs.ts';
import { servesAll } from '../../lab/records.ts';

/** The directory of a HestiaCP source tree: what its repository holds. */
const SOURCE = process.env['HESTIA_SOURCE'] ?? '';

const PROGRAMS = ['php', 'jq', 'idn2', 'perl', 'named', 'named-checkconf', 'rndc', 'dig', 'setpriv'];
const PACKAGES = 'php-cli jq idn2 perl bind9 bind9-utils bind9-dnsutils';

/** Why the panel's API and commands cannot be run here, for a person; undefined where they can. */
export function whyNoPanel(): string | undefined {
  if (SOURCE === '') return 'HESTIA_SOURCE names no HestiaCP source tree';
  if (!existsSync(join(SOURCE, 'web/api/index.php'))) return `HESTIA_SOURCE=${SOURCE} holds no web/api/index.php`;
  if (process.getuid?.() !== 0) return "the panel's commands want to be root";
  const programs = missingOf(PROGRAMS);
  return programs.length > 0 ? `missing programs: ${programs.join(', ')}; apt-get install ${PACKAGES}` : undefined;
}

export interface PanelSettings {
  readonly dir: string;
  /** The zones of each user. */
  readonly zones: Readonly<Record<string, readonly string[]>>;
  /** A value of somebody else at the challenge name of each zone. */
  readonly foreign: string;
  /** Roles of access keys and the commands that they allow. */
  readonly roles: Readonly<Record<string, readonly string[]>>;
}

export interface AccessKey {
  readonly accessKey: string;
  readonly secretKey: string;
}

export interface RealPanel {
  readonly url: string;
  /** The name server for which the panel's commands write zones. */
  readonly dns: Endpoint;
  /** By the panel's own command. */
  keyFor(user: string, role: string): Promise<AccessKey>;
  /** Runs a command of the panel as its web interface does, and returns what it prints. */
  command(name: string, ...args: readonly string[]): Promise<string>;
  /** How many records a zone of this user may have from now on. */
  limitRecords(user: string, limit: number | 'unlimited'): Promise<void>;
  stopWeb(): Promise<void>;
  startWeb(): Promise<void>;
  close(): Promise<void>;
}

interface Place {
  readonly dir: string;
  /** What is /usr/local/hestia on a server. */
  readonly hestia: string;
  readonly home: string;
  /** Programs that stand in for the system's: rndc with the laboratory's key, and systemctl. */
  readonly bin: string;
  /** What is /etc/bind/named.conf on a server: the panel writes it. */
  readonly zonesConf: string;
  readonly webPort: number;
  readonly dnsPort: number;
  readonly controlPort: number;
}

type Close = () => Promise<void>;

/**
 * The panel's API and its DNS commands, unchanged but for the absolute paths in them, with a BIND that they write zones
 * for. Nothing is installed, and no account of the system is made.
 */
export async function startPanel(settings: PanelSettings): Promise<RealPanel> {
  const place = await makePlace(settings.dir);
  const dns = { host: LOOPBACK, port: place.dnsPort };
  const url = `http://${LOOPBACK}:${place.webPort}`;
  await seed(place, settings);
  const zones = Object.values(settings.zones).flat();
  for (const [user, own] of Object.entries(settings.zones)) {
    for (const zone of own) await command(place, 'v-rebuild-dns-domain', user, zone, 'no');
  }
  const closeBind = await startBind(place, () => servesAll(dns, zones));
  let closeWeb: Close | undefined;
  const stopWeb = async () => {
    await closeWeb?.();
    closeWeb = undefined;
  };
  const startWeb = async () => {
    closeWeb = await serveWeb(place, url);
  };
  const close = async () => {
    await stopWeb();
    await closeBind();
  };
  try {
    await startWeb();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    url,
    dns,
    async keyFor(user, role) {
      const shown = JSON.parse(await command(place, 'v-add-access-key', user, role, 'laboratory', 'json')) as {
        readonly ACCESS_KEY_ID: string;
        readonly SECRET_ACCESS_KEY: string;
      };
      return { accessKey: shown.ACCESS_KEY_ID, secretKey: shown.SECRET_ACCESS_KEY };
    },
    command: (name, ...args) => command(place, name, ...args),
    async limitRecords(user, limit) {
      const file = join(place.hestia, 'data/users', user, 'user.conf');
      const text = await readFile(file, 'utf8');
      await writeFile(file, text.replace(/^DNS_RECORDS='.*'$/m, `DNS_RECORDS='${limit}'`));
    },
    stopWeb,
    startWeb,
    close,
  };
}

function command({ hestia, bin }: Place, name: string, ...args: readonly string[]): Promise<string> {
  return runOrThrow(join(hestia, 'bin', name), [...args], { env: environment(hestia, bin), cwd: hestia });
}

const environment = (hestia: string, bin: string) => ({ PATH: `${bin}:${PROGRAM_PATH}`, HESTIA: hestia });

async function makePlace(dir: string): Promise<Place> {
  const [hestia, home, bin] = [join(dir, 'hestia'), join(dir, 'home'), join(dir, 'bin')];
  const [webPort, dnsPort, controlPort] = await freePorts(3);
  const zonesConf = join(dir, 'zones.conf');
  const place = { dir, hestia, home, bin, zonesConf, webPort, dnsPort, controlPort };
  for (const path of [home, bin, join(hestia, 'php/bin'), join(hestia, 'conf'), join(hestia, 'log')]) {
    await mkdir(path, { recursive: true });
  }
  await copySource(place);
  await symlink(program('php'), join(hestia, 'php/bin/php'));
  await writeFile(join(dir, 'hestia.conf'), `export HESTIA='${hestia}'\n`);
  // The function is a library of its own, which the installer fetches: quoting of arguments for a shell.
  await mkdir(join(hestia, 'web/inc/vendor'), { recursive: true });
  await writeFile(
    join(hestia, 'web/inc/vendor/autoload.php'),
    '<?php\nnamespace Hestiacp\\quoteshellarg;\nfunction quoteshellarg($arg) { return \\escapeshellarg((string) $arg); }\n',
  );
  return place;
}

/** Commands and API as they are, with the paths of this place in the place of the system's. */
async function copySource({ dir, hestia, home, bin, zonesConf }: Place): Promise<void> {
  const paths: readonly (readonly [string, string])[] = [
    ['/etc/hestiacp/hestia.conf', join(dir, 'hestia.conf')],
    ['/usr/bin/sudo ', ''],
    ['/usr/local/hestia', hestia],
    ["HOMEDIR='/home'", `HOMEDIR='${home}'`],
    ['/usr/sbin/rndc', join(bin, 'rndc')],
    ['/etc/bind/named.conf', zonesConf],
    ['/usr/sbin/named-checkconf', program('named-checkconf')],
  ];
  for (const part of ['bin', 'func', 'web/api', 'web/inc']) {
    await cp(join(SOURCE, part), join(hestia, part), { recursive: true });
    for (const entry of await readdir(join(hestia, part), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      const text = await readFile(file, 'utf8');
      const changed = paths.reduce((whole, [from, to]) => whole.replaceAll(from, to), text);
      if (changed !== text) await writeFile(file, changed);
      if (part === 'bin') await chmod(file, 0o755);
    }
  }
}

/** What the installer and `v-add-user`, `v-add-dns-domain` would write, without accounts of the system. */
async function seed({ hestia, home, zonesConf }: Place, { zones, foreign, roles }: PanelSettings): Promise<void> {
  const config = {
    DNS_SYSTEM: 'bind9',
    API: 'no',
    API_SYSTEM: '2',
    API_ALLOWED_IP: LOOPBACK,
    ROOT_USER: 'hestiaadmin',
    VERSION: '1.10.3',
    LANGUAGE: 'en',
  };
  await writeFile(join(hestia, 'conf/hestia.conf'), pairs(config).join('\n'));
  await writeFile(zonesConf, '');
  await mkdir(join(hestia, 'data/api'), { recursive: true });
  for (const [role, commands] of Object.entries(roles)) {
    await writeFile(join(hestia, 'data/api', role), `ROLE='user'\nCOMMANDS='${commands.join(',')}'\n`);
  }
  for (const [user, own] of [['hestiaadmin', []] as const, ...Object.entries(zones)]) {
    const data = join(hestia, 'data/users', user);
    await mkdir(join(data, 'dns'), { recursive: true });
    await mkdir(join(home, user, 'conf/dns'), { recursive: true });
    const account = {
      NAME: user,
      CONTACT: 'you@example.com',
      ROLE: user === 'hestiaadmin' ? 'admin' : 'user',
      DNS_DOMAINS: 'unlimited',
      DNS_RECORDS: 'unlimited',
      NS: 'ns1.example.com,ns2.example.com',
      SUSPENDED: 'no',
      U_DNS_DOMAINS: String(own.length),
      U_DNS_RECORDS: '0',
    };
    await writeFile(join(data, 'user.conf'), `${pairs(account).join('\n')}\n`);
    await writeFile(join(data, 'history.log'), '');
    await writeFile(join(data, 'dns.conf'), own.map((zone) => `${pairs(zoneOf(zone)).join(' ')}\n`).join(''));
    for (const zone of own) {
      const rows = [
        ['@', 'NS', `ns1.${zone}.`],
        ['ns1', 'A', LOOPBACK],
        ['_acme-challenge', 'TXT', /[;\s]/.test(foreign) ? `"${foreign}"` : foreign],
        // As the panel's own key for signed mail, with a backslash that its listing does not escape.
        ['mail._domainkey', 'TXT', '"v=DKIM1\\; k=rsa\\; p=MIGf"'],
      ].map(([RECORD = '', TYPE = '', VALUE = ''], index) => ({
        ...{ ID: String(index + 1), RECORD, TYPE, PRIORITY: '', VALUE, SUSPENDED: 'no', ...TIMES },
      }));
      await writeFile(join(data, 'dns', `${zone}.conf`), rows.map((row) => `${pairs(row).join(' ')}\n`).join(''));
    }
  }
}

const TIMES = { TIME: '18:00:00', DATE: '2026-11-21' };

const zoneOf = (zone: string) => ({
  ...{ DOMAIN: zone, IP: LOOPBACK, TPL: 'default', TTL: '14400', EXP: '2027-11-21', SOA: `ns1.${zone}` },
  ...{ SERIAL: '3000000000', SRC: '', RECORDS: '4', DNSSEC: 'no', KEY: '', SLAVE: 'no', MASTER: '', SUSPENDED: 'no' },
  ...TIMES,
});

const pairs = (values: Readonly<Record<string, string>>): string[] =>
  Object.entries(values).map(([key, value]) => `${key}='${value}'`);

async function startBind(place: Place, isReady: () => Promise<boolean>): Promise<Close> {
  const { dir, bin, zonesConf, dnsPort, controlPort } = place;
  const key = join(dir, 'rndc.key');
  const config = join(dir, 'named.conf');
  await writeFile(key, `key lab { algorithm hmac-sha256; secret "${randomBytes(32).toString('base64')}"; };\n`);
  await writeFile(
    config,
    [
      `include "${key}";`,
      `options { directory "${dir}"; pid-file none; lock-file none; session-keyfile "${dir}/session.key";`,
      `  listen-on port ${dnsPort} { ${LOOPBACK}; }; listen-on-v6 { none; };`,
      '  recursion no; dnssec-validation no; empty-zones-enable no; notify no; };',
      `controls { inet ${LOOPBACK} port ${controlPort} allow { ${LOOPBACK}; } keys { lab; }; };`,
      `include "${zonesConf}";`,
      '',
    ].join('\n'),
  );
  const rndc = `exec '${program('rndc')}' -p ${controlPort} -k '${key}'`;
  await writeFile(join(bin, 'rndc'), `#!/bin/sh\n${rndc} "$@"\n`, { mode: 0o755 });
  const systemctl = ['#!/bin/sh', 'case "$1" in', `reload-or-restart|restart) ${rndc} reload ;;`, 'esac', ''];
  await writeFile(join(bin, 'systemctl'), systemctl.join('\n'), { mode: 0o755 });
  // AppArmor confines the installed path.
  const named = join(dir, 'named');
  await copyFile(pathOf('named'), named);
  return startServer({ name: 'bind', command: named, args: ['-g', '-n', '1', '-c', config], dir, isReady });
}

/** PHP's own web server, in one process: of several, only the first would be ended. */
function serveWeb({ dir, hestia, bin, webPort }: Place, url: string): Promise<Close> {
  const isUp = async () => (await fetch(`${url}/api/`, { method: 'POST', body: '{}' })).status === 405;
  return startServer({
    name: 'web',
    command: program('php'),
    args: ['-S', `${LOOPBACK}:${webPort}`, '-t', join(hestia, 'web')],
    env: environment(hestia, bin),
    dir,
    isReady: () => isUp().catch(() => false),
  });
}

function program(name: string): string {
  const path = pathTo(name);
  if (path === undefined) throw new Error(`${name} is not installed`);
  return path;
}
