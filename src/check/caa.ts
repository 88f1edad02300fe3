import type { Run } from '../challenge/run.ts';
import { answersFor } from '../dns/message.ts';
import { openResolver, type Resolver } from '../dns/resolver.ts';
import { asDns01Error } from '../errors.ts';
import { type Fqdn, normaliseName } from '../names.ts';
import {
  type CaaRecord,
  type CaaVerdict,
  formatCaaRecord,
  type IssueRequest,
  judgeCaa,
  parseCaaRecord,
  relevantTag,
} from './caa-rules.ts';
import type { Findings, Reporter } from './finding.ts';

/** Whether CAA records would stop a CA from issuing: the closest set on the way up counts (RFC 8659 section 3). */
export async function* checkCaa(domain: Fqdn, request: IssueRequest, run: Run, report: Reporter): Findings {
  const resolver = openResolver(run.config.resolvers, run.deadline.signal);
  const found = await closestSet(domain, resolver);
  if (found.kind === 'failed') {
    const { at, error } = found;
    const { message, hint } = asDns01Error(error);
    yield (await isUsable(resolver, domain))
      ? report.bad(
          'caa',
          `a CA issues nothing without an answer: ${message}`,
          `repair what answers for ${at}: a CA asks for CAA records at every name from ${domain} up`,
        )
      : report.notChecked('caa', message, hint);
  } else if (found.kind === 'none') yield report.good('caa', 'no CAA record, so every CA may issue');
  else yield explain(found.at, found.records, request, report);
}

type ClosestSet =
  | { readonly kind: 'none' }
  | { readonly kind: 'found'; readonly at: Fqdn; readonly records: readonly CaaRecord[] }
  | { readonly kind: 'failed'; readonly at: Fqdn; readonly error: unknown };

/**
 * From the domain up to the top level. The resolver follows CNAMEs. A failing step ends the search, because the records
 * that count could be there.
 */
async function closestSet(domain: Fqdn, resolver: Resolver): Promise<ClosestSet> {
  const labels = domain.split('.');
  for (const index of labels.keys()) {
    const at = normaliseName(labels.slice(index).join('.'));
    try {
      const question = { name: at, type: 'CAA' } as const;
      const records = answersFor(await resolver.resolve(question), question).map(({ data }) => parseCaaRecord(data));
      if (records.length > 0) return { kind: 'found', at, records };
    } catch (error) {
      return { kind: 'failed', at, error };
    }
  }
  return { kind: 'none' };
}

/** Whether the resolvers answer at all. If they do not, a failure says nothing about the domain. */
async function isUsable(resolver: Resolver, domain: Fqdn): Promise<boolean> {
  const top = normaliseName(domain.slice(domain.lastIndexOf('.') + 1));
  return resolver.resolve({ name: top, type: 'NS' }).then(
    () => true,
    () => false,
  );
}

function explain(at: Fqdn, records: readonly CaaRecord[], request: IssueRequest, report: Reporter) {
  const { issuer, method, wildcard } = request;
  const { verdict, issuers, refusals } = judgeCaa(records, request);
  const who = issuer ?? 'any CA';
  switch (verdict) {
    case 'allowed': {
      if (issuers.length === 0) return report.good('caa', `the records at ${at} do not restrict who may issue`);
      const others = wildcard ? '' : aboutWildcards(records, request);
      return report.good('caa', `the records at ${at} let ${issuers.join(' and ')} issue by ${method}${others}`);
    }
    case 'account':
      return report.warning(
        'caa',
        `the records at ${at} let only certain accounts issue: ${issuers.join(' and ')}`,
        'compare it with the account of your ACME client, or name that with --account-uri URL',
      );
    case 'refused':
      return report.bad(
        'caa',
        `the records at ${at} do not let ${who} issue by ${method}: ${refusals.join('; ')}`,
        hintFor(at, records, request, refusals),
      );
  }
}

/** What to add about wildcards where none was asked for: not a fault, but good to know. */
function aboutWildcards(records: readonly CaaRecord[], request: IssueRequest): string {
  const { verdict }: CaaVerdict = judgeCaa(records, { ...request, wildcard: true });
  return verdict === 'refused' ? ', but no wildcards' : '';
}

function hintFor(at: Fqdn, records: readonly CaaRecord[], request: IssueRequest, refusals: readonly string[]): string {
  const { issuer, wildcard } = request;
  if (refusals.some((text) => text.includes(' is critical, '))) return `remove the critical record at ${at}`;
  const record = { flags: 0, tag: relevantTag(records, wildcard), value: issuer ?? 'the name of your CA' };
  return `change one of them, or add: ${at} CAA ${formatCaaRecord(record)}`;
}
