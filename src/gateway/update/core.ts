import { carryOut, check } from '../../challenge/order.ts';
import { valuesAt, valuesIfKnown } from '../../challenge/preview.ts';
import type { Overrides } from '../../challenge/route.ts';
import type { Run } from '../../challenge/run.ts';
import { findTarget } from '../../challenge/target.ts';
import { isDns01Error } from '../../errors.ts';
import type { Fqdn } from '../../names.ts';
import type { Log } from '../../output/log.ts';
import { type Audit, failureLine } from '../audit.ts';
import type { Action } from '../front.ts';
import type { LiveValues } from '../live-values.ts';
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

export interface UpdateCoreSettings {
  readonly runs: SharedRun;
  readonly overrides: Overrides;
  /** Answer only when the name servers show the values. */
  readonly wait: boolean;
  readonly liveValues: LiveValues;
  readonly audit: Audit;
  readonly log: Log;
}

export function createUpdateCore(settings: UpdateCoreSettings): UpdateCore {
  const { runs, overrides, wait, liveValues, audit, log } = settings;
  return {
    valuesAt: (name, client) => inRun(client, name, (run) => valuesNow(name, client, run)),
    carryOut: (update, read, client) =>
      inRun(client, firstName(update), (run) => carryOutIn(run, update, read, client)),
  };

  /** @param name for the log */
  async function inRun<Result>(client: Client, name: string, task: (run: Run) => Promise<Result>): Promise<Result> {
    try {
      return await runs.use(task);
    } catch (error) {
      log.warn(failureLine(client.user.name, name, error));
      throw error;
    }
  }

  async function carryOutIn(run: Run, update: Update, read: readonly Fqdn[], client: Client): Promise<Reply> {
    const values = await Promise.all(read.map(async (name) => [name, await valuesNow(name, client, run)] as const));
    const failed = failedPrerequisite(update, new Map(values));
    if (failed) return failed;
    const cleared = await Promise.all(update.clears.map((name) => publishedBy(client, name, run)));
    const removes = [...update.removes, ...cleared.flat()];
    await refuseAny(update.adds, removes, client, run);
    const publish = () => make('add', update.adds, client, run);
    await update.adds.reduceRight(
      (task, { name, value }) =>
        () =>
          liveValues.publish(client.user, name, value, task),
      publish,
    )();
    await make('remove', removes, client, run);
    return { rcode: RCODE.NOERROR };
  }

  /** The lines go out together, and there is an audit line for each. */
  async function make(action: Action, lines: readonly Line[], client: Client, run: Run): Promise<void> {
    if (lines.length === 0) return;
    const started = performance.now();
    const { principal, name: user } = client.user;
    const { each, all } = carryOut({ action, challenges: lines, principal, overrides, wait, undo: true }, run);
    const failure = await all.then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    for (const [index, made] of (await Promise.all(each)).entries()) {
      const name = lines[index]?.name ?? '';
      const about = { user, from: client.ip, front: 'rfc2136', action, name };
      const how = isDns01Error(made)
        ? { account: '-', outcome: made.code }
        : { account: made.account, outcome: failure ? 'undone' : 'done' };
      audit({ ...about, ...how }, performance.now() - started);
      if (isDns01Error(made) && made !== failure?.error) log.warn(failureLine(user, name, made));
    }
    if (failure) throw failure.error;
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
