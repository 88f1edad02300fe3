import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Endpoint, freePorts, LOOPBACK } from '../../lab/addresses.ts';
import { runOrThrow, startServer } from '../../lab/processes.ts';
import { installed, missingOf, pathTo } from '../../lab/programs.ts';
import { servesAll } from '../../lab/records.ts';
import { type Database, startMariadb } from '../mariadb.ts';

/** The directory of a Poweradmin source tree: what a release's archive holds, with vendor/. */
const SOURCE = process.env['POWERADMIN_SOURCE'] ?? '';

const PROGRAMS = ['php', 'mariadbd', 'mariadb', 'mariadb-install-db', 'pdns_server', 'setpriv'];
const MODULES = ['intl', 'gettext', 'openssl', 'pdo_mysql', 'mbstring', 'tokenizer'];
const PACKAGES = 'php-cli php-intl php-mbstring php-mysql mariadb-server pdns-server pdns-backend-mysql';
const SCHEMA = '/usr/share/pdns-backend-mysql/schema/schema.mysql.sql';

/** Why Poweradmin cannot be started here, for a person; undefined where it can. */
export async function whyNoPoweradmin(): Promise<string | undefined> {
  if (SOURCE === '') return 'POWERADMIN_SOURCE names no Poweradmin source tree';
  for (const file of ['lib/Application/Controller/Api/V2/ZonesRecordsController.php', 'vendor/autoload.php']) {
    if (!existsSync(join(SOURCE, file))) return `POWERADMIN_SOURCE=${SOURCE} holds no ${file}`;
  }
  const programs = missingOf(PROGRAMS);
  if (programs.length > 0) return `missing programs: ${programs.join(', ')}; apt-get install ${PACKAGES}`;
  if (!existsSync(SCHEMA)) return `${SCHEMA} is missing; apt-get install ${PACKAGES}`;
  const loaded = (await runOrThrow(pathTo('php') ?? '', ['-m'])).toLowerCase().split('\n');
  const modules = MODULES.filter((module) => !loaded.includes(module));
  return modules.length > 0 ? `missing modules of PHP: ${modules.join(', ')}; apt-get install ${PACKAGES}` : undefined;
}

/** A user with a key. `Editor` may change records but NS and SOA in its own zones, `Viewer` may only read them. */
export interface PoweradminUser {
  readonly name: string;
  readonly template: 'Administrator' | 'Zone Manager' | 'Editor' | 'Viewer' | 'Guest';
  readonly key: string;
  readonly zones: readonly string[];
}

export interface RealPoweradmin {
  readonly url: string;
  /** Where the panel's own PowerDNS answers. */
  readonly dns: Endpoint;
  readonly database: Database;
  /** The name of every row with this content, sorted. */
  namesWith(value: string): Promise<string[]>;
  /** Kills the web server, with all that it is doing. */
  stopWeb(): Promise<void>;
  startWeb(): Promise<void>;
  close(): Promise<void>;
}

interface Settings {
  readonly dir: string;
  readonly users: readonly PoweradminUser[];
  /** A value of somebody else at the challenge name of each zone. */
  readonly foreign: string;
}

/** Poweradmin on PHP's own web server, its MariaDB, and the PowerDNS that reads its records from there. */
export async function startPoweradmin(settings: Settings): Promise<RealPoweradmin> {
  const { dir, users } = settings;
  const [webPort, dnsPort, sqlPort] = await freePorts(3);
  const source = join(dir, 'source');
  const url = `http://${LOOPBACK}:${webPort}`;
  const dns = { host: LOOPBACK, port: dnsPort };
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (let next = closers.pop(); next; next = closers.pop()) await next();
  };
  try {
    const database = await startMariadb(dir, sqlPort);
    closers.push(() => database.close());
    await cp(SOURCE, source, { recursive: true });
    await install(database, source, settings);
    closers.push(await startPowerdns(dir, sqlPort, dns, [...new Set(users.flatMap(({ zones }) => zones))]));
    let endWeb = await startWeb(dir, source, webPort);
    closers.push(() => endWeb());
    return {
      url,
      dns,
      database,
      async namesWith(value) {
        const rows = await database.sql(`use pdns; select name from records where content='"${value}"';`);
        return rows.split('\n').slice(1, -1).sort();
      },
      stopWeb: () => endWeb(),
      async startWeb() {
        endWeb = await startWeb(dir, source, webPort);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const PASSWORD = randomBytes(12).toString('hex');

/** What the panel's installer does: tables, the database's user, and config/settings.php. */
async function install({ sql, port }: Database, source: string, settings: Settings): Promise<void> {
  const account = `poweradmin@'${LOOPBACK}'`;
  const tables = await readFile(join(source, 'sql/poweradmin-mysql-db-structure.sql'), 'utf8');
  await sql(
    [
      'create database pdns; use pdns;',
      await readFile(SCHEMA, 'utf8'),
      tables,
      `create user ${account} identified by '${PASSWORD}'; grant all on pdns.* to ${account};`,
      ...seed(settings),
    ].join('\n'),
  );
  const config = {
    database: {
      type: 'mysql',
      host: LOOPBACK,
      port: String(port),
      user: 'poweradmin',
      password: PASSWORD,
      name: 'pdns',
    },
    security: { session_key: randomBytes(16).toString('hex') },
    dns: { hostmaster: 'hostmaster.example.com' },
    api: { enabled: true },
  };
  const php = `<?php return json_decode('${JSON.stringify(config)}', true);\n`;
  await writeFile(join(source, 'config/settings.php'), php, { mode: 0o600 });
}

function seed({ users, foreign }: Settings): string[] {
  const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
  const zones = [...new Set(users.flatMap((user) => user.zones))];
  return [
    ...zones.flatMap((zone) => [
      `insert into domains (name, type) values (${text(zone)}, 'NATIVE'); set @zone = last_insert_id();`,
      ...[
        [zone, 'SOA', `ns1.${zone} hostmaster.${zone} 2026010101 28800 7200 604800 60`],
        [zone, 'NS', `ns1.${zone}`],
        [`ns1.${zone}`, 'A', LOOPBACK],
        [`_acme-challenge.${zone}`, 'TXT', `"${foreign}"`],
      ].map(
        ([name = '', type = '', content = '']) =>
          `insert into records (domain_id, name, type, content, ttl, prio) values (@zone, ${text(name)}, '${type}', ${text(content)}, 60, 0);`,
      ),
    ]),
    ...users.flatMap(({ name, template, key, zones: own }) => [
      `insert into users (username, password, fullname, email, description, perm_templ, active, use_ldap)
       values (${text(name)}, 'none', '', '', '', (select id from perm_templ where name = '${template}'), 1, 0);
       set @user = last_insert_id();`,
      `insert into api_keys (name, secret_key, created_by) values ('lab', ${text(key)}, @user);`,
      ...own.map(
        (zone) =>
          `insert into zones (domain_id, owner, zone_templ_id) select id, @user, 0 from domains where name = ${text(zone)};`,
      ),
    ]),
  ];
}

async function startPowerdns(dir: string, sqlPort: number, dns: Endpoint, zones: readonly string[]) {
  const config = join(dir, 'pdns');
  await mkdir(config);
  const settings = {
    launch: 'gmysql',
    'gmysql-host': LOOPBACK,
    'gmysql-port': sqlPort,
    'gmysql-dbname': 'pdns',
    'gmysql-user': 'poweradmin',
    'gmysql-password': PASSWORD,
    'local-address': LOOPBACK,
    'local-port': dns.port,
    'socket-dir': config,
    // By default an answer is kept for 20 seconds, and for 60 that there is none, because nobody tells PowerDNS of a change.
    'cache-ttl': 1,
    'query-cache-ttl': 1,
    'negquery-cache-ttl': 1,
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
  await writeFile(join(config, 'pdns.conf'), lines.join(''), { mode: 0o600 });
  return startServer({
    name: 'pdns',
    command: installed('pdns_server'),
    args: [`--config-dir=${config}`],
    dir,
    isReady: () => servesAll(dns, zones),
  });
}

/** It looks for its templates in the current directory. */
function startWeb(dir: string, source: string, port: number) {
  const answers = async () => (await fetch(`http://${LOOPBACK}:${port}/api/v2/zones`)).status === 401;
  const server = [installed('php'), '-d', 'display_errors=0', '-S', `${LOOPBACK}:${port}`, 'index.php'];
  return startServer({
    name: 'web',
    command: installed('env'),
    args: ['-C', source, ...server],
    dir,
    isReady: () => answers().catch(() => false),
  });
}
