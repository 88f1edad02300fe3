import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Endpoint, freePorts, LOOPBACK } from '../../lab/addresses.ts';
import { run, runOrThrow, startServer } from '../../lab/processes.ts';
import { missingOf, PROGRAM_PATH, pathOf, pathTo } from '../../lab/programs.ts';
import { servesAll } from '../../lab/records.ts';

/** The directory of an ISPConfig 3 source tree: what a release's archive holds. */
const SOURCE = process.env['ISPCONFIG_SOURCE'] ?? '';

const PROGRAMS = ['php', 'mariadbd', 'mariadb', 'mariadb-install-db', 'named', 'rndc', 'dig', 'setpriv'];
const MODULES = ['curl', 'intl', 'mbstring', 'mysqli', 'soap', 'xml'];
const PACKAGES =
  'php-cli php-curl php-intl php-mbstring php-mysql php-soap php-xml mariadb-server bind9 bind9-dnsutils';

/** Why the panel cannot be started here, for a person; undefined where it can. */
export async function whyNoPanel(): Promise<string | undefined> {
  if (SOURCE === '') return 'ISPCONFIG_SOURCE names no ISPConfig source tree';
  if (!existsSync(join(SOURCE, 'interface/web/remote/json.php'))) {
    return `ISPCONFIG_SOURCE=${SOURCE} holds no interface/web/remote/json.php`;
  }
  if (process.getuid?.() !== 0) return "the panel's server script wants to be root";
  const programs = missingOf(PROGRAMS);
  if (programs.length > 0) return `missing programs: ${programs.join(', ')}; apt-get install ${PACKAGES}`;
  const loaded = (await runOrThrow(pathTo('php') ?? '', ['-m'])).toLowerCase().split('\n');
  const modules = MODULES.filter((module) => !loaded.includes(module));
  return modules.length > 0 ? `missing modules of PHP: ${modules.join(', ')}; apt-get install ${PACKAGES}` : undefined;
}

export interface PanelUser {
  readonly name: string;
  readonly password: string;
  /** What it may call by the remote API. */
  readonly functions: readonly string[];
}

export interface PanelSettings {
  readonly dir: string;
  readonly zones: readonly string[];
  /** A value of somebody else at the challenge name of each zone. */
  readonly foreign: string;
  readonly users: readonly PanelUser[];
}

export interface RealPanel {
  /** Of the JSON API. */
  readonly url: string;
  /** The name server that the panel's own server script writes zones for. */
  readonly dns: Endpoint;
  /** The names of the rows with this value, sorted; a name that stands there twice is given twice. */
  namesWith(value: string): Promise<string[]>;
  /** Ends the sessions of all who are logged in. */
  endSessions(): Promise<void>;
  close(): Promise<void>;
}

/** What the panel's parts need to know of each other. */
interface Place {
  readonly dir: string;
  readonly source: string;
  /** Of BIND's configuration and of the zone files, which the panel writes. */
  readonly dnsDir: string;
  /** What the panel's server script takes for the system's programs. */
  readonly bin: string;
  /** MariaDB's. A socket's path holds 107 bytes. */
  readonly socket: string;
  readonly webPort: number;
  readonly dnsPort: number;
  readonly controlPort: number;
  readonly sqlPort: number;
}

type Close = () => Promise<void>;

/** The real panel, its database, its server script every second, and the BIND that the script feeds. */
export async function startPanel(settings: PanelSettings): Promise<RealPanel> {
  const place = await makePlace(settings.dir);
  const { source, socket, dnsDir } = place;
  const dns = { host: LOOPBACK, port: place.dnsPort };
  const url = `http://${LOOPBACK}:${place.webPort}/remote/json.php`;
  const closers: Close[] = [];
  const close = async () => {
    for (let next = closers.pop(); next; next = closers.pop()) await next();
  };
  try {
    closers.push(await startDatabase(place));
    await install(place);
    const seed = fileURLToPath(new URL('seed.php', import.meta.url));
    await runOrThrow(program('php'), [seed, source, socket, dnsDir, JSON.stringify(settings)]);
    closers.push(await startBind(place));
    closers.push(await startServerScript(place, () => servesAll(dns, settings.zones)));
    closers.push(await startWeb(place, url));
    return {
      url,
      dns,
      async namesWith(value) {
        const rows = await sql(place, `use dbispconfig; select name from dns_rr where data='${value}' order by name;`);
        return rows.split('\n').slice(1, -1);
      },
      async endSessions() {
        await sql(place, 'use dbispconfig; delete from remote_session;');
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function makePlace(dir: string): Promise<Place> {
  const [source, dnsDir, bin] = [join(dir, 'source'), join(dir, 'zones'), join(dir, 'bin')];
  const [webPort, dnsPort, controlPort, sqlPort] = await freePorts(5);
  await Promise.all([dnsDir, bin].map((path) => mkdir(path)));
  await cp(SOURCE, source, { recursive: true });
  return { dir, source, dnsDir, bin, socket: join(dir, 's'), webPort, dnsPort, controlPort, sqlPort };
}

/** What the statements print: rows in lines, the columns' names first. */
function sql({ socket }: Place, statements: string): Promise<string> {
  return runOrThrow(program('mariadb'), ['--no-defaults', '-uroot', '-S', socket], { input: statements });
}

async function startDatabase(place: Place): Promise<Close> {
  const common = ['--no-defaults', '--user=root', `--datadir=${join(place.dir, 'mysql')}`];
  const fresh = ['--auth-root-authentication-method=normal', '--skip-test-db'];
  await runOrThrow(program('mariadb-install-db'), [...common, ...fresh]);
  const where = [`--socket=${place.socket}`, `--pid-file=${place.socket}.pid`];
  return startServer({
    name: 'mariadb',
    command: program('mariadbd'),
    args: [
      ...common,
      ...where,
      `--bind-address=${LOOPBACK}`,
      `--port=${place.sqlPort}`,
      // What the panel's installer asks for.
      '--sql-mode=NO_ENGINE_SUBSTITUTION',
      '--skip-log-bin',
    ],
    dir: place.dir,
    isReady: () =>
      sql(place, 'select 1;').then(
        () => true,
        () => false,
      ),
  });
}

/** As the panel's installer does it. */
async function install(place: Place): Promise<void> {
  const { source } = place;
  const password = randomBytes(12).toString('hex');
  const tables = await readFile(join(source, 'install/sql/ispconfig3.sql'), 'utf8');
  const user = `ispconfig@'${LOOPBACK}'`;
  const statements = [
    'create database dbispconfig character set utf8; use dbispconfig;',
    tables,
    `create user ${user} identified by '${password}'; grant all on dbispconfig.* to ${user};`,
  ];
  await sql(place, statements.join('\n'));

  const config = await configText(place, password);
  for (const part of ['interface', 'server']) await writeFile(join(source, part, 'lib/config.inc.php'), config);
  const security = join(source, 'security/security_settings.ini');
  await copyFile(join(source, 'install/tpl/security_settings.ini.master'), security);
  for (const path of ['interface/temp', 'interface/cache', 'server/temp']) {
    await mkdir(join(source, path), { recursive: true });
  }
  for (const [kind, file] of [
    ['mods', 'dns_module.inc.php'],
    ['plugins', 'bind_plugin.inc.php'],
  ] as const) {
    const enabled = join(source, 'server', `${kind}-enabled`);
    await mkdir(enabled, { recursive: true });
    await symlink(`../${kind}-available/${file}`, join(enabled, file));
  }
}

/** What both parts of the panel read, from the installer's template. */
async function configText({ dir, source, bin, sqlPort }: Place, password: string): Promise<string> {
  const values: Readonly<Record<string, string>> = {
    mysql_server_host: LOOPBACK,
    mysql_server_port: String(sqlPort),
    mysql_server_database: 'dbispconfig',
    mysql_server_ispconfig_user: 'ispconfig',
    mysql_server_ispconfig_password: password,
    server_id: '1',
    ispconfig_log_priority: '1',
    theme: 'default',
    language: 'en',
    language_file_import_enabled: 'true',
    timezone: 'UTC',
  };
  const template = await readFile(join(source, 'install/tpl/config.inc.php.master'), 'utf8');
  return template
    .replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? (name.startsWith('mysql_master') ? '' : whole))
    .replaceAll("'/var/log/ispconfig'", `'${dir}'`)
    .replaceAll("'/etc/init.d'", `'${bin}'`);
}

async function startBind({ dir, dnsDir, bin, dnsPort, controlPort }: Place): Promise<Close> {
  const key = join(dir, 'rndc.key');
  const config = join(dnsDir, 'named.conf');
  await writeFile(key, `key lab { algorithm hmac-sha256; secret "${randomBytes(32).toString('base64')}"; };\n`);
  await writeFile(join(dnsDir, 'named.conf.local'), '');
  await writeFile(
    config,
    [
      `include "${key}";`,
      `options { directory "${dnsDir}"; pid-file none; lock-file none; session-keyfile "${dir}/session.key";`,
      `  listen-on port ${dnsPort} { ${LOOPBACK}; }; listen-on-v6 { none; };`,
      '  recursion no; dnssec-validation no; empty-zones-enable no; notify no; };',
      `controls { inet ${LOOPBACK} port ${controlPort} allow { ${LOOPBACK}; } keys { lab; }; };`,
      `include "${dnsDir}/named.conf.local";`,
      '',
    ].join('\n'),
  );
  // The panel looks for BIND's script and asks systemctl to reload it.
  const control = ['-p', String(controlPort), '-k', key];
  const reload = `exec '${program('rndc')}' ${control.join(' ')} reload`;
  const script = [
    '#!/bin/sh',
    'case "$1" in',
    'is-enabled) echo enabled ;;',
    `reload|restart) ${reload} ;;`,
    'esac',
    '',
  ];
  await writeFile(join(bin, 'systemctl'), script.join('\n'), { mode: 0o755 });
  await writeFile(join(bin, 'bind9'), '');
  // AppArmor confines the installed path.
  const named = join(dir, 'named');
  await copyFile(pathOf('named'), named);
  return startServer({
    name: 'bind',
    command: named,
    args: ['-g', '-n', '1', '-c', config],
    dir,
    isReady: async () => (await run(program('rndc'), [...control, 'status'])).code === 0,
  });
}

/** On a real panel cron runs it once a minute. */
function startServerScript({ dir, source, bin }: Place, isReady: () => Promise<boolean>): Promise<Close> {
  const script = join(source, 'server/server.php');
  return startServer({
    name: 'server-script',
    command: '/bin/sh',
    args: ['-c', `while :; do php -q '${script}'; sleep 1; done`],
    env: { PATH: `${bin}:${PROGRAM_PATH}` },
    dir,
    isReady,
  });
}

function startWeb({ dir, source, webPort }: Place, url: string): Promise<Close> {
  const login = async () => (await fetch(`${url}?login`, { method: 'POST', body: '{}' })).ok;
  return startServer({
    name: 'web',
    command: program('php'),
    args: ['-S', `${LOOPBACK}:${webPort}`, '-t', join(source, 'interface/web')],
    dir,
    isReady: () => login().catch(() => false),
  });
}

function program(name: string): string {
  const path = pathTo(name);
  if (path === undefined) throw new Error(`${name} is not installed`);
  return path;
}
