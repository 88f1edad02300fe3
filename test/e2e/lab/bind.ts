import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Endpoint, LOOPBACK } from './addresses.ts';
import { startServer } from './processes.ts';
import { pathOf } from './programs.ts';
import { servesAll } from './records.ts';
import { type Aliases, type NameServerAddresses, zoneText } from './zone-files.ts';

export interface TsigKey {
  name: string;
  algorithm: 'hmac-sha256';
  /** Base64. */
  secret: string;
}

export interface BindOptions {
  dir: string;
  zones: string[];
  aliases?: Aliases;
  port: number;
  addresses: NameServerAddresses;
  /** The port that hears of every change. */
  notifyPort: number;
}

export interface Bind {
  endpoint: Endpoint;
  tsig: TsigKey;
  /** The key in the form that nsupdate -k reads. */
  keyFile: string;
  close: () => Promise<void>;
}

/** BIND as the primary of the zones, open to signed updates, and as the resolver of a world that has only these zones. */
export async function startBind(options: BindOptions): Promise<Bind> {
  const dir = join(options.dir, 'bind');
  await mkdir(dir);
  const tsig: TsigKey = { name: 'lab', algorithm: 'hmac-sha256', secret: randomBytes(32).toString('base64') };
  const keyFile = join(dir, 'lab.key');
  const configFile = join(dir, 'named.conf');
  await Promise.all([
    writeFile(keyFile, keyText(tsig), { mode: 0o600 }),
    writeFile(configFile, configText(options, dir, keyFile)),
    ...['', ...options.zones].map((zone) =>
      writeFile(zoneFile(dir, zone), zoneText(zone, options.zones, options.addresses, options.aliases)),
    ),
  ]);

  // AppArmor lets the installed path read only the system's own configuration; a copy is not confined.
  const named = join(dir, 'named');
  await copyFile(pathOf('named'), named);
  const endpoint = { host: LOOPBACK, port: options.port };
  const close = await startServer({
    name: 'bind',
    command: named,
    args: ['-g', '-n', '1', '-c', configFile],
    dir: options.dir,
    isReady: () => servesAll(endpoint, options.zones),
  });
  return { endpoint, tsig, keyFile, close };
}

function configText({ port, notifyPort, zones, addresses }: BindOptions, dir: string, keyFile: string): string {
  return [
    `include "${keyFile}";`,
    'controls {};',
    'options {',
    `  directory "${dir}";`,
    '  pid-file none;',
    '  lock-file none;',
    `  session-keyfile "${dir}/session.key";`,
    `  listen-on port ${port} { ${LOOPBACK}; };`,
    '  listen-on-v6 { none; };',
    '  allow-query { 127.0.0.0/8; };',
    '  recursion yes;',
    '  empty-zones-enable no;',
    '  dnssec-validation no;',
    '  notify explicit;',
    '  rrset-order { order none; };',
    '  notify-delay 0;',
    '  notify-rate 1000;',
    '  startup-notify-rate 1000;',
    '};',
    // Its own root: a name outside of the laboratory does not exist and nobody is asked about it.
    `zone "." { type primary; file "${zoneFile(dir, '')}"; ${addresses.names ? 'dnssec-policy default; inline-signing yes; ' : ''}};`,
    ...zones.map(
      (zone) =>
        `zone "${zone}" { type primary; file "${zoneFile(dir, zone)}"; ` +
        `allow-update { key lab; }; also-notify { ${LOOPBACK} port ${notifyPort}; }; };`,
    ),
    '',
  ].join('\n');
}

function keyText({ name, algorithm, secret }: TsigKey): string {
  return `key "${name}" { algorithm ${algorithm}; secret "${secret}"; };\n`;
}

function zoneFile(dir: string, zone: string): string {
  return join(dir, `${zone === '' ? 'root' : zone}.zone`);
}
