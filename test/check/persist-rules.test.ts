import { describe, expect, it } from 'vitest';
import { BOULDER, readPersist } from '../../src/challenge/persist.ts';
import { type JudgeName, judgePersist, type PersistRequest } from '../../src/check/persist-rules.ts';

const URI = 'http://letsencrypt.org:4000/acme/reg/1';
const LE = `letsencrypt.org;accounturi=${URI}`;
const NOW = Date.parse('2026-11-21T12:00:00Z');
const HOUR_S = 3600;

const request = (more: Partial<PersistRequest> = {}): PersistRequest => ({
  issuer: 'letsencrypt.org',
  accountUris: [URI],
  wildcard: false,
  now: NOW,
  ...more,
});

/** The cases of boulder:va/dns_persist_test.go at 2d00c8e, in their order. */
describe('Boulder reads', () => {
  const good = (issuer: string, more: { policy?: string; until?: bigint | undefined } = {}) => ({
    issuer,
    record: { issuer, accountUri: URI, policy: '', until: undefined, ...more },
  });
  const bad = (problem: string, issuer: string | undefined = 'letsencrypt.org') => ({ issuer, problem });

  it.each([
    ['a valid record', LE, good('letsencrypt.org')],
    ['an issuer in upper case with a dot', `LETSENCRYPT.ORG.;accounturi=${URI}`, good('letsencrypt.org')],
    ['the record of another CA', `other.example;accounturi=${URI}`, good('other.example')],
    ['no issuer', `;accounturi=${URI}`, { issuer: undefined, problem: 'empty issuer-domain-name' }],
    [
      'all fields with much white space',
      `   letsencrypt.org   ;   accounturi   =   ${URI}   ;   policy   =   wildcard   ;   persistUntil   =   4102444800   `,
      good('letsencrypt.org', { policy: 'wildcard', until: 4102444800n }),
    ],
    ['unknown tags', `${LE};bad tag=value;\nweird=\\x01337`, good('letsencrypt.org')],
    ['an unknown tag twice', `${LE};foo=bar;foo=baz`, good('letsencrypt.org')],
    ['no equals sign', `${LE};invalidparam`, bad('malformed parameter "invalidparam" should be tag=value pair')],
    ['an empty tag', `${LE};=abc`, bad('malformed parameter "=abc", empty tag')],
    ['an empty account', 'letsencrypt.org;accounturi=', bad('empty value provided for mandatory accounturi')],
    ['no account', 'letsencrypt.org;policy=wildcard', bad('missing mandatory accounturi parameter')],
    ['a blank in a value', `${LE};policy=wild card`, bad('malformed value "wild card" for tag "policy"')],
    [
      'an end that is no number',
      `${LE};persistUntil=not-a-unix-timestamp`,
      bad('malformed persistUntil timestamp "not-a-unix-timestamp"'),
    ],
    ['a semicolon at the end', `${LE};`, bad('empty parameter or trailing semicolon provided')],
    [
      'a tag twice in another case',
      `letsencrypt.org;ACCOUNTURI=${URI};accounturi=other`,
      bad('duplicate parameter "accounturi"'),
    ],
    ['an empty end', `${LE};persistUntil=`, bad('malformed persistUntil timestamp ""')],
    ['a tag in mixed case', `${LE};pOlIcY=wildcard`, good('letsencrypt.org', { policy: 'wildcard' })],
    [
      'a malformed record of another CA',
      `other.example;accounturi=${URI};accounturi=other`,
      bad('duplicate parameter "accounturi"', 'other.example'),
    ],
    ['an issuer alone', 'letsencrypt.org', bad('missing mandatory accounturi parameter')],
    ['an end', `${LE};persistUntil=1721952000`, good('letsencrypt.org', { until: 1721952000n })],
  ])('%s', (_, record, expected) => {
    expect(readPersist(record, BOULDER)).toEqual(expected);
  });
});

type Case = readonly [
  title: string,
  records: readonly string[],
  asked: Partial<PersistRequest>,
  verdict: string,
  words?: string,
];

const titled = (cases: readonly Case[]) => cases.map((each) => [each[0], each] as const);

const seconds = NOW / 1000;
const wild = { wildcard: true };

const CHECKED: readonly Case[] = [
  ['a plain name', [LE], {}, 'valid'],
  ['a wildcard', [`${LE};policy=wildcard`], wild, 'valid'],
  ['a policy in any case', [`${LE};policy=wIlDcArD`], wild, 'valid'],
  ['an unknown policy as none', [`${LE};policy=notwildcard`], {}, 'valid'],
  ['an end to come', [`${LE};persistUntil=${seconds + HOUR_S}`], {}, 'valid'],
  [
    'another account',
    ['letsencrypt.org;accounturi=http://other/acme/reg/999'],
    {},
    'unauthorized',
    'accounturi mismatch',
  ],
  ['a wildcard without a policy', [LE], wild, 'unauthorized', 'policy mismatch: expected "wildcard", got ""'],
  [
    'a wildcard with another policy',
    [`${LE};policy=notwildcard`],
    wild,
    'unauthorized',
    'policy mismatch: expected "wildcard", got "notwildcard"',
  ],
  [
    'a past end',
    [`${LE};persistUntil=${seconds - HOUR_S}`],
    {},
    'unauthorized',
    'issuer-domain-name "letsencrypt.org": validation time 2026-11-21T12:00:00Z is after persistUntil 2026-11-21T11:00:00Z',
  ],
  ['a negative end', [`${LE};persistUntil=-1`], {}, 'unauthorized', 'validation time'],
];

/** The tenth, records that cannot be read, is in test/cli/persist-verify.test.ts, and so is the one in several strings. */
const LOOKED_UP: readonly Case[] = [
  ['nothing', [], {}, 'unauthorized', 'No TXT record found for DNS-PERSIST-01 challenge'],
  ['a malformed and a good record', [`${LE};accounturi=other`, LE], {}, 'valid'],
  ['one of another account and a good record', ['letsencrypt.org;accounturi=http://x/acme/reg/999', LE], {}, 'valid'],
  ['a wildcard record', [`${LE};policy=wildcard`], wild, 'valid'],
  [
    'a malformed record',
    [`${LE};accounturi=other`],
    {},
    'malformed',
    'Parsing DNS-PERSIST-01 challenge TXT record with issuer-domain-name "letsencrypt.org": duplicate parameter',
  ],
  [
    'one of another account',
    ['letsencrypt.org;accounturi=http://x/acme/reg/999'],
    {},
    'unauthorized',
    `Checking DNS-PERSIST-01 challenge TXT record with issuer-domain-name "letsencrypt.org": accounturi mismatch: expected "${URI}", got "http://x/acme/reg/999"`,
  ],
  ['no account', ['letsencrypt.org;policy=wildcard'], {}, 'malformed', 'missing mandatory accounturi parameter'],
  ['an end in 1970', [`${LE};persistUntil=0`], {}, 'unauthorized', 'validation time'],
  ['the record of another CA', [`other.example;accounturi=${URI}`], {}, 'unauthorized', 'No valid TXT record found'],
];

/** What Go's numbers and times add to that. */
const NUMBERS: readonly Case[] = [
  ['this very millisecond', [`${LE};persistUntil=${seconds}`], {}, 'valid'],
  ['a millisecond later', [`${LE};persistUntil=${seconds}`], { now: NOW + 1 }, 'unauthorized'],
  ['a plus sign', [`${LE};persistUntil=+${seconds + HOUR_S}`], {}, 'valid'],
  [
    'more than 64 bits',
    [`${LE};persistUntil=9223372036854775808`],
    {},
    'malformed',
    'malformed persistUntil timestamp',
  ],
  ['a number that Go lets wrap into the past', [`${LE};persistUntil=9223372036854775807`], {}, 'unauthorized'],
  ['the last number that does not wrap', [`${LE};persistUntil=9223371974719179007`], {}, 'valid'],
  ['hexadecimal', [`${LE};persistUntil=0x10`], {}, 'malformed'],
  ['an underscore', [`${LE};persistUntil=4_102_444_800`], {}, 'malformed'],
  ['an account in another case', [LE.replace('/acme', '/ACME')], {}, 'unauthorized', 'accounturi mismatch'],
];

function expectVerdict(judge: JudgeName, [, records, asked, verdict, words = '']: Case): void {
  const found = judgePersist(judge, records, request(asked));
  expect(found.verdict).toBe(verdict);
  expect(found.text).toContain(words);
}

it.each(titled(CHECKED))('Boulder judges %s', (_, each) => expectVerdict('boulder', each));
it.each(titled(LOOKED_UP))('Boulder finds %s', (_, each) => expectVerdict('boulder', each));
it.each(titled(NUMBERS))('Boulder takes %s as Go does', (_, each) => expectVerdict('boulder', each));
it.each(titled(NUMBERS))('so does Pebble: %s', (_, each) => expectVerdict('pebble', each));

describe('Pebble and Boulder differ about', () => {
  it.each([
    ['an unknown tag twice', `${LE};foo=bar;foo=baz`, 'valid', 'malformed'],
    ['an issuer in upper case', `LetsEncrypt.org;accounturi=${URI}`, 'valid', 'unauthorized'],
    ['a dot after the issuer', `letsencrypt.org.;accounturi=${URI}`, 'valid', 'unauthorized'],
    ['a full-width issuer', `ｌetsencrypt.org;accounturi=${URI}`, 'valid', 'unauthorized'],
    ['the first second of the year 1', `${LE};persistUntil=-62135596800`, 'valid', 'unauthorized'],
  ])('%s', (_, record, boulder, pebble) => {
    expect(judgePersist('boulder', [record], request()).verdict).toBe(boulder);
    expect(judgePersist('pebble', [record], request()).verdict).toBe(pebble);
  });

  it.each([
    ['two dots', `letsencrypt.org..;accounturi=${URI}`],
    ['an underscore', `lets_encrypt.org;accounturi=${URI}`],
    ['a percent escape', `letsencrypt%2eorg;accounturi=${URI}`],
  ])('nothing where the issuer has %s', (_, record) => {
    for (const judge of ['boulder', 'pebble'] as const)
      expect(judgePersist(judge, [record], request()).verdict).toBe('unauthorized');
  });
});

/** The rows of pebble:va/va_test.go TestValidateDNSPersist01 at b1e1ca4. */
describe('Pebble judges', () => {
  const uri = 'https://ca.example/acct/123';
  const own = `authority.example;accounturi=${uri}`;
  const expired =
    'TXT record with issuer-domain-name "authority.example", validation time 2026-11-21T12:00:00Z is after persistUntil 19';
  const ROWS: readonly Case[] = [
    ['a malformed and a good record', [`${own};accounturi=https://ca.example/acct/456`, own], {}, 'valid'],
    [
      'one of another account and a good one',
      ['authority.example;accounturi=https://ca.example/acct/999', own],
      {},
      'valid',
    ],
    ['an unknown tag with nothing', [`${own};foo=`], {}, 'valid'],
    ['unknown tags', [`${own};bad tag=value;\nweird=\\x01337`], {}, 'valid'],
    [
      'all fields with much white space',
      [
        `   authority.example   ;   accounturi   =   ${uri}   ;   policy   =   wildcard   ;   persistUntil   =   4102444800   `,
      ],
      {},
      'valid',
    ],
    ['a policy in any case', [`${own};policy=wIlDcArD`], wild, 'valid'],
    ['a tag in any case', [`${own};pOlIcY=wildcard`], wild, 'valid'],
    ['an account twice', [`${own};accounturi=https://ca.example/acct/456`], {}, 'malformed', 'duplicate parameter'],
    ['nothing', [], {}, 'unauthorized', 'No TXT records found for DNS-PERSIST-01 challenge'],
    [
      'another account',
      ['authority.example;accounturi=https://ca.example/acct/999'],
      {},
      'unauthorized',
      'accounturi mismatch',
    ],
    [
      'a malformed record of another CA',
      [`other.example;accounturi=${uri};accounturi=https://ca.example/acct/456`],
      {},
      'unauthorized',
      'No valid TXT record found',
    ],
    ['another CA', [`other.example;accounturi=${uri}`], {}, 'unauthorized', 'No valid TXT record found'],
    [
      'no equals sign',
      [`${own};invalidparam`],
      {},
      'malformed',
      'malformed parameter "invalidparam" should be tag=value pair',
    ],
    ['an empty tag', [`${own};=abc`], {}, 'malformed', 'malformed parameter "=abc", empty tag'],
    [
      'an empty account',
      ['authority.example;accounturi='],
      {},
      'malformed',
      'empty value provided for mandatory accounturi',
    ],
    [
      'a blank in a value',
      [`${own};policy=wild card`],
      {},
      'malformed',
      'malformed value "wild card" for tag "policy"',
    ],
    [
      'an end that is no number',
      [`${own};persistUntil=not-a-unix-timestamp`],
      {},
      'malformed',
      'malformed persistUntil timestamp "not-a-unix-timestamp"',
    ],
    ['an unknown tag twice', [`${own};foo=bar;foo=baz`], {}, 'malformed', 'duplicate parameter "foo"'],
    [
      'a tag twice in another case',
      [`authority.example;ACCOUNTURI=${uri};accounturi=x`],
      {},
      'malformed',
      'duplicate parameter "accounturi"',
    ],
    ['no issuer', [`;accounturi=${uri}`], {}, 'unauthorized', 'No valid TXT record found'],
    [
      'another policy',
      [`${own};policy=notwildcard`],
      wild,
      'unauthorized',
      'policy mismatch: expected "wildcard", got',
    ],
    ['no account', ['authority.example;policy=wildcard'], {}, 'malformed', 'missing mandatory accountURI parameter'],
    ['an empty end', [`${own};persistUntil=`], {}, 'malformed', 'malformed persistUntil timestamp'],
    ['a semicolon at the end', [`${own};`], {}, 'malformed', 'empty parameter or trailing semicolon provided'],
    ['a past end', [`${own};persistUntil=1`], {}, 'unauthorized', expired],
    ['a negative end', [`${own};persistUntil=-1`], {}, 'unauthorized', expired],
  ];
  it.each(titled(ROWS))('%s', (_, [title, records, asked, ...rest]) => {
    expectVerdict('pebble', [title, records, { issuer: 'authority.example', accountUris: [uri], ...asked }, ...rest]);
  });
});

it('a hostile value costs no time', () => {
  const started = performance.now();
  for (const filler of [' ', '9', ';', '=', 'a=b;', ' ;', '\t= '])
    judgePersist('boulder', [`letsencrypt.org;persistUntil=${filler.repeat(60_000 / filler.length)}x`], request());
  expect(performance.now() - started).toBeLessThan(500);
});
