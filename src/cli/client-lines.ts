import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { findConfigIfAny, newConfigFile } from '../config/find.ts';
import type { Io } from '../output/io.ts';

/** The clients that there are lines for. */
const CLIENTS = ['certbot', 'acme.sh', 'lego', 'dehydrated', 'uacme'] as const;

export type Client = (typeof CLIENTS)[number];

/** A certificate to ask a client for. */
export interface CertificateLine {
  /** They have passed `parseName`, except for the `*.` of a wildcard. */
  readonly names: readonly string[];
  /** What certbot calls it, where it has it already. */
  readonly lineage?: string;
}

export interface LineSettings {
  /** Undefined where dns01 finds its config by itself. */
  readonly config: string | undefined;
  /** The client has the certificates already, and changes how it gets them. */
  readonly again?: boolean;
}

/** What to run, or to put into a file of the client, to get the certificates. */
export const linesFor = (
  client: Client,
  certificates: readonly CertificateLine[],
  settings: LineSettings,
): readonly string[] => LINES[client](certificates, settings);

type Lines = (certificates: readonly CertificateLine[], settings: LineSettings) => readonly string[];

const LINES: Readonly<Record<Client, Lines>> = {
  certbot: (certificates, { config }) => {
    // certbot wants a program as the first word of a hook, so no variable can stand there.
    const hook = `dns01 hook${config === undefined ? '' : ` --config ${quoted(config)}`} certbot`;
    return certificates.flatMap(({ names, lineage }) => [
      'certbot certonly --manual --preferred-challenges dns \\',
      `  --manual-auth-hook ${quoted(`${hook} auth`)} \\`,
      `  --manual-cleanup-hook ${quoted(`${hook} cleanup`)} \\`,
      `  ${lineage === undefined ? asked(names) : `--cert-name ${quoted(lineage)}`}`,
    ]);
  },
  'acme.sh': (certificates, { config, again }) => [
    'dns01 hook acme.sh --install',
    ...certificates.map(
      ({ names }) => `${variable(config)}acme.sh --issue${again ? ' --force' : ''} --dns dns_dns01 ${asked(names)}`,
    ),
  ],
  lego: (certificates, { config }) =>
    certificates.flatMap(({ names }) => [
      `${variable(config)}EXEC_PATH="$(command -v dns01-hook)" EXEC_SEQUENCE_INTERVAL=1 \\`,
      `  lego --accept-tos --email you@example.com --dns exec ${asked(names)} run`,
    ]),
  dehydrated: (certificates, { config }) => [
    '# in /etc/dehydrated/config:',
    'CHALLENGETYPE="dns-01"',
    'HOOK="$(command -v dns01-hook)"',
    'HOOK_CHAIN="yes"',
    ...(config === undefined ? [] : [`export DNS01_CONFIG=${quoted(config)}`]),
    '# then:',
    ...certificates.map(({ names }) => `dehydrated -c ${asked(names)}`),
  ],
  uacme: (certificates, { config }) => [
    'uacme new',
    ...certificates.map(
      ({ names }) => `${variable(config)}uacme -h "$(command -v dns01-hook)" issue ${names.map(quoted).join(' ')}`,
    ),
  ],
};

const variable = (config: string | undefined): string =>
  config === undefined ? '' : `DNS01_CONFIG=${quoted(config)} `;
const asked = (names: readonly string[]): string => names.map((name) => `-d ${quoted(name)}`).join(' ');

/** A word of a shell, quoted only where it has to be. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** Whether dns01 finds this config without the environment of this shell, which cron does not have. */
export function isDefaultConfig(file: string, env: Io['env']): boolean {
  return file === findConfigIfAny(undefined, { ...env, DNS01_CONFIG: undefined }) || file === newConfigFile(env);
}

/** The clients that this user can run. acme.sh installs itself into the home directory. */
export function installedClients(env: Io['env']): Client[] {
  const folders = (env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
  const acmeSh = env['LE_WORKING_DIR'] ?? join(homedir(), '.acme.sh');
  return CLIENTS.filter((client) =>
    [...folders, ...(client === 'acme.sh' ? [acmeSh] : [])].some((folder) => canRun(join(folder, client))),
  );
}

function canRun(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
