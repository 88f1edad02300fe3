import { describe, expect, it } from 'vitest';
import { checkCaa } from '../../src/check/caa.ts';
import type { IssueRequest } from '../../src/check/caa-rules.ts';
import { type Finding, reporterFor } from '../../src/check/finding.ts';
import { openResolver } from '../../src/dns/resolver.ts';
import { normaliseName } from '../../src/names.ts';
import { serve } from '../dns/support.ts';
import type { FakeRecord, Manners } from '../fakes/dns-server.ts';

const LE = 'letsencrypt.org';

const caa = (name: string, data: string): FakeRecord => ({ name, type: 'CAA', data });

interface Scene {
  readonly records?: readonly FakeRecord[];
  readonly domain?: string;
  readonly request?: Partial<Omit<IssueRequest, 'wildcard'>>;
  readonly manners?: Manners;
}

/** What is said of a domain of example.com, by a resolver that knows all of com. */
async function findingFor({ records = [], domain = 'www.example.com', request, manners = {} }: Scene) {
  const zones = [
    { name: 'com', records },
    { name: 'net', records },
  ];
  const [resolver] = await serve({ resolver: true, zones, manners });
  const context = { resolver: openResolver([resolver.at], new AbortController().signal) };
  const wildcard = domain.startsWith('*.');
  const wanted = { domain: normaliseName(wildcard ? domain.slice(2) : domain), wildcard };
  const asked = { issuer: LE, accountUri: undefined, method: 'dns-01', ...request };
  const findings: Finding[] = [];
  for await (const finding of checkCaa(wanted, asked, context, reporterFor('name'))) findings.push(finding);
  expect(findings).toHaveLength(1);
  for (const question of resolver.questions) expect(question).toMatchObject({ recursive: true });
  return { level: findings[0]?.level, text: findings[0]?.text, hint: findings[0]?.hint };
}

describe('the closest set of CAA records counts', () => {
  it('and there is none, up to the top level', async () => {
    expect(await findingFor({})).toEqual({
      level: 'good',
      text: 'no CAA record, so every CA may issue',
    });
  });

  it('at the domain itself, whatever is above it', async () => {
    const records = [caa('www.example.com', `0 issue ${LE}`), caa('example.com', '0 issue ;')];
    expect(await findingFor({ records })).toEqual({
      level: 'good',
      text: `the records at www.example.com let ${LE} issue by dns-01`,
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
    expect(await findingFor({ records })).toMatchObject({
      level: 'good',
      text: `the records at www.other.net, where the CNAME at www.example.com leads, let ${LE} issue by dns-01`,
    });
    const elsewhere = [...records.slice(0, 1), caa('www.other.net', '0 issue ;')];
    expect(await findingFor({ records: elsewhere })).toMatchObject({
      level: 'bad',
      hint: `change one of them, or add: www.other.net CAA 0 issue "${LE}"`,
    });
  });

  it('but not what is above the end of a CNAME (RFC 8659 section 3)', async () => {
    const records: FakeRecord[] = [
      { name: 'www.example.com', type: 'CNAME', data: 'www.other.net' },
      caa('other.net', '0 issue ;'),
    ];
    expect(await findingFor({ records })).toMatchObject({
      level: 'good',
      text: 'no CAA record, so every CA may issue',
    });
  });
});

describe('a question that fails', () => {
  it.each(['SERVFAIL', 'REFUSED'] as const)('on the way keeps a CA from issuing: %s', async (rcode) => {
    const manners = { rcode, rcodeFor: { name: 'example.com', type: 'CAA' } };
    const { level, text } = await findingFor({ manners });
    expect(level).toBe('bad');
    expect(text).toMatch(new RegExp(`^a CA issues nothing without the CAA records of example\\.com: .*${rcode}`));
  });

  it('above the set that counts does no harm', async () => {
    const records = [caa('www.example.com', `0 issue ${LE}`)];
    const manners = { rcode: 'SERVFAIL', rcodeFor: { name: 'example.com', type: 'CAA' } } as const;
    expect(await findingFor({ records, manners })).toMatchObject({ level: 'good' });
  });

  it('is one with a record that cannot be read', async () => {
    const records = [caa('example.com', `0 issue ${LE}`), caa('www.example.com', 'no')];
    expect(await findingFor({ records })).toMatchObject({
      level: 'bad',
      text: 'a CA issues nothing without the CAA records of www.example.com: www.example.com has a CAA record that cannot be read',
    });
  });

  it('is none for a tag with a blank, which is only another tag', async () => {
    const records = [caa('example.com', `\0\x09issue ca.\t${LE}`)];
    expect(await findingFor({ records })).toMatchObject({
      level: 'good',
      text: 'the records at example.com do not restrict who may issue',
    });
  });

  it('is one for a top-level domain that does not exist, but only where no record is below it', async () => {
    const domain = 'www.example.gone';
    const text = 'the top-level domain gone does not exist, so no public CA issues';
    expect(await findingFor({ domain })).toMatchObject({ level: 'bad', text });
    expect(await findingFor({ domain, request: { issuer: undefined } })).toMatchObject({ level: 'warning', text });
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
    expect(await findingFor({ records, domain: '*.www.example.com' })).toMatchObject({
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

  it('on one short line, whatever the records hold', async () => {
    const records = Array.from({ length: 60 }, (_, index) =>
      caa('example.com', `0 issue ca${index}.example; a=${'x'.repeat(900)}\nok  name: caa: fine`),
    );
    const { text = '' } = await findingFor({ records });
    expect(text).not.toContain('\n');
    expect(text.length).toBeLessThan(2000);
    expect(text).toMatch(/; 55 more$/);
  });

  it('that the records do not restrict it', async () => {
    expect(await findingFor({ records: [caa('example.com', '0 iodef mailto:a@example.com')] })).toMatchObject({
      level: 'good',
      text: 'the records at example.com do not restrict who may issue',
    });
  });
});
