import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Endpoint, freePorts, LOOPBACK } from '../../lab/addresses.ts';
import { run, runOrThrow, startServer } from '../../lab/processes.ts';
import { installed, missingOf, pathOf, pathTo } from '../../lab/programs.ts';
import { servesAll } from '../../lab/records.ts';
import { type Database, startMariadb } from '../mariadb.ts';

/** The directory of a Froxlor source tree. One of a release has vendor/; one of the repository needs libraries. */
const SOURCE = process.env['FROXLOR_SOURCE'] ?? '';
/** A directory with the source trees of these (Monolog 1), for a source tree without vendor/. */
const LIBRARIES = process.env['FROXLOR_LIBRARIES'] ?? '';
const LIBRARY_NAMES = ['anti-xss', 'portable-utf8', 'portable-ascii', 'idna-convert-legacy', 'monolog'];

const PROGRAMS = ['php', 'mariadbd', 'mariadb', 'mariadb-install-db', 'named', 'rndc', 'setpriv'];
const MODULES = ['curl', 'gmp', 'intl', 'mbstring', 'pdo_mysql', 'posix', 'xml'];
const PACKAGES = 'php-cli php-curl php-gmp php-intl php-mbstring php-mysql php-psr-log php-xml mariadb-server bind9';

/** Why Froxlor cannot be started here, for a person; undefined where it can. */
export async function whyNoFroxlor(): Promise<string | undefined> {
  if (SOURCE === '') return 'FROXLOR_SOURCE names no Froxlor source tree';
  if (!existsSync(join(SOURCE, 'lib/Froxlor/Api/Commands/DomainZones.php'))) {
    return `FROXLOR_SOURCE=${SOURCE} holds no lib/Froxlor/Api/Commands/DomainZones.php`;
  }
  const programs = missingOf(PROGRAMS);
  if (programs.length > 0) return `missing programs: ${programs.join(', ')}; apt-get install ${PACKAGES}`;
  const loaded = (await runOrThrow(pathTo('php') ?? '', ['-m'])).toLowerCase().split('\n');
  const modules = MODULES.filter((module) => !loaded.includes(module));
  if (modules.length > 0) return `missing modules of PHP: ${modules.join(', ')}; apt-get install ${PACKAGES}`;
  if (existsSync(join(SOURCE, 'vendor/autoload.php'))) return undefined;
  const libraries = LIBRARY_NAMES.filter((name) => !existsSync(join(LIBRARIES, name, 'src')));
  if (libraries.length > 0) {
    return `${SOURCE} has no vendor/, and FROXLOR_LIBRARIES=${LIBRARIES} no source of ${libraries.join(', ')}`;
  }
  return existsSync('/usr/share/php/Psr/Log') ? undefined : `php-psr-log is missing; apt-get install ${PACKAGES}`;
}

/** A customer with a key and its domains. */
export interface FroxlorCustomer {
  readonly name: string;
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly zones: readonly string[];
  /** Whether it has the DNS editor; default: yes. */
  readonly dns?: boolean;
}

export interface RealFroxlor {
  readonly url: string;
  /** The name server that the panel's own cron writes zones for. */
  readonly dns: Endpoint;
  readonly database: Database;
  /** The record of every entry with this content, sorted. */
  namesWith(value: string): Promise<string[]>;
  /** Kills the web server, with all that it is doing. */
  stopWeb(): Promise<void>;
  startWeb(): Promise<void>;
  close(): Promise<void>;
}

interface Settings {
  readonly dir: string;
  readonly customers: readonly FroxlorCustomer[];
  /** A value of somebody else at the challenge name of each zone. */
  readonly foreign: string;
}

/** What the panel's parts need to know of each other. */
interface Place {
  readonly dir: string;
  readonly source: string;
  /** Of the zone files, which the panel writes. */
  readonly dnsDir: string;
  readonly webPort: number;
  readonly dnsPort: number;
  readonly controlPort: number;
}

/** Froxlor's API on PHP's own web server, its MariaDB, its DNS cron every second, and the BIND that the cron feeds. */
export async function startFroxlor(settings: Settings): Promise<RealFroxlor> {
  const { dir, customers } = settings;
  const [webPort, dnsPort, controlPort, sqlPort] = await freePorts(5);
  const place = { dir, source: join(dir, 'source'), dnsDir: join(dir, 'zones'), webPort, dnsPort, controlPort };
  const dns = { host: LOOPBACK, port: dnsPort };
  const own = customers.flatMap((customer) => customer.zones);
  const zones = own.filter((zone) => !isBelow(zone, own));
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (let next = closers.pop(); next; next = closers.pop()) await next();
  };
  try {
    const database = await startMariadb(dir, sqlPort);
    closers.push(() => database.close());
    await install(place, database, settings);
    closers.push(await startBind(place));
    closers.push(await startCron(place, () => servesAll(dns, zones)));
    let endWeb = await startWeb(place);
    closers.push(() => endWeb());
    return {
      url: `http://${LOOPBACK}:${webPort}`,
      dns,
      database,
      async namesWith(value) {
        const rows = await database.sql(
          `use froxlor; select record from domain_dns_entries where content='"${value}"';`,
        );
        return rows.split('\n').slice(1, -1).sort();
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

/** What the panel's installer does: the source tree, tables, settings, and lib/userdata.inc.php. */
async function install(place: Place, { sql, port }: Database, settings: Settings): Promise<void> {
  const { source, dnsDir } = place;
  await cp(SOURCE, source, { recursive: true });
  await mkdir(join(dnsDir, 'domains'), { recursive: true });
  if (!existsSync(join(source, 'vendor/autoload.php'))) {
    await mkdir(join(source, 'vendor'), { recursive: true });
    await copyFile(pathIn('autoload.php'), join(source, 'vendor/autoload.php'));
  }
  const password = randomBytes(12).toString('hex');
  const account = `froxlor@'${LOOPBACK}'`;
  const tables = await runOrThrow(installed('php'), ['-r', `echo include '${source}/install/froxlor.sql.php';`]);
  await sql(
    [
      'create database froxlor character set utf8; use froxlor;',
      tables,
      `create user ${account} identified by '${password}'; grant all on froxlor.* to ${account};`,
      ...seed(place, settings),
    ].join('\n'),
  );
  const login = `'host' => '${LOOPBACK}', 'port' => ${port}, 'user' => 'froxlor', 'password' => '${password}'`;
  const root = `'caption' => 'lab', 'host' => '${LOOPBACK}', 'user' => 'froxlor', 'password' => '${password}'`;
  const php = `<?php\n$sql = [${login}, 'db' => 'froxlor', 'ssl' => ['caFile' => '', 'verifyServerCertificate' => '0']];\n$sql_root = [[${root}]];\n`;
  await writeFile(join(source, 'lib/userdata.inc.php'), php, { mode: 0o600 });
}

function seed({ dir, dnsDir, controlPort }: Place, { customers, foreign }: Settings): string[] {
  const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
  const options = {
    'api.enabled': '1',
    'system.dnsenabled': '1',
    'system.bind_enable': '1',
    'system.bindconf_directory': `${dnsDir}/`,
    'system.bindreload_command': `${installed('rndc')} -p ${controlPort} -k ${dir}/rndc.key reload`,
    'system.hostname': 'panel.example.net',
    'panel.adminmail': 'admin@example.net',
  };
  return [
    ...Object.entries(options).map(([name, value]) => {
      const [group, key] = name.split('.');
      return `update panel_settings set value = ${text(value)} where settinggroup = '${group}' and varname = '${key}';`;
    }),
    "insert into panel_admins (adminid, loginname, password, name, email, api_allowed) values (1, 'admin', '', '', '', 1);",
    ...customers.flatMap(({ name, apiKey, apiSecret, zones, dns = true }, index) => {
      const customer = index + 1;
      return [
        `insert into panel_customers (customerid, adminid, loginname, password, dnsenabled, api_allowed, documentroot, allowed_phpconfigs, allowed_mysqlserver)
         values (${customer}, 1, ${text(name)}, '', ${dns ? 1 : 0}, 1, '/nonexistent', '[]', '[0]');`,
        `insert into api_keys (adminid, customerid, apikey, secret, allowed_from, valid_until)
         values (1, ${customer}, ${text(apiKey)}, ${text(apiSecret)}, '', -1);`,
        ...zones.flatMap((zone) => [
          `insert into panel_domains (domain, domain_ace, adminid, customerid, isbinddomain, documentroot, bindserial)
           values (${text(zone)}, ${text(zone)}, 1, ${customer}, '1', '/nonexistent', '2026010101');
           set @domain = last_insert_id();`,
          ...[
            // A domain below another one is written into the zone of that one, and has no name servers of its own.
            ...(isBelow(zone, zones)
              ? []
              : [
                  ['@', 'NS', `ns1.${zone}.`],
                  ['ns1', 'A', LOOPBACK],
                ]),
            ['_acme-challenge', 'TXT', `"${foreign}"`],
          ].map(
            ([record = '', type = '', content = '']) =>
              `insert into domain_dns_entries (domain_id, record, type, content, ttl, prio) values (@domain, ${text(record)}, '${type}', ${text(content)}, 60, 0);`,
          ),
        ]),
      ];
    }),
    "insert into panel_tasks (type, data) values ('4', '');",
  ];
}

async function startBind({ dir, dnsDir, dnsPort, controlPort }: Place): Promise<() => Promise<void>> {
  const key = join(dir, 'rndc.key');
  const config = join(dir, 'named.conf');
  await writeFile(key, `key lab { algorithm hmac-sha256; secret "${randomBytes(32).toString('base64')}"; };\n`);
  await writeFile(join(dnsDir, 'froxlor_bind.conf'), '');
  await writeFile(
    config,
    [
      `include "${key}";`,
      `options { directory "${dnsDir}"; pid-file none; lock-file none; session-keyfile "${dir}/session.key";`,
      `  listen-on port ${dnsPort} { ${LOOPBACK}; }; listen-on-v6 { none; };`,
      '  recursion no; dnssec-validation no; empty-zones-enable no; notify no; };',
      `controls { inet ${LOOPBACK} port ${controlPort} allow { ${LOOPBACK}; } keys { lab; }; };`,
      `include "${dnsDir}/froxlor_bind.conf";`,
      '',
    ].join('\n'),
  );
  // AppArmor confines the installed path.
  const named = join(dir, 'named');
  await copyFile(pathOf('named'), named);
  return startServer({
    name: 'bind',
    command: named,
    args: ['-g', '-n', '1', '-c', config],
    dir,
    isReady: async () => (await run(installed('rndc'), ['-p', String(controlPort), '-k', key, 'status'])).code === 0,
  });
}

/** On a real panel, cron runs it every 5 minutes. */
function startCron({ dir, source }: Place, isReady: () => Promise<boolean>): Promise<() => Promise<void>> {
  return startServer({
    name: 'cron',
    command: '/bin/sh',
    args: ['-c', `while :; do php -q '${pathIn('cron.php')}' '${source}'; sleep 1; done`],
    env: { FROXLOR_LIBRARIES: LIBRARIES },
    dir,
    isReady,
  });
}

function startWeb({ dir, source, webPort }: Place): Promise<() => Promise<void>> {
  const url = `http://${LOOPBACK}:${webPort}/api.php`;
  const answers = async () => (await fetch(url, { method: 'POST', body: '{}' })).status === 401;
  return startServer({
    name: 'web',
    command: installed('php'),
    args: ['-d', 'display_errors=0', '-S', `${LOOPBACK}:${webPort}`, '-t', source],
    env: { FROXLOR_LIBRARIES: LIBRARIES },
    dir,
    isReady: () => answers().catch(() => false),
  });
}

const isBelow = (zone: string, zones: readonly string[]): boolean => zones.some((other) => zone.endsWith(`.${other}`));

const pathIn = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
