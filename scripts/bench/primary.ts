import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Endpoint, freePorts, LOOPBACK, threeNameServerAddresses } from '../../test/e2e/lab/addresses.ts';
import { startBind, type TsigKey } from '../../test/e2e/lab/bind.ts';
import { openFront } from '../../test/e2e/lab/front.ts';

export const PRIMARY_PROGRAMS = ['named', 'setpriv', 'dig'] as const;

export interface Primary {
  readonly endpoint: Endpoint;
  readonly tsig: TsigKey;
  close(): Promise<void>;
}

/** A BIND that takes signed updates of a zone. It uses port 53 where that is allowed, for clients without other ports. */
export async function startPrimary(zone: string): Promise<Primary> {
  const dir = await mkdtemp(join(tmpdir(), 'dns01-bench-bind-'));
  const closers = [() => rm(dir, { recursive: true, maxRetries: 5 })];
  const close = async () => {
    for (const closer of closers.toReversed()) await closer();
  };
  try {
    const [port, notifyPort] = await freePorts(2);
    const addresses = { ns1: LOOPBACK, ns2: LOOPBACK };
    const bind = await startBind({ dir, zones: [zone], port, addresses, notifyPort });
    closers.push(bind.close);
    const hosts = await threeNameServerAddresses();
    if (!hosts) return { endpoint: bind.endpoint, tsig: bind.tsig, close };
    const front = { host: hosts[0], port: 53 };
    closers.push(await openFront(front, bind.endpoint, () => {}));
    return { endpoint: front, tsig: bind.tsig, close };
  } catch (error) {
    await close();
    throw error;
  }
}
