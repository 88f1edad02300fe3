import { describe, expect, it } from 'vitest';
import type { Run } from '../../src/challenge/run.ts';
import { checkCaa } from '../../src/check/caa.ts';
import type { IssueRequest } from '../../src/check/caa-rules.ts';
import { type Finding, reporterFor } from '../../src/check/finding.ts';
import { normaliseName } from '../../src/names.ts';
import { serve } from '../dns/support.ts';
import type { FakeRecord, Manners } from '../fakes/dns-server.ts';

const LE = 'letsencrypt.org';

const caa = (name: string, data: string): FakeRecord => ({ name, type: 'CAA', data });

interface Scene {
  readonly records?: readonly FakeRecord[];
  readonly domain?: string;
  readonly request?: Partial<IssueRequest>;
  readonly manners?: Manners;
}

/** What is said of a domain of example.com, by a resolver that knows all of com. */
async function findingFor({ records = [], domain = 'www.example.com', request, manners = {} }: Scene) {
  const zones = [
    { name: 'com', records },
    { name: 'net', records },
  ];
  const [resolver] = await serve({ resolver: true, zones, manners });
  const run = { config: { resolvers: [resolver.at] }, deadline: { signal: new AbortController().signal } };
  const wanted = { issuer: LE, accountUri: undefined, method: 'dns-01', wildcard: false, ...request };
  const findings: Finding[] = [];
  const report = reporterFor('name');
  for await (const finding of checkCaa(normaliseName(domain), wanted, run as unknown as Run, report))
    findings.push(finding);
  expect(findings).toHaveLength(1);
  const asked = resolver.questions.map(({ name, type }) => `${name} ${type}`);
  return { level: findings[0]?.level, text: findings[0]?.text, hint: findings[0]?.hint, asked };
}

describe('the closest set of CAA records counts', () => {
  it('and there is none, up to the top level', async () => {
    expect(await findingFor({})).toEqual({
      level: 'good',
      text: 'no CAA record, so every CA may issue',
      asked: ['www.example.com CAA', 'example.com CAA', 'com CAA'],
    });
  });

  it('at the domain itself, and nothing above it is asked', async () => {
    const records = [caa('www.example.com', `0 issue ${LE}`), caa('example.com', '0 issue ;')];
    expect(await findingFor({ records })).toEqual({
      level: 'good',
      text: `the records at www.example.com let ${LE} issue by dns-01`,
      asked: ['www.example.com CAA'],
    });
  });

  it('above it, the top level included', async () => {
    expect(await findingFor({ records: [caa('example.com', '0 issue ca.example')] })).toMatchObject({
      level: 'bad',
      text: `the records at example.com do not let ${LE} issue by dns-01: 0 issue "ca.example" is for another CA`,
      hint: `change one of them, or add: example.com CAA 0 issue "${LE}"`,
    });
    expect(await findingFor({ records: [caa('com', '0 issue ca.example')] })).toMatchObject({ level: 'bad' });
  });

  it('at the end of a CNAME, before what is above', async () => {
    const records: FakeRecord[] = [
      { name: 'www.example.com', type: 'CNAME', data: 'www.other.net' },
      caa('www.other.net', `0 issue ${LE}`),
      caa('example.com', '0 issue ;'),
    ];
    expect(await findingFor({ records })).toMatchObject({ level: 'good', asked: ['www.example.com CAA'] });
  });

  it('but not what is above the end of a CNAME (RFC 8659 section 3)', async () => {
    const records: FakeRecord[] = [
      { name: 'www.example.com', type: 'CNAME', data: 'www.other.net' },
      caa('other.net', '0 issue ;'),
    ];
    expect(await findingFor({ records })).toMatchObject({
      level: 'good',
      asked: ['www.example.com CAA', 'example.com CAA', 'com CAA'],
    });
  });
});

describe('a question that fails', () => {
  it.each(['SERVFAIL', 'REFUSED'] as const)('on the way keeps a CA from issuing: %s', async (rcode) => {
    const manners = { rcode, rcodeFor: { name: 'example.com', type: 'CAA' } };
    const { level, text } = await findingFor({ manners });
    expect(level).toBe('bad');
    expect(text).toMatch(new RegExp(`^a CA issues nothing without an answer: .*example\\.com CAA .*${rcode}`));
  });

  it('above the set that counts does no harm', async () => {
    const records = [caa('www.example.com', `0 issue ${LE}`)];
    const manners = { rcode: 'SERVFAIL', rcodeFor: { name: 'example.com', type: 'CAA' } } as const;
    expect(await findingFor({ records, manners })).toMatchObject({ level: 'good' });
  });

  it('like every other says nothing about the domain', async () => {
    expect(await findingFor({ manners: { rcode: 'SERVFAIL' } })).toMatchObject({
      level: 'info',
      text: expect.stringMatching(/^no resolver answers/),
    });
  });
});

describe('it is said', () => {
  it('who may issue, where no issuer is given', async () => {
    const records = [caa('example.com', `0 issue ${LE}`), caa('example.com', '0 issue ca.example;foo=bar')];
    expect(await findingFor({ records, request: { issuer: undefined } })).toMatchObject({
      level: 'good',
      text: `the records at example.com let ${LE} and ca.example issue by dns-01`,
    });
  });

  it('that the only method is another', async () => {
    const records = [caa('example.com', `0 issue ${LE}; validationmethods=http-01`)];
    const { level, text } = await findingFor({ records });
    expect({ level, text }).toEqual({
      level: 'bad',
      text: `the records at example.com do not let ${LE} issue by dns-01: 0 issue "${LE}; validationmethods=http-01" does not allow dns-01`,
    });
  });

  it('that a wildcard is forbidden: a fault only where one is wanted', async () => {
    const records = [caa('example.com', `0 issue ${LE}`), caa('example.com', '0 issuewild ;')];
    expect(await findingFor({ records })).toMatchObject({
      level: 'good',
      text: `the records at example.com let ${LE} issue by dns-01, but no wildcards`,
    });
    expect(await findingFor({ records, request: { wildcard: true } })).toMatchObject({
      level: 'bad',
      hint: `change one of them, or add: example.com CAA 0 issuewild "${LE}"`,
    });
  });

  it('that an account is needed, which is good only when it is the one given', async () => {
    const account = 'https://ca.example/acct/1';
    const records = [caa('example.com', `0 issue ${LE}; accounturi=${account}`)];
    expect(await findingFor({ records })).toMatchObject({
      level: 'warning',
      text: `the records at example.com let only certain accounts issue: ${LE} for the account ${account}`,
    });
    expect(await findingFor({ records, request: { accountUri: account } })).toMatchObject({ level: 'good' });
    expect(await findingFor({ records, request: { accountUri: `${account}2` } })).toMatchObject({ level: 'bad' });
  });

  it.each([1, 128])('that a record is critical and not known, by flag %i', async (flags) => {
    const records = [caa('example.com', `${flags} tbs Unknown`), caa('example.com', `0 issue ${LE}`)];
    expect(await findingFor({ records })).toMatchObject({
      level: 'bad',
      text: expect.stringContaining(`: ${flags} tbs "Unknown" is critical, and CAs do not know it`),
      hint: 'remove the critical record at example.com',
    });
  });

  it('that the records do not restrict it', async () => {
    expect(await findingFor({ records: [caa('example.com', '0 iodef mailto:a@example.com')] })).toMatchObject({
      level: 'good',
      text: 'the records at example.com do not restrict who may issue',
    });
  });
});
