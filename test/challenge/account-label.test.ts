import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { Secret } from 'otpauth';
import { describe, expect, it } from 'vitest';
import { accountLabelOf } from '../../src/challenge/account-label.ts';
import { challengeNameOf, challengeParts, parseChallenge, parseReadName } from '../../src/challenge/challenge.ts';
import { userOf } from '../../src/challenge/principal.ts';
import { zonesToTry } from '../../src/challenge/zone-search.ts';
import { isDns01Error } from '../../src/errors.ts';
import { normaliseName } from '../../src/names.ts';
import { VALUE } from '../support/cli.ts';

const ACCOUNT = 'https://example.com/acme/acct/ExampleAccount';
const LABEL = '_ujmmovf2vn55tgye';
const NAME = normaliseName(`${LABEL}._acme-challenge.example.com`);

describe('the label of an account', () => {
  it('is that of the draft', () => {
    expect(accountLabelOf(ACCOUNT)).toBe(LABEL);
  });

  it('is base32 of the first ten octets of the SHA-256, also where these begin with zeros', () => {
    let zeros = 0;
    for (let number = 0; number < 300; number++) {
      const url = `https://ca.example/acct/${number}`;
      const octets = createHash('sha256').update(url).digest().subarray(0, 10);
      const { base32 } = new Secret({ buffer: new Uint8Array(octets).buffer });
      expect(accountLabelOf(url)).toBe(`_${base32.toLowerCase()}`);
      if ((octets[0] ?? 0) < 8) zeros++;
    }
    expect(zeros).toBeGreaterThan(0);
  });

  it.each([
    `${ACCOUNT}/`,
    ACCOUNT.toLowerCase(),
    ACCOUNT.replace('https', 'http'),
    ACCOUNT.replace('.com', '.com:443'),
  ])('is another one for %s: the URL counts as it is', (url) => {
    expect(accountLabelOf(url)).toMatch(/^_[a-z2-7]{16}$/);
    expect(accountLabelOf(url)).not.toBe(LABEL);
  });

  it.each([
    '',
    'ExampleAccount',
    'example.com/acme/acct/1',
    'ftp://example.com/acct/1',
    'mailto:you@example.com',
    'file:///acct/1',
    'javascript:alert(1)//https://example.com',
    'https:/example.com/acct/1',
    'https://',
    'https://[/acct/1',
    ` ${ACCOUNT}`,
    `${ACCOUNT}\n`,
    'https://example.com/acct/1 2',
    'https://example.com/acct/ü',
  ])('does not exist for %j', (url) => {
    try {
      expect(accountLabelOf(url)).toBeUndefined();
    } catch (error) {
      expect(isDns01Error(error) && [error.code, error.message]).toEqual([
        'E_USAGE',
        `${JSON.stringify(url)} is not the URL of an ACME account`,
      ]);
    }
  });
});

/** What comes before `example.com`, and whether that is a challenge name. */
const NAMES: readonly (readonly [string, 'challenge' | 'other label' | 'other name'])[] = [
  ['_acme-challenge.', 'challenge'],
  [`${LABEL}._acme-challenge.`, 'challenge'],
  [`${LABEL.toUpperCase()}._ACME-Challenge.`, 'challenge'],
  [`${LABEL}._acme-challenge.a.b.`, 'challenge'],
  ['_aaaaaaaaaaaaaaaa._acme-challenge.', 'challenge'],
  ['_2345672345672345._acme-challenge.', 'challenge'],
  ['_ujmmovf2vn55tgy._acme-challenge.', 'other label'],
  ['_ujmmovf2vn55tgyee._acme-challenge.', 'other label'],
  ['_ujmmovf2vn55tgy1._acme-challenge.', 'other label'],
  ['_ujmmovf2vn55tgy8._acme-challenge.', 'other label'],
  ['_ujmmovf2vn55tgy-._acme-challenge.', 'other name'],
  ['_ujmmovf2vn55tg-e._acme-challenge.', 'other label'],
  ['ujmmovf2vn55tgye._acme-challenge.', 'other label'],
  ['x_ujmmovf2vn55tgye._acme-challenge.', 'other label'],
  ['www._acme-challenge.', 'other label'],
  [`www.${LABEL}._acme-challenge.`, 'other label'],
  [`${LABEL}.${LABEL}._acme-challenge.`, 'other label'],
  [`${LABEL}.www._acme-challenge.`, 'other label'],
  ['_acme-challenge._acme-challenge.', 'other label'],
  [`_acme-challenge.${LABEL}._acme-challenge.`, 'other label'],
  [`${LABEL}._acme-challenge._acme-challenge.`, 'other label'],
  [`${LABEL}.`, 'other name'],
  [`${LABEL}.www.`, 'other name'],
  ['', 'other name'],
];

const outcomeOf = (task: () => unknown): unknown => {
  try {
    return task();
  } catch (error) {
    return isDns01Error(error) ? `${error.code} ${error.message}` : error;
  }
};
const OTHER_LABEL = /^E_USAGE .* is not the name of a challenge: only the label of an ACME account may come before/;
const OTHER_NAME = /^E_USAGE .*(must begin with _acme-challenge\.$|is not a domain name)/;

describe.each(NAMES)('a name of %j and example.com', (before, kind) => {
  const given = `${before}example.com`;
  const write = (isDelegated: boolean) =>
    outcomeOf(() => parseChallenge({ name: given, value: VALUE }, () => isDelegated, expect.unreachable).name);
  const read = (isDelegated: boolean) => outcomeOf(() => parseReadName(given, () => isDelegated));

  it(`is written and read as a ${kind}`, () => {
    const refusal = kind === 'other label' ? OTHER_LABEL : OTHER_NAME;
    if (kind === 'challenge') expect(write(false)).toBe(given.toLowerCase());
    else expect(write(false)).toMatch(refusal);
    if (kind === 'other label') expect(read(false)).toMatch(refusal);
    else if (!before.includes('-.')) expect(read(false)).toBe(given.toLowerCase());
  });

  it('is free in a zone that CNAMEs lead to', () => {
    if (before.includes('-.')) return;
    expect(write(true)).toBe(given.toLowerCase());
    expect(read(true)).toBe(given.toLowerCase());
  });
});

it.each([
  ['www._acme-challenge.example.com', '_acme-challenge.www.example.com'],
  ['_wrong._acme-challenge.example.com', '_acme-challenge.example.com'],
  ['_acme-challenge._acme-challenge.example.com', '_acme-challenge.example.com'],
  [`*.${LABEL}._acme-challenge.example.com`, '_acme-challenge.example.com'],
  ['*.www.example.com', '_acme-challenge.www.example.com'],
  ['_dmarc.example.com', '_acme-challenge.example.com'],
])('for %s, the hint has the right name', (name, right) => {
  const refused = () => parseChallenge({ name, value: VALUE }, () => false, expect.unreachable);
  expect(refused).toThrow(expect.objectContaining({ hint: expect.stringContaining(`did you mean ${right}?`) }));
});

it('a challenge name that is made is recognised, with its domain and label', () => {
  fc.assert(
    fc.property(fc.domain(), fc.option(fc.webUrl(), { nil: undefined }), (domain, url) => {
      const name = outcomeOf(() => challengeNameOf(domain, url && accountLabelOf(url)));
      if (String(name).startsWith('E_USAGE')) return;
      expect(challengeParts(normaliseName(String(name)))).toEqual({
        domain: domain.toLowerCase(),
        accountLabel: url && accountLabelOf(url),
      });
    }),
  );
});

it('whose names a user of the gateway may write, the domain decides', () => {
  expect(userOf([normaliseName('example.com')]).mayWrite(NAME)).toBe(true);
  expect(userOf([normaliseName('www.example.com')]).mayWrite(NAME)).toBe(false);
  const below = normaliseName(`${LABEL}._acme-challenge.www.example.com`);
  expect(userOf([normaliseName('www.example.com')]).mayWrite(below)).toBe(true);
  expect(userOf([normaliseName('example.com')]).mayWrite(below)).toBe(true);
  expect(userOf([normaliseName('_acme-challenge.example.com')]).mayWrite(NAME)).toBe(false);
});

it('the zones to try are those of the domain first, then the challenge names', () => {
  const zones = ['www.example.com', 'example.com', `${LABEL}._acme-challenge.www.example.com`];
  expect(zonesToTry(normaliseName(`${LABEL}._acme-challenge.www.example.com`))).toEqual([
    ...zones,
    '_acme-challenge.www.example.com',
  ]);
});
