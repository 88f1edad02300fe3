import { randomBytes } from 'node:crypto';
import { missingPostgres, startPostgres } from '../../test/e2e/lab/postgres.ts';
import { openClient, startFleet } from '../../test/e2e/support/fleet.ts';

export const ZONES = ['example.com', 'example.org'];

/** Milliseconds for one request with all its repetitions, and for a whole way: the bench ends, whatever happens. */
const PATIENCE_MS = 150_000;
const MAX_WAY_MS = 600_000;
const PROGRESS_MS = 10_000;

export interface Way {
  readonly name: string;
  readonly gateways: number;
  /** In PostgreSQL; otherwise in the files of the one gateway. */
  readonly shared: boolean;
  readonly account: object;
  readonly dns: object;
  readonly clients: number;
  readonly names: number;
  /** At the provider, so far. */
  requests(): number;
}

export interface Load {
  readonly names: number;
  readonly seconds: number;
  /** Milliseconds until an add was answered. */
  readonly publishMs: readonly number[];
  /** At the provider. */
  readonly requests: number;
  /** Statements at the database; 0 without one. */
  readonly statements: number;
}

export const missingForFleet = missingPostgres;

/** Starts gateways, and lets clients add and remove names until all are done or the time is up. */
export async function measure(way: Way): Promise<Load> {
  const database = way.shared ? await startPostgres({ isDurable: true }) : undefined;
  try {
    const { gateways, account, dns } = way;
    const running = await startFleet({
      gateways,
      database: database?.url(),
      account,
      zones: ZONES,
      dns,
      users: way.clients,
    });
    const statements = async () =>
      Number((await database?.sql("select sum(xact_commit) from pg_stat_database where datname = 'postgres'")) ?? 0);
    const clients = running.users.map((user, index) => ({ user, ...openClient(running, index, PATIENCE_MS) }));
    try {
      // The first login of a client costs a hash, which is not what is measured.
      await Promise.all(
        clients.map(({ user, insist }) => insist({ path: '/cleanup', ...valueFor(user, 0) }, PATIENCE_MS)),
      );
      const before = await statements();
      const load = await addAndRemove(clients, way);
      return { ...load, statements: (await statements()) - before };
    } finally {
      for (const client of clients) client.close();
      await running.close();
    }
  } finally {
    await database?.close();
  }
}

type Client = ReturnType<typeof openClient> & { readonly user: string };

async function addAndRemove(clients: readonly Client[], way: Way): Promise<Omit<Load, 'statements'>> {
  const publishMs: number[] = [];
  const before = way.requests();
  const started = performance.now();
  const since = () => (performance.now() - started) / 1000;
  let [begun, done] = [0, 0];
  const show = () => {
    const [rate, requests] = [(done / since()).toFixed(0), way.requests() - before];
    const soFar = `${done} of ${way.names} names after ${since().toFixed(0)} s, ${rate} names/s, ${requests} requests`;
    process.stderr.write(`bench: fleet: ${way.name}: ${soFar}\n`);
  };
  const showing = setInterval(show, PROGRESS_MS);
  try {
    await Promise.all(
      clients.map(async ({ user, insist }) => {
        while (begun < way.names && since() * 1000 < MAX_WAY_MS) {
          const what = valueFor(user, ++begun);
          publishMs.push(await insist({ path: '/present', ...what }, PATIENCE_MS));
          await insist({ path: '/cleanup', ...what }, PATIENCE_MS);
          done++;
        }
      }),
    );
    return { names: done, seconds: since(), publishMs, requests: way.requests() - before };
  } finally {
    clearInterval(showing);
    show();
  }
}

const valueFor = (user: string, host: number) => ({
  user,
  name: `_acme-challenge.host${host}.${ZONES[host % ZONES.length]}`,
  value: randomBytes(32).toString('base64url'),
});
