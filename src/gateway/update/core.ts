import { check } from '../../challenge/order.ts';
import { valuesAt, valuesIfKnown } from '../../challenge/preview.ts';
import type { Overrides } from '../../challenge/route.ts';
import type { Run } from '../../challenge/run.ts';
import { findTarget } from '../../challenge/target.ts';
import type { Fqdn } from '../../names.ts';
import type { ChangeMaker } from '../make-change.ts';
import type { SharedRun } from '../shared-run.ts';
import type { GatewayUser } from '../users.ts';
import { failedPrerequisite } from './prerequisites.ts';
import type { Line, Update } from './read-update.ts';
import { RCODE, type Reply } from './reply.ts';

/** Who asks, and from which IP address. */
export interface Client {
  readonly user: GatewayUser;
  readonly ip: string;
}

/** What this front has the core do. */
export interface UpdateCore {
  /** The TXT values at a name of the user. @throws as reading from the provider does */
  valuesAt(name: Fqdn, client: Client): Promise<readonly string[]>;
  /** @param read the names that the prerequisites are about. @throws as an order does, for the first line that fails */
  carryOut(update: Update, read: readonly Fqdn[], client: Client): Promise<Reply>;
}

export interface UpdateCoreSettings extends Pick<ChangeMaker, 'make' | 'logged'> {
  readonly runs: SharedRun;
  readonly overrides: Overrides;
}

export function createUpdateCore({ runs, overrides, make, logged }: UpdateCoreSettings): UpdateCore {
  return {
    valuesAt: (name, client) => logged(client.user, name, () => runs.use((run) => valuesNow(name, client, run))),
    carryOut: (update, read, client) =>
      logged(client.user, firstName(update), () => runs.use((run) => carryOutIn(run, update, read, client))),
  };

  async function carryOutIn(run: Run, update: Update, read: readonly Fqdn[], client: Client): Promise<Reply> {
    const values = await Promise.all(read.map(async (name) => [name, await valuesNow(name, client, run)] as const));
    const failed = failedPrerequisite(update, new Map(values));
    if (failed) return failed;
    const cleared = await Promise.all(update.clears.map((name) => publishedBy(client, name, run)));
    const removes = [...update.removes, ...cleared.flat()];
    await refuseAny(update.adds, removes, client, run);
    const who = { user: client.user, from: client.ip, front: 'rfc2136' };
    await make({ ...who, action: 'add', lines: update.adds, undo: true }, run);
    await make({ ...who, action: 'remove', lines: removes }, run);
    return { rcode: RCODE.NOERROR };
  }

  /** The provider's, or where it cannot tell, those that the user published. */
  async function valuesNow(name: Fqdn, client: Client, run: Run): Promise<readonly string[]> {
    const target = await findTarget(name, run, { principal: client.user.principal, overrides });
    const account = await run.account(target.account);
    const listed = await valuesIfKnown(() => valuesAt(target, account));
    return listed?.values ?? (await publishedBy(client, name, run)).map(({ value }) => value);
  }

  /** All lines are checked before the first is written, since one that is refused refuses the message. */
  async function refuseAny(adds: readonly Line[], removes: readonly Line[], client: Client, run: Run): Promise<void> {
    const quiet = { ...run, log: { ...run.log, warn: () => {} } };
    const challenges = [...adds, ...removes].map((line) => check(line, quiet));
    if (challenges.length < 2) return;
    const { principal } = client.user;
    const names = new Set(challenges.slice(0, adds.length).map(({ name }) => name));
    await Promise.all([...names].map((name) => findTarget(name, run, { principal, overrides })));
  }
}

const firstName = ({ adds, removes, clears, zone }: Update): string =>
  [...adds, ...removes].map(({ name }) => name)[0] ?? clears[0] ?? zone;

/** The values at a name that this user published and has not withdrawn. */
async function publishedBy({ user }: Client, name: string, run: Run): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const { value } of run.state.journal.list({ by: user.name, name })) lines.push({ name, value });
  return lines;
}
