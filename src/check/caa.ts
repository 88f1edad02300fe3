import type { Resolver } from '../dns/resolver.ts';
import { type Fqdn, normaliseName } from '../names.ts';
import {
  type CaaRecord,
  type CaaVerdict,
  formatCaaRecord,
  type IssueRequest,
  judgeCaa,
  relevantTag,
} from './caa-rules.ts';
import { closestSet, type FoundSet } from './caa-set.ts';
import type { Findings, Reporter } from './finding.ts';
import type { Wanted } from './wanted.ts';

const MAX_LISTED = 5;
const MAX_LENGTH = 300;

/** Whether CAA records would stop a CA from issuing, asked as a CA asks: of a resolver, which follows CNAMEs. */
export async function* checkCaa(
  { domain, wildcard }: Pick<Wanted, 'domain' | 'wildcard'>,
  request: Omit<IssueRequest, 'wildcard'>,
  { resolver }: { readonly resolver: Resolver },
  report: Reporter,
): Findings {
  const found = await closestSet(domain, resolver);
  switch (found.kind) {
    case 'none':
      return yield report.good('caa', 'no CAA record, so every CA may issue');
    case 'found':
      return yield explain(found, { ...request, wildcard }, report);
    case 'no-top': {
      const text = `the top-level domain ${found.at} does not exist, so no public CA issues`;
      // Without an issuer it may be about a CA of your own.
      return yield request.issuer === undefined ? report.warning('caa', text) : report.bad('caa', text);
    }
    case 'failed': {
      const { at, error } = found;
      if (!(await isUsable(resolver, domain))) return yield report.notChecked('caa', error.message, error.hint);
      const hint = `repair what answers for ${at}: a CA asks for CAA records at every name from ${domain} up`;
      return yield report.bad('caa', `a CA issues nothing without the CAA records of ${at}: ${error.message}`, hint);
    }
  }
}

/** Whether the resolvers answer at all. If they do not, a failure says nothing about the domain. */
async function isUsable(resolver: Resolver, domain: Fqdn): Promise<boolean> {
  const top = normaliseName(domain.slice(domain.lastIndexOf('.') + 1));
  return resolver.resolve({ name: top, type: 'NS' }).then(
    () => true,
    () => false,
  );
}

function explain({ at, owner, records }: FoundSet, request: IssueRequest, report: Reporter) {
  const { issuer, method, wildcard } = request;
  const { verdict, issuers, refusals } = judgeCaa(records, request);
  const who = issuer ?? 'any CA';
  const where = at === owner ? `the records at ${at}` : `the records at ${owner}, where the CNAME at ${at} leads,`;
  switch (verdict) {
    case 'allowed': {
      if (issuers.length === 0) return report.good('caa', `${where} do not restrict who may issue`);
      const others = wildcard ? '' : aboutWildcards(records, request);
      return report.good('caa', `${where} let ${listed(issuers, ' and ')} issue by ${method}${others}`);
    }
    case 'account':
      return report.warning(
        'caa',
        `${where} let only certain accounts issue: ${listed(issuers, ' and ')}`,
        'compare it with the account of your ACME client, or name that with --account-uri URL',
      );
    case 'refused':
      return report.bad(
        'caa',
        `${where} do not let ${who} issue by ${method}: ${listed(refusals, '; ')}`,
        hintFor(owner, records, request, refusals),
      );
  }
}

/** As much of it as a person reads: a zone may have thousands of records, each of 65,000 octets. */
function listed(texts: readonly string[], separator: string): string {
  const shown = texts
    .slice(0, MAX_LISTED)
    .map((text) => (text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text));
  const others = texts.length - shown.length;
  return [...shown, ...(others > 0 ? [`${others} more`] : [])].join(separator);
}

/** What to add about wildcards where none was asked for: not a fault, but good to know. */
function aboutWildcards(records: readonly CaaRecord[], request: IssueRequest): string {
  const { verdict }: CaaVerdict = judgeCaa(records, { ...request, wildcard: true });
  return verdict === 'refused' ? ', but no wildcards' : '';
}

function hintFor(
  owner: Fqdn,
  records: readonly CaaRecord[],
  request: IssueRequest,
  refusals: readonly string[],
): string {
  const { issuer, wildcard } = request;
  if (refusals.some((text) => text.includes(' is critical, '))) return `remove the critical record at ${owner}`;
  const record = { flags: 0, tag: relevantTag(records, wildcard), value: issuer ?? 'the name of your CA' };
  return `change one of them, or add: ${owner} CAA ${formatCaaRecord(record)}`;
}
