import type { Run } from '../challenge/run.ts';
import { openResolver } from '../dns/resolver.ts';
import { type Fqdn, nameAndAbove } from '../names.ts';
import type { Findings, Reporter } from './finding.ts';

/** Whether CAA records would keep an issuer from issuing (RFC 8659): the closest set above the domain counts. */
export async function* checkCaa(domain: Fqdn, issuer: string | undefined, run: Run, report: Reporter): Findings {
  const { owner, records } = await closestSet(domain, run);
  if (!owner) {
    yield report.good('caa', 'no CAA record: every issuer may');
    return;
  }
  for (const tag of ['issue', 'issuewild'] as const) {
    const allowed = issuersIn(records, tag);
    if (allowed.length === 0) continue;
    const list = allowed.map((name) => name || 'nobody').join(', ');
    if (issuer === undefined || allowed.includes(issuer)) yield report.good('caa', `${owner} ${tag}: ${list}`);
    else
      yield report.bad('caa', `${owner} ${tag} allows ${list}, not ${issuer}`, `add ${owner} CAA 0 ${tag} "${issuer}"`);
  }
}

async function closestSet(domain: Fqdn, run: Run): Promise<{ owner: Fqdn | undefined; records: string[] }> {
  const resolver = openResolver(run.config.resolvers, run.deadline.signal);
  for (const at of nameAndAbove(domain)) {
    const { answers } = await resolver.resolve({ name: at, type: 'CAA' });
    const records = answers.filter(({ type }) => type === 'CAA').map(({ data }) => data);
    if (records.length > 0) return { owner: at, records };
  }
  return { owner: undefined, records: [] };
}

/** `issue letsencrypt.org; validationmethods=dns-01` allows letsencrypt.org; `issue ;` allows nobody. */
function issuersIn(records: readonly string[], tag: string): string[] {
  return records
    .filter((record) => record.startsWith(`${tag} `))
    .map((record) => (record.slice(tag.length + 1).split(';')[0] ?? '').trim().toLowerCase());
}
