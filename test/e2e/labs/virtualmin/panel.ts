import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, copyFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Endpoint, freePorts, LOOPBACK } from '../../lab/addresses.ts';
import { run, runOrThrow, startServer } from '../../lab/processes.ts';
import { installed, missingOf, pathOf } from '../../lab/programs.ts';
import { servesAll } from '../../lab/records.ts';

/** The directories of a Webmin and of a Virtualmin GPL source tree. */
const WEBMIN = process.env['WEBMIN_SOURCE'] ?? '';
const VIRTUALMIN = process.env['VIRTUALMIN_SOURCE'] ?? '';

const PROGRAMS = ['perl', 'named', 'rndc', 'named-checkconf', 'setpriv'];
const PACKAGES = 'perl libnet-ssleay-perl bind9';

/** Why Virtualmin cannot be started here, for a person; undefined where it can. */
export async function whyNoVirtualmin(): Promise<string | undefined> {
  if (WEBMIN === '') return 'WEBMIN_SOURCE names no Webmin source tree';
  if (!existsSync(join(WEBMIN, 'miniserv.pl'))) return `WEBMIN_SOURCE=${WEBMIN} holds no miniserv.pl`;
  if (VIRTUALMIN === '') return 'VIRTUALMIN_SOURCE names no source tree of Virtualmin GPL';
  if (!existsSync(join(VIRTUALMIN, 'remote.cgi'))) return `VIRTUALMIN_SOURCE=${VIRTUALMIN} holds no remote.cgi`;
  if (process.getuid?.() !== 0) return 'the commands of Virtualmin want to be root';
  const programs = missingOf(PROGRAMS);
  if (programs.length > 0) return `missing programs: ${programs.join(', ')}; apt-get install ${PACKAGES}`;
  const { code } = await run(installed('perl'), ['-MNet::SSLeay', '-MJSON::PP', '-e', '1']);
  return code === 0 ? undefined : `missing modules of Perl; apt-get install ${PACKAGES}`;
}

export interface RealVirtualmin {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** The BIND whose zone files the panel writes. */
  readonly dns: Endpoint;
  zoneFile(zone: string): Promise<string>;
  /** Adds lines to a zone file, as another program would. */
  appendTo(zone: string, lines: string): Promise<void>;
  /** The name of every TXT record with this value. */
  namesWith(value: string): Promise<string[]>;
  /** Kills the web server, with all that it is doing. */
  stopWeb(): Promise<void>;
  startWeb(): Promise<void>;
  close(): Promise<void>;
}

interface Settings {
  readonly dir: string;
  /** Each a virtual server with DNS and nothing else. */
  readonly zones: readonly string[];
  /** A value of somebody else at the challenge name of each zone but the last. */
  readonly foreign: string;
}

/** What the panel's parts need to know of each other. */
interface Place {
  readonly dir: string;
  readonly source: string;
  /** Webmin's and its modules' configuration. */
  readonly config: string;
  readonly bindDir: string;
  readonly webPort: number;
  readonly dnsPort: number;
  readonly controlPort: number;
}

/** Webmin's own web server with Virtualmin as a module, and the BIND that its commands feed. */
export async function startVirtualmin(settings: Settings): Promise<RealVirtualmin> {
  const { dir, zones } = settings;
  const [webPort, dnsPort, controlPort] = await freePorts(3);
  const [source, config, bindDir] = [join(dir, 'source'), join(dir, 'etc'), join(dir, 'bind')];
  const place = { dir, source, config, bindDir, webPort, dnsPort, controlPort };
  const dns = { host: LOOPBACK, port: dnsPort };
  const [username, password] = ['root', randomBytes(12).toString('hex')];
  const fileOf = (zone: string) => join(bindDir, `${zone}.hosts`);
  const zoneFile = (zone: string) => readFile(fileOf(zone), 'utf8');
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (let next = closers.pop(); next; next = closers.pop()) await next();
  };
  try {
    await writeZones(place, settings);
    await install(place, { username, password }, zones);
    closers.push(await startBind(place, () => servesAll(dns, zones)));
    let endWeb = await startWeb(place);
    closers.push(() => endWeb());
    return {
      url: `http://${LOOPBACK}:${webPort}`,
      username,
      password,
      dns,
      zoneFile,
      appendTo: (zone, lines) => appendFile(fileOf(zone), `${lines}\n`),
      async namesWith(value) {
        const files = await Promise.all(zones.map(zoneFile));
        const lines = files.flatMap((text) => text.split('\n')).filter((line) => line.includes(`TXT\t"${value}"`));
        return lines.map((line) => line.split(/\s/)[0] ?? '').sort();
      },
      stopWeb: () => endWeb(),
      async startWeb() {
        endWeb = await startWeb(place);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function writeZones({ dir, bindDir, dnsPort, controlPort }: Place, { zones, foreign }: Settings): Promise<void> {
  await mkdir(bindDir);
  const key = join(dir, 'rndc.key');
  await writeFile(key, `key lab { algorithm hmac-sha256; secret "${randomBytes(32).toString('base64')}"; };\n`);
  for (const zone of zones) {
    const lines = [
      '$ttl 60',
      `@\tIN\tSOA\tns1.${zone}. root.${zone}. 2026010101 3600 600 1209600 60`,
      `@\tIN\tNS\tns1.${zone}.`,
      `ns1.${zone}.\tIN\tA\t${LOOPBACK}`,
      ...(zone === zones.at(-1) ? [] : [`_acme-challenge.${zone}.\tIN\tTXT\t"${foreign}"`]),
      '',
    ];
    await writeFile(join(bindDir, `${zone}.hosts`), lines.join('\n'));
  }
  const options = [
    `include "${key}";`,
    `options { directory "${bindDir}"; pid-file none; lock-file none; session-keyfile "${dir}/session.key";`,
    `  listen-on port ${dnsPort} { ${LOOPBACK}; }; listen-on-v6 { none; };`,
    '  recursion no; dnssec-validation no; empty-zones-enable no; notify no; };',
    `controls { inet ${LOOPBACK} port ${controlPort} allow { ${LOOPBACK}; } keys { lab; }; };`,
    ...zones.map((zone) => `zone "${zone}" { type master; file "${bindDir}/${zone}.hosts"; };`),
    '',
  ];
  await writeFile(join(bindDir, 'named.conf'), options.join('\n'));
}

/** Webmin's own setup, without questions; then Virtualmin's module and what it knows of its virtual servers. */
async function install(place: Place, login: { username: string; password: string }, zones: readonly string[]) {
  const { dir, source, config, bindDir, webPort, controlPort } = place;
  await cp(WEBMIN, source, { recursive: true });
  await cp(VIRTUALMIN, join(source, 'virtual-server'), { recursive: true });
  await runOrThrow('/bin/sh', ['./setup.sh'], {
    cwd: source,
    timeoutSeconds: 120,
    env: {
      ...{ config_dir: config, var_dir: join(dir, 'var'), perl: installed('perl') },
      ...{ os_type: 'debian-linux', os_version: '12.0', real_os_type: 'Debian Linux', real_os_version: '12' },
      ...{ port: String(webPort), login: login.username, password: login.password, ssl: '0' },
      ...{ atboot: '0', nostart: '1', noperlpath: '1', nouninstall: '1', nopostinstall: '1', nochown: '1' },
    },
  });
  const rndc = `${installed('rndc')} -p ${controlPort} -k ${dir}/rndc.key`;
  await setIn(join(config, 'bind8/config'), {
    ...{ named_conf: `${bindDir}/named.conf`, zones_file: `${bindDir}/named.conf`, master_dir: bindDir },
    ...{ rndc_cmd: rndc, restart_cmd: `${rndc} reload`, start_cmd: 'true', stop_cmd: 'true' },
    pid_file: join(dir, 'named.pid'),
  });
  await setIn(join(config, 'miniserv.conf'), {
    // As the module's installer sets it: its remote API takes logins of HTTP, and no sessions.
    sessiononly: '/virtual-server/remote.cgi',
    ...{ bind: LOOPBACK, listen: '', ipv6: '', passwd_file: '', passdelay: '' },
  });
  await mkdir(join(config, 'virtual-server/domains'), { recursive: true });
  for (const [index, zone] of zones.entries()) {
    const id = `17000000${index}`;
    const file = join(config, 'virtual-server/domains', id);
    const domain = { id, dom: zone, user: `web${index}`, owner: zone, uid: 0, gid: 0, home: '/nonexistent', file };
    await setIn(file, { ...domain, dns: 1, name: 1, ip: LOOPBACK, emailto: 'root' });
  }
}

/** Sets keys in one of Webmin's files, or removes them. */
async function setIn(file: string, values: Readonly<Record<string, string | number>>): Promise<void> {
  const before = await readFile(file, 'utf8').catch(() => '');
  const kept = before.split('\n').filter((line) => line !== '' && !((line.split('=')[0] ?? '') in values));
  const set = Object.entries(values).filter(([, value]) => value !== '');
  await writeFile(file, [...kept, ...set.map(([key, value]) => `${key}=${value}`), ''].join('\n'), { mode: 0o600 });
}

async function startBind({ dir, bindDir }: Place, isReady: () => Promise<boolean>): Promise<() => Promise<void>> {
  // AppArmor confines the installed path.
  const named = join(dir, 'named');
  await copyFile(pathOf('named'), named);
  const args = ['-g', '-n', '1', '-c', join(bindDir, 'named.conf')];
  return startServer({ name: 'bind', command: named, args, dir, isReady });
}

function startWeb({ dir, source, config, webPort }: Place): Promise<() => Promise<void>> {
  const url = `http://${LOOPBACK}:${webPort}/virtual-server/remote.cgi`;
  const answers = async () => (await fetch(url, { method: 'POST', body: 'program=get-dns' })).status === 401;
  return startServer({
    name: 'web',
    command: installed('perl'),
    args: [join(source, 'miniserv.pl'), '--nofork', join(config, 'miniserv.conf')],
    dir,
    isReady: () => answers().catch(() => false),
  });
}
