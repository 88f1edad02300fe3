import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeDnsServer, startFakeDns } from '../../fakes/dns-server.ts';
import type { StandIn } from '../../fakes/stand-in.ts';
import { startPebble } from '../lab/pebble.ts';
import { type Outcome, run } from '../lab/processes.ts';
import { pathOf } from '../lab/programs.ts';
import { startIntercept } from './intercept.ts';
import { suffixListFor } from './suffix-list.ts';

export const ZONE = 'example.com';
export const NAME = `_acme-challenge.${ZONE}`;
export const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';

/** How other clients use one provider. */
export interface PeerCase {
  readonly provider: string;
  start(): Promise<StandIn>;
  /** The vendor's hosts, whose requests go to the stand-in. */
  readonly hosts: readonly string[];
  readonly lego?: { readonly code: string; readonly env: Environment };
  readonly lexicon?: {
    readonly service: string;
    /** A function where lexicon goes around proxies, but takes the address of the stand-in. */
    readonly env: Environment | ((origin: string) => Environment);
    readonly args?: readonly string[];
  };
  /** Where 50 names at once wait for the vendor's rate limit: `few` counts them only on demand. */
  readonly own?: 'few' | 'none';
  readonly acmesh?: { readonly script: string; readonly env: Environment };
}

type Environment = Readonly<Record<string, string>>;

/** The requests of one client for one name at which nothing was before. */
export interface Counted {
  readonly add: number;
  readonly remove: number;
}

/** The source tree of acme.sh, which no Debian package has. */
export const acmeshSource = process.env['ACMESH_SOURCE'];

interface Place {
  readonly directory: string;
  readonly standIn: StandIn;
  readonly env: Environment;
  /** The vendors' CA and pebble's together. */
  readonly bundle: string;
}

async function inPlace<Result>({ start, hosts }: PeerCase, task: (place: Place) => Promise<Result>): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'dns01-peer-'));
  const standIn = await start();
  const intercept = await startIntercept(hosts, standIn.server.origin, directory);
  const env = {
    HOME: directory,
    HTTPS_PROXY: intercept.proxy,
    https_proxy: intercept.proxy,
    NO_PROXY: '127.0.0.1,localhost',
    no_proxy: '127.0.0.1,localhost',
  };
  try {
    return await task({ directory, standIn, env, bundle: intercept.caFile });
  } finally {
    await Promise.all([intercept.close(), standIn.close()]);
    await rm(directory, { recursive: true, force: true });
  }
}

/** lexicon creates and deletes one record, in two runs. */
export function countLexicon(each: PeerCase): Promise<Counted> {
  return inPlace(each, async ({ directory, standIn, env, bundle }) => {
    const { service = '', env: given = {}, args = [] } = each.lexicon ?? {};
    const login = typeof given === 'function' ? given(standIn.server.origin) : given;
    const lists = await suffixListFor(ZONE, directory);
    const start = (action: 'create' | 'delete') =>
      run(pathOf('lexicon'), [service, action, ZONE, 'TXT', `--name=${NAME}`, `--content=${VALUE}`, ...args], {
        env: { ...env, ...login, REQUESTS_CA_BUNDLE: bundle, AWS_CA_BUNDLE: bundle, TLDEXTRACT_CACHE_PATH: lists },
        timeoutSeconds: 60,
      });
    const created = await start('create');
    expectValues(standIn.held(NAME), [VALUE], created);
    const add = standIn.server.requests.length;
    const deleted = await start('delete');
    expectValues(standIn.held(NAME), [], deleted);
    return { add, remove: standIn.server.requests.length - add };
  });
}

/** lego gets a certificate from pebble, which asks a DNS server that shows what the stand-in holds. */
export function countLego(each: PeerCase): Promise<Counted> {
  return inPlace(each, (place) => {
    const { code = '', env = {} } = each.lego ?? {};
    const prefix = Object.keys(env)[0]?.split('_')[0] ?? '';
    return issue(place, ({ directory, caFile, dns }) =>
      run(
        pathOf('lego'),
        [
          ...['--server', directory, '--path', join(place.directory, 'lego'), '--dns', code, '--dns.disable-cp'],
          ...['--dns.resolvers', dns.at, '--accept-tos', '--email', 'you@example.com', '-d', ZONE, 'run'],
        ],
        {
          env: {
            ...place.env,
            [`${prefix}_POLLING_INTERVAL`]: '1',
            SSL_CERT_FILE: place.bundle,
            LEGO_CA_CERTIFICATES: caFile,
            ...env,
          },
          timeoutSeconds: 90,
        },
      ),
    );
  });
}

/** acme.sh does the same. */
export function countAcmesh(each: PeerCase): Promise<Counted> {
  return inPlace(each, async (place) => {
    const { script = '', env = {} } = each.acmesh ?? {};
    return issue(place, async ({ directory, caFile }) => {
      const bundle = join(place.directory, 'all.pem');
      await writeFile(bundle, `${await readFile(place.bundle)}${await readFile(caFile)}`);
      return run(
        'sh',
        [
          ...[join(acmeshSource ?? '', 'acme.sh'), '--issue', '--dns', script, '-d', ZONE, '--dnssleep', '1'],
          ...['--home', acmeshSource ?? '', '--config-home', join(place.directory, 'acme'), '--server', directory],
          ...['--ca-bundle', bundle, '--debug', '2'],
        ],
        { env: { ...place.env, CURL_CA_BUNDLE: bundle, ...env }, timeoutSeconds: 120 },
      );
    });
  });
}

interface Authority {
  readonly directory: string;
  readonly caFile: string;
  readonly dns: FakeDnsServer;
}

/** What came before the first question for the challenge name published it; everything after that withdrew it. */
async function issue({ standIn, directory }: Place, client: (ca: Authority) => Promise<Outcome>): Promise<Counted> {
  const dns = await startFakeDns({ resolver: true, zones: [{ name: ZONE }] });
  let seen: { readonly requests: number; readonly values: readonly string[] } | undefined;
  dns.show(NAME, (nth) => {
    const values = standIn.held(NAME);
    // 0 is a question for another type.
    if (nth > 0) seen ??= { requests: standIn.server.requests.length, values };
    return values;
  });
  try {
    const pebble = await startPebble({ dir: directory, dnsServer: { host: dns.address, port: dns.port } });
    try {
      const outcome = await client({ directory: pebble.directory, caFile: pebble.caFile, dns });
      const requests = standIn.server.requests.map(({ call }) => call).join(', ');
      if (outcome.code !== 0 || seen?.values.length !== 1) throw failed(`no certificate after ${requests}`, outcome);
      expectValues(standIn.held(NAME), [], outcome);
      return { add: seen.requests, remove: standIn.server.requests.length - seen.requests };
    } finally {
      await pebble.close();
    }
  } finally {
    await dns.close();
  }
}

function expectValues(held: readonly string[], wanted: readonly string[], outcome: Outcome): void {
  if (outcome.code === 0 && held.join() === wanted.join()) return;
  throw failed(`the stand-in holds "${held.join()}", not "${wanted.join()}"`, outcome);
}

const failed = (what: string, { code, stdout, stderr }: Outcome): Error =>
  new Error(`${what} (exit code ${code})\n${stdout.slice(-4000)}\n${stderr.slice(-4000)}`);
