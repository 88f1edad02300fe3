import { expect, it, onTestFinished } from 'vitest';
import { openCheckContext } from '../../src/check/context.ts';
import { type Finding, reporterFor } from '../../src/check/finding.ts';
import { checkNegative } from '../../src/check/negative.ts';
import { wantedName } from '../../src/check/wanted.ts';
import { openAuthorityFinder } from '../../src/dns/authority.ts';
import { normaliseName } from '../../src/names.ts';
import { serve, VALUE, zoneOf } from '../dns/support.ts';
import { type OperatorAnswer, startOperator } from '../fakes/operator.ts';

const CHALLENGE = '_acme-challenge.example.com';

/** What a resolver keeps of "not there", with the seconds that are left. */
const notThere = (ttl: number): OperatorAnswer => ({
  rcode: 'NXDOMAIN',
  authorities: [
    { type: 'SOA', name: 'example.com', ttl, data: { mname: 'ns.example.com', rname: 'x.example.com', minimum: 3600 } },
  ],
});
const THERE: OperatorAnswer = { answers: [{ type: 'TXT', name: CHALLENGE, ttl: 60, data: VALUE }] };

/** The findings about resolvers, where the zone's server has these values, and what the resolver was asked. */
async function check(values: readonly string[], answer: OperatorAnswer) {
  const [server] = await serve({ zones: [zoneOf('example.com', ['ns.example.com'], { values })] });
  const operator = await startOperator({ answer: ({ name }) => (name === '' ? { secure: true } : answer) });
  onTestFinished(operator.close);
  const nameservers = [{ zone: normaliseName('example.com'), servers: [server.at] }];
  const dns = { resolvers: ['127.0.0.1:1'], nameservers, doh: [operator.url] };
  const signal = AbortSignal.timeout(10_000);
  const context = openCheckContext(dns, signal, undefined, {}, openAuthorityFinder(dns, signal));
  const wanted = wantedName('example.com');
  const findings: Finding[] = [];
  for await (const each of checkNegative(wanted, context, reporterFor(wanted.subject))) findings.push(each);
  const { host } = new URL(operator.url);
  return { host, found: findings.slice(1), first: findings[0], asked: operator.questions.map(({ name }) => name) };
}

it('names the resolver that still holds that a value is not there, and for how long', async () => {
  const { host, found, first } = await check([VALUE], notThere(312));
  expect(first).toMatchObject({ level: 'good', subject: 'zone example.com', check: 'negative answers' });
  expect(found).toMatchObject([
    {
      level: 'warning',
      check: 'negative answers',
      text: `${host} still holds, for 312 s, that there is no value at ${CHALLENGE}`,
    },
  ]);
});

it('says nothing of a resolver that has the value', async () => {
  expect((await check([VALUE], THERE)).found).toEqual([]);
});

it('asks no resolver for a value that is not there', async () => {
  const { found, asked } = await check([], notThere(312));
  expect(found).toEqual([]);
  expect(asked).not.toContain(CHALLENGE);
});
