import { describe, expect, it } from 'vitest';
import { type IssueRequest, judgeCaa, parseCaaRecord, parseIssueValue } from '../../src/check/caa-rules.ts';

const LE = 'letsencrypt.org';
const ACCOUNT = 'https://acme-v02.api.letsencrypt.org/acme/acct/123';
const OTHER_ACCOUNT = 'https://acme-v02.api.letsencrypt.org/acme/acct/321';

/** Records `FLAGS TAG VALUE`, and what they mean for letsencrypt.org and dns-01. */
type Case = [
  what: string,
  records: string[],
  verdict: 'allowed' | 'account' | 'refused',
  request?: Partial<IssueRequest>,
];

const WILDCARD = { wildcard: true };
const WITH_ACCOUNT = { accountUri: ACCOUNT };

const CASES: Case[] = [
  // Issuers.
  ['no records', [], 'allowed'],
  ['the issuer alone', ['0 issue letsencrypt.org'], 'allowed'],
  ['another issuer', ['0 issue ca.example'], 'refused'],
  ['one of two', ['0 issue ca.example', '0 issue letsencrypt.org'], 'allowed'],
  ['the tag in other case', ['0 iSsUe letsencrypt.org'], 'allowed'],
  ['the tag in other case, for another issuer', ['0 IsSuE ca.example'], 'refused'],
  ['a name that contains the issuer', ['0 issue letsencrypt.org.example'], 'refused'],
  ['the issuer in other case, which Boulder does not take', ['0 issue LetsEncrypt.org'], 'refused'],
  ['the issuer with a dot, which Boulder does not take', ['0 issue letsencrypt.org.'], 'refused'],
  ['blanks and tabs around it', ['0 issue  \t letsencrypt.org \t '], 'allowed'],
  ['only iodef', ['0 iodef mailto:a@example.com'], 'allowed'],
  ['any issuer, and there is one', ['0 issue ca.example'], 'allowed', { issuer: undefined }],
  ['any issuer, and there is none', ['0 issue ;'], 'refused', { issuer: undefined }],
  ['any issuer, and its name is none', ['0 issue two words'], 'refused', { issuer: undefined }],
  // Nobody.
  ['a semicolon alone', ['0 issue ;'], 'refused'],
  ['a semicolon between blanks', ['0 issue  ; '], 'refused'],
  ['an empty value', ['0 issue '], 'refused'],
  ['blanks alone', ['0 issue \t '], 'refused'],
  ['parameters without an issuer', ['0 issue ;validationmethods=dns-01'], 'refused'],
  ['nobody and somebody', ['0 issue ;', '0 issue letsencrypt.org'], 'allowed'],
  // Wildcards.
  ['issuewild does not count for others', ['0 issuewild ;'], 'allowed'],
  ['issuewild for another, beside issue', ['0 issue letsencrypt.org', '0 issuewild ca.example'], 'allowed'],
  ['issuewild does not allow others', ['0 issue ca.example', '0 issuewild letsencrypt.org'], 'refused'],
  ['issue holds for wildcards', ['0 issue letsencrypt.org'], 'allowed', WILDCARD],
  ['issue of another holds for wildcards', ['0 issue ca.example'], 'refused', WILDCARD],
  ['issuewild replaces issue', ['0 issue letsencrypt.org', '0 issuewild ca.example'], 'refused', WILDCARD],
  ['issuewild allows what issue does not', ['0 issue ca.example', '0 issuewild letsencrypt.org'], 'allowed', WILDCARD],
  ['one of two issuewild', ['0 issuewild ca.example', '0 issuewild letsencrypt.org'], 'allowed', WILDCARD],
  ['issuewild forbids', ['0 issuewild ;'], 'refused', WILDCARD],
  ['a wildcard and only iodef', ['0 iodef mailto:a@example.com'], 'allowed', WILDCARD],
  ['a malformed issuewild still replaces issue', ['0 issue letsencrypt.org', '0 issuewild a b'], 'refused', WILDCARD],
  // Critical flags.
  ['an unknown critical tag, 128', ['128 foo bar', '0 issue letsencrypt.org'], 'refused'],
  ['an unknown critical tag, 1', ['1 foo bar', '0 issue letsencrypt.org'], 'refused'],
  ['an unknown critical tag, 129', ['129 foo bar'], 'refused'],
  ['an unknown critical tag alone', ['128 foo bar'], 'refused', { issuer: undefined }],
  ['an unknown critical tag and a wildcard', ['128 foo bar', '0 issuewild letsencrypt.org'], 'refused', WILDCARD],
  ['an unknown tag with all other flags', ['126 foo bar'], 'allowed'],
  ['an unknown tag', ['0 foo bar', '0 issue letsencrypt.org'], 'allowed'],
  ['issue with 128', ['128 issue letsencrypt.org'], 'allowed'],
  ['issue of another with 1', ['1 issue ca.example', '1 issue letsencrypt.org'], 'allowed'],
  ['iodef with 128', ['128 iodef mailto:a@example.com'], 'allowed'],
  ['issuevmc with 128', ['128 issuevmc ;'], 'allowed'],
  ['issuemail with 128', ['128 issuemail ;'], 'allowed'],
  ['issuewild with 128 for others', ['128 issuewild ;', '0 issue letsencrypt.org'], 'allowed'],
  // Methods (RFC 8657 section 4).
  ['dns-01 alone', ['0 issue letsencrypt.org; validationmethods=dns-01'], 'allowed'],
  ['http-01 alone', ['0 issue letsencrypt.org; validationmethods=http-01'], 'refused'],
  [
    'http-01 alone, asked for',
    ['0 issue letsencrypt.org; validationmethods=http-01'],
    'allowed',
    { method: 'http-01' },
  ],
  ['http-01 or dns-01', ['0 issue letsencrypt.org; validationmethods=http-01,dns-01'], 'allowed'],
  ['a blank in the list', ['0 issue letsencrypt.org; validationmethods=http-01, dns-01'], 'refused'],
  ['no method', ['0 issue letsencrypt.org; validationmethods='], 'refused'],
  ['dns-01 in other case', ['0 issue letsencrypt.org; validationmethods=DNS-01'], 'refused'],
  ['a longer name', ['0 issue letsencrypt.org; validationmethods=dns-011'], 'refused'],
  ['a malformed method before', ['0 issue letsencrypt.org; validationmethods=a_b,dns-01'], 'refused'],
  ['a malformed method behind', ['0 issue letsencrypt.org; validationmethods=dns-01,a_b'], 'allowed'],
  ['two lists', ['0 issue letsencrypt.org; validationmethods=dns-01; validationmethods=dns-01'], 'refused'],
  ['two records', ['0 issue letsencrypt.org; validationmethods=http-01', '0 issue letsencrypt.org'], 'allowed'],
  ['any issuer, none by dns-01', ['0 issue ca.example;validationmethods=http-01'], 'refused', { issuer: undefined }],
  // Accounts (RFC 8657 section 3).
  ['an account, and none is given', [`0 issue letsencrypt.org; accounturi=${ACCOUNT}`], 'account'],
  ['an account, the one given', [`0 issue letsencrypt.org; accounturi=${ACCOUNT}`], 'allowed', WITH_ACCOUNT],
  ['an account, not the one given', [`0 issue letsencrypt.org; accounturi=${OTHER_ACCOUNT}`], 'refused', WITH_ACCOUNT],
  ['an account of another issuer', [`0 issue ca.example; accounturi=${ACCOUNT}`], 'refused', WITH_ACCOUNT],
  ['an account twice', [`0 issue letsencrypt.org; accounturi=${ACCOUNT}; accounturi=${ACCOUNT}`], 'refused'],
  ['no account', ['0 issue letsencrypt.org; accounturi='], 'refused'],
  ['an account that is no URL', ['0 issue letsencrypt.org; accounturi=123'], 'refused'],
  [
    'two records of accounts',
    [`0 issue letsencrypt.org; accounturi=${OTHER_ACCOUNT}`, `0 issue letsencrypt.org; accounturi=${ACCOUNT}`],
    'allowed',
    WITH_ACCOUNT,
  ],
  ['an account, or none', [`0 issue letsencrypt.org; accounturi=${ACCOUNT}`, '0 issue letsencrypt.org'], 'allowed'],
  [
    'an account by dns-01',
    [`0 issue letsencrypt.org; accounturi=${ACCOUNT}; validationmethods=dns-01`],
    'allowed',
    WITH_ACCOUNT,
  ],
  [
    'an account by http-01',
    [`0 issue letsencrypt.org; accounturi=${ACCOUNT}; validationmethods=http-01`],
    'refused',
    WITH_ACCOUNT,
  ],
  ['any issuer, with an account', [`0 issue ca.example; accounturi=${ACCOUNT}`], 'account', { issuer: undefined }],
  // Form (RFC 8659 section 4.2).
  ['parameters that nobody knows', ['0 issue   letsencrypt.org  ;foo=bar;baz=bar'], 'allowed'],
  ['blanks around a parameter', ['0 issue letsencrypt.org ; \t foo \t = bar '], 'allowed'],
  ['an equals sign in a value', ['0 issue letsencrypt.org; foo=a=b'], 'allowed'],
  ['an empty value of a parameter', ['0 issue letsencrypt.org; foo='], 'allowed'],
  ['a semicolon at the end', ['0 issue letsencrypt.org;'], 'allowed'],
  ['a semicolon behind a parameter', ['0 issue letsencrypt.org; foo=bar;'], 'refused'],
  ['two semicolons', ['0 issue letsencrypt.org;;'], 'refused'],
  ['a parameter without an equals sign', ['0 issue letsencrypt.org; foo'], 'refused'],
  ['an underscore in the tag of a parameter', ['0 issue letsencrypt.org; a_b=123'], 'refused'],
  ['blanks in the value of a parameter', ['0 issue letsencrypt.org; ab=1 2 3'], 'refused'],
  ['a line feed in the value of a parameter', ['0 issue letsencrypt.org; ab=1\n2'], 'refused'],
  ['a letter beyond ASCII', ['0 issue letsencrypt.org; ab=ü'], 'refused'],
  ['a line feed behind the issuer', ['0 issue letsencrypt.org\n'], 'refused'],
  ['quotes in the value', ['0 issue "letsencrypt.org"'], 'refused'],
  ['a malformed record beside a good one', ['0 issue letsencrypt.org; foo', '0 issue letsencrypt.org'], 'allowed'],
];

it('there are at least forty cases, each with a name of its own', () => {
  expect(new Set(CASES.map(([what]) => what)).size).toBe(CASES.length);
  expect(CASES.length).toBeGreaterThanOrEqual(40);
});

describe('CAA records are judged as Boulder judges them', () => {
  it.each(CASES)('%s', (_what, records, verdict, request) => {
    const wanted = { issuer: LE, accountUri: undefined, method: 'dns-01', wildcard: false, ...request };
    expect(
      judgeCaa(
        records.flatMap((text) => parseCaaRecord(text) ?? []),
        wanted,
      ).verdict,
    ).toBe(verdict);
  });
});

it('an account that is needed and not given is never allowed, whatever else the record says', () => {
  const request = { issuer: undefined, accountUri: undefined, method: 'dns-01', wildcard: false };
  const value = `ca.example; accounturi=${ACCOUNT}; validationmethods=dns-01`;
  const records = [{ flags: 0, tag: 'issue', value }];
  expect(judgeCaa(records, request)).toMatchObject({
    verdict: 'account',
    issuers: [`ca.example for the account ${ACCOUNT}`],
  });
});

it('a value is taken apart', () => {
  expect(parseIssueValue(' ca.example ; a = 1 ;b=')).toEqual({
    issuer: 'ca.example',
    parameters: [
      ['a', '1'],
      ['b', ''],
    ],
  });
  expect(parseIssueValue(';')).toEqual({ issuer: '', parameters: [] });
});
