/** The cases of boulder:va/caa_test.go at 2d00c8e, in their order: what is in the DNS, what is asked, what Boulder says. */
import { beforeAll, describe, expect, it } from 'vitest';
import { judgeCaa, parseIssueValue } from '../../src/check/caa-rules.ts';
import { closestSet } from '../../src/check/caa-set.ts';
import { openResolver, type Resolver } from '../../src/dns/resolver.ts';
import { normaliseName } from '../../src/names.ts';
import { type FakeDnsServer, type FakeZone, startFakeDns } from '../fakes/dns-server.ts';

const ACCOUNT = 'https://letsencrypt.org/acct/reg/123';
const REQUEST = { issuer: 'letsencrypt.org', accountUri: ACCOUNT, method: 'http-01' };

/** caaFakeDNS. */
const RECORDS: Readonly<Record<string, readonly string[]>> = {
  'reserved.com': ['0 issue ca.com'],
  'mixedcase.com': ['0 iSsUe ca.com'],
  'critical.com': ['1 issue ca.com'],
  'present.com': ['0 issue letsencrypt.org'],
  'present.servfail.com': ['0 issue letsencrypt.org'],
  'multi-crit-present.com': ['1 issue ca.com', '1 issue letsencrypt.org'],
  'unknown-critical.com': ['128 foo bar'],
  'unknown-critical2.com': ['1 foo bar'],
  'unknown-noncritical.com': [`${0x7e} foo bar`],
  'present-with-parameter.com': ['0 issue   letsencrypt.org  ;foo=bar;baz=bar'],
  'present-with-invalid-tag.com': ['0 issue letsencrypt.org; a_b=123'],
  'present-with-invalid-value.com': ['0 issue letsencrypt.org; ab=1 2 3'],
  'present-dns-only.com': ['0 issue letsencrypt.org; validationmethods=dns-01'],
  'present-http-only.com': ['0 issue letsencrypt.org; validationmethods=http-01'],
  'present-http-or-dns.com': ['0 issue letsencrypt.org; validationmethods=http-01,dns-01'],
  'present-dns-only-correct-accounturi.com': [
    `0 issue letsencrypt.org; accounturi=${ACCOUNT}; validationmethods=dns-01`,
  ],
  'present-http-only-correct-accounturi.com': [
    `0 issue letsencrypt.org; accounturi=${ACCOUNT}; validationmethods=http-01`,
  ],
  'present-http-only-incorrect-accounturi.com': [
    '0 issue letsencrypt.org; accounturi=https://letsencrypt.org/acct/reg/321; validationmethods=http-01',
  ],
  'present-correct-accounturi.com': [`0 issue letsencrypt.org; accounturi=${ACCOUNT}`],
  'present-incorrect-accounturi.com': ['0 issue letsencrypt.org; accounturi=https://letsencrypt.org/acct/reg/321'],
  'present-multiple-accounturi.com': [
    '0 issue letsencrypt.org; accounturi=https://letsencrypt.org/acct/reg/321',
    `0 issue letsencrypt.org; accounturi=${ACCOUNT}`,
  ],
  'unsatisfiable.com': ['0 issue ;'],
  'unsatisfiable-wildcard.com': ['0 issuewild ;'],
  'unsatisfiable-wildcard-override.com': ['0 issue letsencrypt.org', '0 issuewild ca.com'],
  'satisfiable-wildcard-override.com': ['0 issue ca.com', '0 issuewild letsencrypt.org'],
  'satisfiable-multi-wildcard.com': ['0 issuewild ca.com', '0 issuewild letsencrypt.org'],
  'satisfiable-wildcard.com': ['0 issuewild letsencrypt.org'],
};

const ZONES: FakeZone[] = [
  {
    name: 'com',
    records: Object.entries(RECORDS).flatMap(([name, all]) =>
      all.map((data) => ({ name, type: 'CAA', data }) as const),
    ),
  },
  { name: 'uk' },
];

type CheckCase = [what: string, domain: string, foundAt: string, verdict: 'good' | 'bad'];

/** TestCAAChecking. */
const CHECKS: CheckCase[] = [
  ['reserved', 'reserved.com', 'reserved.com', 'bad'],
  ['reserved, mixed case issue', 'mixedcase.com', 'mixedcase.com', 'bad'],
  ['critical', 'critical.com', 'critical.com', 'bad'],
  ['NX critical', 'nx.critical.com', 'critical.com', 'bad'],
  ['absent', 'absent.com', '', 'good'],
  ['example.co.uk, absent', 'example.co.uk', '', 'good'],
  ['present and valid', 'present.com', 'present.com', 'good'],
  ['present on parent', 'child.present.com', 'present.com', 'good'],
  ['present with a failure above', 'present.servfail.com', 'present.servfail.com', 'good'],
  ['multiple critical, one matching', 'multi-crit-present.com', 'multi-crit-present.com', 'good'],
  ['unknown critical', 'unknown-critical.com', 'unknown-critical.com', 'bad'],
  ['unknown critical 2', 'unknown-critical2.com', 'unknown-critical2.com', 'bad'],
  ['unknown non-critical, no issue', 'unknown-noncritical.com', 'unknown-noncritical.com', 'good'],
  ['unknown non-critical, no issuewild', '*.unknown-noncritical.com', 'unknown-noncritical.com', 'good'],
  ['issue with unknown params', 'present-with-parameter.com', 'present-with-parameter.com', 'good'],
  ['issue with invalid tag', 'present-with-invalid-tag.com', 'present-with-invalid-tag.com', 'bad'],
  ['issue with invalid value', 'present-with-invalid-value.com', 'present-with-invalid-value.com', 'bad'],
  ['restricts to dns-01, but http-01', 'present-dns-only.com', 'present-dns-only.com', 'bad'],
  ['restricts to http-01', 'present-http-only.com', 'present-http-only.com', 'good'],
  ['restricts to http-01 or dns-01', 'present-http-or-dns.com', 'present-http-or-dns.com', 'good'],
  ['restricts to the account', 'present-correct-accounturi.com', 'present-correct-accounturi.com', 'good'],
  [
    'restricts to http-01 and the account',
    'present-http-only-correct-accounturi.com',
    'present-http-only-correct-accounturi.com',
    'good',
  ],
  [
    'restricts to dns-01 and the account',
    'present-dns-only-correct-accounturi.com',
    'present-dns-only-correct-accounturi.com',
    'bad',
  ],
  [
    'restricts to http-01 and another account',
    'present-http-only-incorrect-accounturi.com',
    'present-http-only-incorrect-accounturi.com',
    'bad',
  ],
  ['restricts to another account', 'present-incorrect-accounturi.com', 'present-incorrect-accounturi.com', 'bad'],
  ['restricts to two accounts', 'present-multiple-accounturi.com', 'present-multiple-accounturi.com', 'good'],
  ['unsatisfiable issue', 'unsatisfiable.com', 'unsatisfiable.com', 'bad'],
  ['unsatisfiable issue, wildcard', '*.unsatisfiable.com', 'unsatisfiable.com', 'bad'],
  ['unsatisfiable wildcard', '*.unsatisfiable-wildcard.com', 'unsatisfiable-wildcard.com', 'bad'],
  [
    'unsatisfiable wildcard override',
    '*.unsatisfiable-wildcard-override.com',
    'unsatisfiable-wildcard-override.com',
    'bad',
  ],
  ['satisfiable wildcard', '*.satisfiable-wildcard.com', 'satisfiable-wildcard.com', 'good'],
  ['multiple issuewild, one satisfiable', '*.satisfiable-multi-wildcard.com', 'satisfiable-multi-wildcard.com', 'good'],
  ['satisfiable wildcard override', '*.satisfiable-wildcard-override.com', 'satisfiable-wildcard-override.com', 'good'],
];

let dns: FakeDnsServer;
let resolver: Resolver;
beforeAll(async () => {
  const rcodeFor = { name: 'servfail.com', type: 'CAA' };
  dns = await startFakeDns({ resolver: true, zones: ZONES, manners: { rcode: 'SERVFAIL', rcodeFor } });
  resolver = openResolver([dns.at], new AbortController().signal);
  return () => dns.close();
});

const setFor = (domain: string) => closestSet(normaliseName(domain.replace(/^\*\./, '')), resolver);

describe('Boulder finds and judges', () => {
  it.each(CHECKS)('%s: %s', async (_what, domain, foundAt, verdict) => {
    const set = await setFor(domain);
    expect(set).toMatchObject(foundAt === '' ? { kind: 'none' } : { kind: 'found', at: foundAt });
    const records = set.kind === 'found' ? set.records : [];
    const { verdict: judged } = judgeCaa(records, { ...REQUEST, wildcard: domain.startsWith('*.') });
    expect(judged).toBe(verdict === 'good' ? 'allowed' : 'refused');
  });
});

/** TestSelectCAA, TestCAATimeout, and the failures of caaFakeDNS. */
describe('Boulder chooses', () => {
  it('the failure before a set', async () =>
    expect(await setFor('www.servfail.com')).toMatchObject({ kind: 'failed', at: 'servfail.com' }));
  it('the set before a failure', async () =>
    expect(await setFor('present.servfail.com')).toMatchObject({ kind: 'found', at: 'present.servfail.com' }));
  it('nothing where there is nothing', async () => expect(await setFor('www.absent.com')).toEqual({ kind: 'none' }));
  it('a failure where the top-level domain is gone', async () =>
    expect(await setFor('www.gonetld')).toEqual({ kind: 'no-top', at: 'gonetld' }));
});

/** TestFilterCAA: whether records with these flags stop every CA. */
const FLAGS: [what: string, tags: string[], flags: number, stops: boolean][] = [
  ['known tags', ['issue', 'issuewild', 'iodef', 'issuemail', 'issuevmc'], 0, false],
  ['known tags that are critical', ['issue', 'issuewild', 'iodef', 'issuemail', 'issuevmc'], 128, false],
  ['an unknown tag', ['unknown'], 2, false],
  ['an unknown tag that is critical', ['unknown'], 128, true],
  ['an unknown tag that is critical by the wrong bit', ['unknown'], 1, true],
  ['an unknown tag that is critical by the wrong bit, among others', ['unknown'], 9, true],
];

describe('Boulder knows', () => {
  it.each(FLAGS)('%s', (_what, tags, flags, stops) => {
    const records = tags.map((tag) => ({ flags, tag, value: 'letsencrypt.org' }));
    for (const wildcard of [false, true]) {
      expect(judgeCaa(records, { ...REQUEST, wildcard }).verdict).toBe(stops ? 'refused' : 'allowed');
    }
  });
});

type Parameters = readonly (readonly [tag: string, value: string])[];

function judged(parameters: Parameters, accountUri: string, method: string): boolean {
  const value = ['letsencrypt.org', ...parameters.map(([tag, text]) => `${tag}=${text}`)].join(';');
  const request = { issuer: 'letsencrypt.org', accountUri, method, wildcard: false };
  return judgeCaa([{ flags: 0, tag: 'issue', value }], request).verdict === 'allowed';
}

const V01 = 'https://acme-v01.api.letsencrypt.org/acme/reg/';
const V02 = 'https://acme-v02.api.letsencrypt.org/acme/reg/';

/** TestAccountURIMatches: a CA with several prefixes is asked with each. */
const ACCOUNTS: [what: string, parameters: Parameters, accounts: string[], allowed: boolean][] = [
  ['no parameters', [], [`${V01}123456`], true],
  ['another parameter', [['validationmethods', 'dns-01']], [`${V02}123456`], true],
  ['not a URI', [['accounturi', '\\invalid 😎/123456']], ['\\invalid 😎123456'], false],
  ['a match', [['accounturi', `${V01}123456`]], [`${V01}123456`], true],
  [
    'a match with a friend',
    [
      ['validationmethods', 'dns-01'],
      ['accounturi', `${V01}123456`],
    ],
    [`${V01}123456`],
    true,
  ],
  ['another id', [['accounturi', `${V01}123456`]], [`${V01}123457`], false],
  ['no value', [['accounturi', '']], [`${V02}123456`], false],
  [
    'two without a value',
    [
      ['accounturi', ''],
      ['accounturi', ''],
    ],
    [`${V02}123456`],
    false,
  ],
  [
    'two, one without a value',
    [
      ['accounturi', ''],
      ['accounturi', `${V02}123456`],
    ],
    [`${V02}123456`],
    false,
  ],
  [
    'two with the same value',
    [
      ['accounturi', `${V02}123456`],
      ['accounturi', `${V02}123456`],
    ],
    [`${V02}123456`],
    false,
  ],
  [
    'two with other values',
    [
      ['accounturi', `${V02}69`],
      ['accounturi', `${V02}420`],
    ],
    [`${V02}69`],
    false,
  ],
  [
    'the first of two prefixes',
    [['accounturi', 'https://acme-staging.api.letsencrypt.org/acme/reg/123456']],
    [
      'https://acme-staging.api.letsencrypt.org/acme/reg/123456',
      'https://acme-staging-v02.api.letsencrypt.org/acme/acct/123456',
    ],
    true,
  ],
  [
    'the second of two prefixes',
    [['accounturi', 'https://acme-v02.api.letsencrypt.org/acme/acct/123456']],
    [`${V01}123456`, 'https://acme-v02.api.letsencrypt.org/acme/acct/123456'],
    true,
  ],
  [
    'none of two prefixes',
    [['accounturi', 'https://acme-v02.api.letsencrypt.org/acme/acct/123456']],
    ['https://acme-v01.api.letsencrypt.org/acme/acct/123456', 'https://acme-v03.api.letsencrypt.org/acme/acct/123456'],
    false,
  ],
  [
    'one of three prefixes',
    [['accounturi', 'https://acme-v02.api.letsencrypt.org/acme/acct/123456']],
    [
      'https://acme-v01.api.letsencrypt.org/acme/reg/123456',
      'https://acme-v02.api.letsencrypt.org/acme/acct/123456',
      'https://acme-v03.api.letsencrypt.org/acme/acct/123456',
    ],
    true,
  ],
  [
    'another id for each prefix',
    [['accounturi', 'https://acme-v02.api.letsencrypt.org/acme/acct/123456']],
    ['https://acme-v01.api.letsencrypt.org/acme/reg/654321', 'https://acme-v02.api.letsencrypt.org/acme/acct/654321'],
    false,
  ],
];

describe('Boulder compares accounts', () => {
  it.each(ACCOUNTS)('%s', (_what, parameters, accounts, allowed) => {
    expect(accounts.some((account) => judged(parameters, account, 'dns-01'))).toBe(allowed);
  });
});

const methods = (...values: string[]): Parameters => values.map((value) => ['validationmethods', value] as const);

/** TestValidationMethodMatches. */
const METHODS: [what: string, parameters: Parameters, method: string, allowed: boolean][] = [
  ['no parameters', [], 'http-01', true],
  ['another parameter', [['accounturi', ACCOUNT]], 'http-01', true],
  ['no value', methods(''), 'http-01', false],
  ['a comma alone', methods(','), 'http-01', false],
  ['malformed', methods('howdy !'), 'http-01', false],
  ['a method that is gone', methods('tls-sni-01'), 'http-01', false],
  ['a match', methods('http-01'), 'http-01', true],
  ['a match with a friend', [['accounturi', ACCOUNT], ...methods('http-01')], 'http-01', true],
  ['two without a value', methods('', ''), 'http-01', false],
  ['two, one without a value', methods('', 'http-01'), 'http-01', false],
  ['two with the same value', methods('http-01', 'http-01'), 'http-01', false],
  ['two with other values', methods('http-01', 'dns-01'), 'http-01', false],
  ['another method', methods('dns-01'), 'http-01', false],
  ['the first of two', methods('http-01,dns-01'), 'http-01', true],
  ['the second of two', methods('http-01,dns-01'), 'dns-01', true],
  ['none of two', methods('http-01,dns-01'), 'tls-alpn-01', false],
];

describe('Boulder compares methods', () => {
  it.each(METHODS)('%s', (_what, parameters, method, allowed) => {
    expect(judged(parameters, ACCOUNT, method)).toBe(allowed);
  });
});

/** TestExtractIssuerDomainAndParameters: the issuer and its parameters, or nothing where the value is malformed. */
const VALUES: [what: string, value: string, ...read: [] | [issuer: string, parameters: Parameters]][] = [
  ['nothing', '', '', []],
  ['a semicolon', ';', '', []],
  ['a semicolon between blanks', ' ; ', '', []],
  ['a domain', 'letsencrypt.org', 'letsencrypt.org', []],
  ['a domain and a semicolon', 'letsencrypt.org;', 'letsencrypt.org', []],
  ['a domain, a semicolon and blanks', 'letsencrypt.org;   ', 'letsencrypt.org', []],
  [
    'parameters and blanks',
    '  letsencrypt.org\t;foo=bar;baz=bar',
    'letsencrypt.org',
    [
      ['foo', 'bar'],
      ['baz', 'bar'],
    ],
  ],
  [
    'parameters and other blanks',
    '\tletsencrypt.org ;foo=bar;baz=bar',
    'letsencrypt.org',
    [
      ['foo', 'bar'],
      ['baz', 'bar'],
    ],
  ],
  [
    'an empty parameter',
    'letsencrypt.org; foo=; baz =\tbar',
    'letsencrypt.org',
    [
      ['foo', ''],
      ['baz', 'bar'],
    ],
  ],
  [
    'blanks around parameters',
    'letsencrypt.org; foo=\t; baz =\tbar',
    'letsencrypt.org',
    [
      ['foo', ''],
      ['baz', 'bar'],
    ],
  ],
  [
    'values with commas',
    'letsencrypt.org; foo=b1,b2,b3\t; baz =\t\ta=b\t',
    'letsencrypt.org',
    [
      ['foo', 'b1,b2,b3'],
      ['baz', 'a=b'],
    ],
  ],
  [
    'the same tag twice',
    'letsencrypt.org; foo=b1,b2,b3\t; foo= b1,b2,b3\t',
    'letsencrypt.org',
    [
      ['foo', 'b1,b2,b3'],
      ['foo', 'b1,b2,b3'],
    ],
  ],
  ['blanks in a value', 'letsencrypt.org; foo=b1,b2,b3\t; baz =\t\ta = b\t'],
  ['a tab in a value', 'letsencrypt.org; foo=b1,b2,b3\t; baz=a=\tb'],
  ['no equals sign', 'letsencrypt.org; foo=b1,b2,b3\t; baz =\t\ta;b\t'],
  [
    'a hyphen in a value',
    'letsencrypt.org; 1=2; baz=a-b',
    'letsencrypt.org',
    [
      ['1', '2'],
      ['baz', 'a-b'],
    ],
  ],
  ['an underscore in a tag', 'letsencrypt.org; a_b=123'],
  ['several blanks in a value', 'letsencrypt.org; ab=1 2 3'],
  ['a hyphen in a tag', 'letsencrypt.org; 1=2; a-b=c'],
  ['a letter beyond ASCII', 'letsencrypt.org; foo=a\u2615b'],
  ['no semicolon between parameters', 'letsencrypt.org; foo=b1,b2,b3 baz=a'],
];

describe('Boulder reads', () => {
  it.each(VALUES)('%s', (_what, value, ...[issuer, parameters]) => {
    expect(parseIssueValue(value)).toEqual(issuer === undefined ? undefined : { issuer, parameters });
  });
});
