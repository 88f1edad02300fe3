import { asDns01Error, Dns01Error } from '../errors.ts';
import { oneColumn } from '../output/text.ts';
import { checkAccountLabel } from './account-label.ts';
import { checkCaa } from './caa.ts';
import type { IssueRequest } from './caa-rules.ts';
import type { CheckContext } from './context.ts';
import { checkDelegation } from './delegation.ts';
import { checkDnssec } from './dnssec.ts';
import { checkDomain } from './domain.ts';
import { ahead, type Finding, type Findings, type Reporter, reporterFor, untilFailure } from './finding.ts';
import { problemOfName } from './name-rules.ts';
import { checkNegative } from './negative.ts';
import { type Method, type Wanted, wantedName } from './wanted.ts';
import { checkWay } from './way.ts';

export interface CheckRequest extends Pick<IssueRequest, 'issuer' | 'accountUri'> {
  /** Default: what each name is for. */
  readonly method?: Method | undefined;
}

/** How many names are checked at a time. */
const CONCURRENCY = 8;

/**
 * Would a CA issue for these names?
 * @throws E_USAGE for a name that the method cannot validate; E_REMOTE where the time is up before anything bad is found
 */
export async function* checkNames(names: readonly string[], request: CheckRequest, context: CheckContext): Findings {
  let isBad = false;
  for await (const finding of inOrder(names.map((text) => planFor(text, request, context)))) {
    // What was asked last has got no time to answer.
    if (context.signal.aborted) {
      const error = timeIsUp();
      if (!isBad) throw error;
      return yield reporterFor('dns01').notChecked('time limit', error.message, error.hint);
    }
    isBad ||= finding.level === 'bad';
    yield finding;
  }
}

const timeIsUp = (): Dns01Error =>
  new Dns01Error('E_REMOTE', 'the time limit was reached before everything was checked', {
    hint: 'give more time with --timeout SECONDS',
  });

/**
 * What does not depend on each other is asked at once and shown in order: name by name, each in the order in which a CA
 * goes. Names in the same zone show its findings once.
 */
export async function* inOrder(plans: readonly (() => Findings)[]): Findings {
  const waiting = [...plans];
  const running: AsyncIterable<Finding>[] = [];
  const shown = new Set<string>();
  while (waiting.length + running.length > 0) {
    running.push(...waiting.splice(0, CONCURRENCY - running.length).map((start) => ahead(start())));
    for await (const finding of running.shift() ?? []) {
      const key = JSON.stringify(finding);
      if (!shown.has(key)) yield finding;
      shown.add(key);
    }
  }
}

function planFor(text: string, request: CheckRequest, context: CheckContext): () => Findings {
  const problem = problemOfName(text, { privateRoot: (context.dns.roots ?? []).length > 0 });
  if (!problem) {
    const wanted = wantedName(text, request);
    return () => checkName(wanted, request, context);
  }
  const finding = reporterFor(`name ${oneColumn(text)}`).bad('name', problem.text, problem.hint);
  return async function* () {
    yield finding;
  };
}

/** What a CA sees of a name. */
export async function* checkName(wanted: Wanted, request: CheckRequest, context: CheckContext): Findings {
  const report = withUnknown(reporterFor(wanted.subject));
  const [first, ...others] = groupsOf(wanted, request, context, report).map(ahead);
  for await (const finding of first ?? []) {
    yield finding;
    // Nothing is below a domain that does not exist.
    if (finding.level === 'bad') return;
  }
  for (const findings of others) yield* findings;
}

/** What does not answer at all is a finding of the delegation. The others cannot tell then. */
function withUnknown(report: Reporter): Reporter {
  return {
    ...report,
    failed(check, error) {
      const { code, message, hint } = asDns01Error(error);
      return code === 'E_REMOTE' ? report.notChecked(check, message, hint) : report.failed(check, error);
    },
  };
}

/** What a CA looks at, in its order. */
function groupsOf(wanted: Wanted, request: CheckRequest, context: CheckContext, report: Reporter): Findings[] {
  const { issuer, accountUri } = request;
  const caaRequest = { issuer, accountUri, method: wanted.method };
  return [
    untilFailure('name', report, checkDomain(wanted, context, report)),
    untilFailure('account', report, checkAccountLabel(wanted, accountUri, report)),
    untilFailure('delegation', report, checkDelegation(wanted, context, report)),
    untilFailure('cname', report, checkWay(wanted, context, report)),
    untilFailure('dnssec', report, checkDnssec(wanted, context, report)),
    untilFailure('caa', report, checkCaa(wanted, caaRequest, context, report)),
    untilFailure('negative answers', report, checkNegative(wanted, context, report)),
  ];
}
