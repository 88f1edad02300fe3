import { noSuchAccount } from '../accounts/definition.ts';
import { WHOLE_CONFIG } from '../challenge/principal.ts';
import type { Overrides } from '../challenge/route.ts';
import type { Run } from '../challenge/run.ts';
import { findTarget, type Target } from '../challenge/target.ts';
import { normaliseName } from '../names.ts';
import { checkAccount } from './account.ts';
import { type CheckRequest, checkName, inOrder } from './check.ts';
import { type CheckContext, openCheckContext } from './context.ts';
import { type Findings, reporterFor, untilFailure } from './finding.ts';
import { checkPlace } from './place.ts';
import { type Wanted, wantedName, wantedZone } from './wanted.ts';
import { testWrite } from './write-test.ts';

export interface ExamineSettings extends Pick<CheckRequest, 'issuer' | 'accountUri'> {
  /** The names that certificates are for, as the user writes them; empty: the zones of the config. */
  readonly names: readonly string[];
  readonly account?: string | undefined;
  readonly zone?: string | undefined;
  readonly write: boolean;
  readonly dryRun: boolean;
}

/** Would issuing work? @throws E_USAGE for a name that is not valid, or an unknown account */
export async function* examine(run: Run, settings: ExamineSettings): Findings {
  const { config } = run;
  const { account, write, dryRun } = settings;
  yield reporterFor('dns01').good('config', `read from ${config.file}`);
  if (account !== undefined && !Object.hasOwn(config.accounts, account)) throw noSuchAccount(account, config);
  const wanted = wantedBy(settings, run);
  // Without names, --zone selects what to check.
  const overrides = { account, zone: settings.names.length > 0 ? settings.zone : undefined };
  const named = settings.names.length > 0 ? await targetsOf(wanted, overrides, run) : [];
  const inUse = new Set(named.map((target) => target.account));
  for (const name of Object.keys(config.accounts)) {
    if (account !== undefined ? account !== name : settings.names.length > 0 && !inUse.has(name)) continue;
    const names = named.filter((target) => target.account === name);
    yield* checkAccount(name, names, run);
  }
  const { signal } = run.deadline;
  const context = openCheckContext(config, signal, undefined, run.env, run.authorities);
  yield* inOrder(wanted.map((each) => () => checkOne(each, { overrides, request: settings }, context, run)));
  if (write) yield* testWrites(wanted, overrides, dryRun, run);
}

/** What a CA sees, and what only an account can tell. */
async function* checkOne(
  wanted: Wanted,
  { overrides, request }: { readonly overrides: Overrides; readonly request: CheckRequest },
  context: CheckContext,
  run: Run,
): Findings {
  const report = reporterFor(wanted.subject);
  yield* checkName(wanted, request, context);
  yield* untilFailure('target', report, checkPlace(wanted, overrides, run, report));
}

function wantedBy({ names, zone, account }: ExamineSettings, { config }: Run): Wanted[] {
  if (names.length > 0) return names.map((text) => wantedName(text));
  if (zone !== undefined) return [wantedZone(normaliseName(zone))];
  const routes = config.zones.filter((route) => account === undefined || route.account === account);
  return routes.map((route) => wantedZone(route.zone));
}

/** Where the names are written, as far as it can be found. The check of each name reports why it cannot. */
async function targetsOf(wanted: readonly Wanted[], overrides: Overrides, run: Run): Promise<Target[]> {
  const settings = { principal: WHOLE_CONFIG, overrides };
  const found = await Promise.allSettled(wanted.map(({ challenge }) => findTarget(challenge, run, settings)));
  return found.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

/** A name and its wildcard share one challenge name. */
async function* testWrites(wanted: readonly Wanted[], overrides: Overrides, dryRun: boolean, run: Run): Findings {
  const report = reporterFor('write test');
  if (dryRun) yield report.notChecked('write', 'nothing was written, because of --dry-run');
  else if (wanted.length === 0) {
    const text = 'nothing was written: no zone is under zones: and no name was given';
    yield report.notChecked('write', text, 'name where to write: dns01 doctor --write NAME');
  } else {
    const once = new Map(wanted.map((each) => [each.challenge, each]));
    for (const each of once.values()) yield* testWrite(each, overrides, run);
  }
}
