import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Endpoint, freePorts, LOOPBACK, threeNameServerAddresses } from './addresses.ts';
import { startBind, type TsigKey } from './bind.ts';
import { type CertbotOptions, liveCertificate, runCertbot } from './certbot.ts';
import { type FrontQuestion, openFront } from './front.ts';
import { startKnot } from './knot.ts';
import { openNotifyLag } from './notify-lag.ts';
import { startPebble } from './pebble.ts';
import type { Outcome } from './processes.ts';
import { txtValues, updateTxt } from './records.ts';
import type { Aliases } from './zone-files.ts';

export interface LabOptions {
  zones: string[];
  /** CNAME records that the zones hold from the beginning. */
  aliases?: Aliases;
  /** A change shows on the secondary, the only server that the CA asks, this long after it was made (and no other followed it). */
  lagSeconds: number;
  /** false: high ports even where port 53 could be had. */
  port53?: boolean;
  /** Addresses of primary, secondary and resolver that this network namespace has, and names for the first two. */
  place?: { hosts: [string, string, string]; names: [string, string] };
  /** Told of every question to the primary or the resolver from outside, at once. The laboratory's own do not count. */
  asked?: (server: 'primary' | 'resolver', question: FrontQuestion) => void;
}

export interface Lab {
  /** The temporary directory: configurations, logs, certificates. It goes with close(), unless DNS01_E2E_KEEP is set. */
  dir: string;
  primary: Endpoint;
  secondary: Endpoint;
  /** For signed dynamic updates of the primary; `keyFile` is the same key for nsupdate -k. */
  tsig: TsigKey;
  keyFile: string;
  /** The ACME server: its directory's URL and what to trust. */
  acme: { directory: string; caFile: string };
  /** What dns01's config needs as `dns.resolvers`. */
  resolvers: string[];
  /** What dns01's config needs as `dns.nameservers`; empty where the zones' NS records lead to the servers. */
  nameservers: Record<string, string[]>;
  /** With a TTL of 60 s, unless another is given. */
  publish: (zone: string, name: string, value: string, ttl?: number) => Promise<void>;
  withdraw: (zone: string, name: string, value: string) => Promise<void>;
  txt: (server: 'primary' | 'secondary', name: string) => Promise<string[]>;
  certbot: (args: string[], options?: CertbotOptions) => Promise<Outcome>;
  /** The PEM file of what certbot got under a certificate name. */
  certificateFile: (certName: string, home?: string) => string;
  close: () => Promise<void>;
}

/**
 * A small world of real servers on loopback: a primary, a secondary that lags, a resolver, and a CA that asks only the secondary.
 * The test process relays some of their traffic, so a test must not block it (no spawnSync).
 */
export async function startLab({
  zones,
  aliases = {},
  lagSeconds,
  port53 = true,
  place,
  asked,
}: LabOptions): Promise<Lab> {
  const dir = await mkdtemp(join(tmpdir(), 'dns01-lab-'));
  const ending = new AbortController();
  const closers: Array<() => Promise<void>> = [];

  try {
    const hosts = place?.hosts ?? (port53 ? await threeNameServerAddresses() : undefined);
    const [bindPort, notifyPort, knotPort, primaryPort, resolverPort] = await freePorts(5);
    const primaryFront: Endpoint = hosts ? { host: hosts[0], port: 53 } : { host: LOOPBACK, port: primaryPort };
    const resolverFront: Endpoint = hosts ? { host: hosts[2], port: 53 } : { host: LOOPBACK, port: resolverPort };
    const secondary: Endpoint = hosts ? { host: hosts[1], port: 53 } : { host: LOOPBACK, port: knotPort };
    const names = place ? { names: place.names } : {};
    const addresses = { ...(hosts ? { ns1: hosts[0], ns2: hosts[1] } : { ns1: LOOPBACK, ns2: LOOPBACK }), ...names };

    closers.push(await openNotifyLag({ port: notifyPort, secondary, lagSeconds }));
    const bind = await startBind({ dir, zones, aliases, port: bindPort, addresses, notifyPort });
    closers.push(bind.close);
    closers.push(await openFront(primaryFront, bind.endpoint, (question) => asked?.('primary', question)));
    closers.push(await openFront(resolverFront, bind.endpoint, (question) => asked?.('resolver', question)));
    closers.push(await startKnot({ dir, zones, endpoint: secondary, primary: bind.endpoint }));
    const pebble = await startPebble({ dir, dnsServer: secondary });
    closers.push(pebble.close);

    const servers = { primary: bind.endpoint, secondary };
    const bothServers = [hostAndPort(primaryFront), hostAndPort(secondary)];
    return {
      dir,
      ...servers,
      tsig: bind.tsig,
      keyFile: bind.keyFile,
      acme: { directory: pebble.directory, caFile: pebble.caFile },
      resolvers: [hostAndPort(resolverFront)],
      nameservers: hosts ? {} : Object.fromEntries(zones.map((zone) => [zone, bothServers])),
      publish: (zone, name, value, ttl = 60) =>
        updateTxt(bind.endpoint, bind.keyFile, { action: 'add', zone, name, value, ttl }),
      withdraw: (zone, name, value) => updateTxt(bind.endpoint, bind.keyFile, { action: 'delete', zone, name, value }),
      txt: (server, name) => txtValues(servers[server], name),
      certbot: (args, options) => runCertbot(args, { ...options, dir, pebble, ending: ending.signal }),
      certificateFile: (certName, home) => liveCertificate(dir, certName, home),
      close: async () => {
        ending.abort();
        await closeAll(closers);
        if (process.env['DNS01_E2E_KEEP'] === undefined) await rm(dir, { recursive: true, maxRetries: 5 });
      },
    };
  } catch (error) {
    // The directory stays: its logs tell why.
    await closeAll(closers);
    throw error;
  }
}

/** Closes all, the last opened first, even if one of them fails. */
async function closeAll(closers: Array<() => Promise<void>>): Promise<void> {
  const failures: unknown[] = [];
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
    await close().catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw new AggregateError(failures, 'the laboratory did not close cleanly');
}

function hostAndPort({ host, port }: Endpoint): string {
  return `${host}:${port}`;
}
