import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../lab/addresses.ts';
import { findPlaces, hasIpv6, type Places } from './places.ts';
import { MANNERS, openRelay } from './relay.ts';
import { startBind, startKnot } from './servers.ts';
import { startUnbound, type Unbound } from './unbound.ts';
import { writeZones } from './zone-files.ts';
import { LAB_ZONES, type LabZone } from './zones.ts';

export interface RootLab {
  readonly dir: string;
  readonly unbound: Unbound;
  readonly places: Places;
  /** What dns01's config needs as `dns`. */
  readonly dns: {
    readonly roots: readonly string[];
    readonly resolvers: readonly string[];
    readonly doh: readonly string[];
    readonly allowNetworks: readonly string[];
  };
  close(): Promise<void>;
}

/** A private root on loopback: real servers, zones sound and broken, and a resolver that validates them. */
export async function startRootLab(all: readonly LabZone[] = LAB_ZONES): Promise<RootLab> {
  const [dir, places, ipv6, [port]] = await Promise.all([
    mkdtemp(join(tmpdir(), 'dns01-root-')),
    findPlaces(),
    hasIpv6(),
    freePorts(2),
  ]);
  const zones = all.filter(({ servers }) => ipv6 || !servers?.includes('ipv6'));
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    await Promise.all(closers.map((each) => each()));
  };
  try {
    const { views, knot, trustAnchor } = await writeZones(dir, zones, places);
    const { endpoint, close: closeBind } = await startBind(dir, port, places, views);
    closers.push(closeBind);
    const { root, tld, servers, sources } = places;
    const relays = [
      { address: root, source: sources.root },
      { address: tld, source: sources.tld },
      { address: servers.bind, source: sources.leaf },
      { address: servers.old, source: sources.old },
      { address: servers.lame, source: sources.lame },
      { address: servers.noTcp, source: sources.leaf, tcp: false },
      ...(ipv6 ? [{ address: servers.ipv6, source: sources.leaf }] : []),
      ...Object.entries(MANNERS).map(([kind, manner]) => ({
        address: servers[kind as keyof typeof MANNERS],
        source: sources.leaf,
        manner,
      })),
    ];
    const [closeKnot, ...closeRelays] = await Promise.all([
      startKnot(dir, servers.knot, knot),
      ...relays.map((relay) => openRelay({ ...relay, behind: endpoint })),
    ]);
    closers.push(closeKnot, ...closeRelays);
    const unbound = await startUnbound({ dir, address: places.resolver, root, trustAnchor, ipv6 });
    closers.push(() => unbound.close());
    return {
      dir,
      unbound,
      places,
      dns: {
        roots: [root],
        resolvers: [`${unbound.address}:53`],
        doh: [unbound.doh],
        allowNetworks: ['127.0.0.0/8', '::1/128'],
      },
      async close() {
        await close();
        if (process.env['DNS01_E2E_KEEP'] === undefined) await rm(dir, { recursive: true, maxRetries: 5 });
      },
    };
  } catch (error) {
    // The directory stays: its logs tell why.
    await close();
    throw error;
  }
}
