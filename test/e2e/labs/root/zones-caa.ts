import type { Expected, LabZone } from './zones.ts';

const ISSUER = 'letsencrypt.org';
const ACCOUNT = 'https://ca.example/acct/1';
const issuer = ['--issuer', ISSUER];

const good: Expected = { resolves: 'secure', level: 'good', check: 'caa' };
const warned: Expected = { resolves: 'secure', level: 'warning', check: 'caa' };
const refused: Expected = { resolves: 'secure', refuses: 'CAA', level: 'bad', check: 'caa' };

/** A signed zone with CAA records at its apex. */
const caa = (zone: string, what: string, records: readonly string[], ...expected: Expected[]): LabZone => ({
  zone,
  what,
  signed: {},
  records: records.map((record) => `@ CAA ${record}`),
  expected,
});
const forIssuer = (expected: Expected, ...more: string[]): Expected => ({ ...expected, args: [...issuer, ...more] });

/** Who may issue. */
export const caaZones: readonly LabZone[] = [
  caa('caa-issuer.com', 'one CA', [`0 issue "${ISSUER}"`], good, forIssuer(good)),
  caa('caa-other.com', 'another CA', ['0 issue "other.example"'], forIssuer(refused)),
  caa('caa-nobody.com', 'no CA', ['0 issue ";"'], refused),
  caa('caa-no-wildcard.com', 'no wildcards', [`0 issue "${ISSUER}"`, '0 issuewild ";"'], forIssuer(good), {
    ...forIssuer(refused),
    ask: '*.caa-no-wildcard.com',
  }),
  caa('caa-wildcard.com', 'wildcards only', ['0 issue ";"', `0 issuewild "${ISSUER}"`], forIssuer(refused), {
    ...forIssuer(good),
    ask: '*.caa-wildcard.com',
  }),
  caa('caa-critical.com', 'an unknown tag, critical (128)', [`0 issue "${ISSUER}"`, '128 tbs "x"'], refused),
  caa('caa-critical-1.com', 'an unknown tag, critical (1)', [`0 issue "${ISSUER}"`, '1 tbs "x"'], refused),
  caa('caa-unknown.com', 'an unknown tag', [`0 issue "${ISSUER}"`, '0 tbs "x"'], forIssuer(good)),
  caa('caa-iodef.com', 'only whom to tell', ['0 iodef "mailto:a@caa-iodef.com"'], forIssuer(good)),
  caa('caa-http.com', 'another method', [`0 issue "${ISSUER};validationmethods=http-01"`], forIssuer(refused)),
  caa('caa-dns.com', 'this method', [`0 issue "${ISSUER};validationmethods=http-01,dns-01"`], forIssuer(good)),
  caa(
    'caa-account.com',
    'one account',
    [`0 issue "${ISSUER};accounturi=${ACCOUNT}"`],
    forIssuer(warned),
    forIssuer(good, '--account-uri', ACCOUNT),
    forIssuer(refused, '--account-uri', `${ACCOUNT}2`),
  ),
  caa(
    'caa-malformed.com',
    'a value that is not of the grammar',
    [`0 issue "${ISSUER}; what is this"`],
    forIssuer(refused),
  ),
  {
    ...caa('caa-parent.com', 'no CA, at the name above', ['0 issue ";"']),
    expected: [{ ...refused, ask: 'www.caa-parent.com' }],
  },
  {
    zone: 'caa-alias.com',
    what: 'no CA, behind a CNAME',
    signed: {},
    records: ['www CNAME caa-nobody.com.'],
    expected: [{ ...refused, ask: 'www.caa-alias.com' }],
  },
  {
    zone: 'caa-way.com',
    what: 'names that lead elsewhere, which CAA follows',
    signed: {},
    records: ['expired CNAME expired.com.', 'one CNAME two', 'two CNAME one', 'gone CNAME not-registered.com.'],
    expected: [
      { ask: 'expired.caa-way.com', resolves: 'bogus', level: 'bad', check: 'caa' },
      { ask: 'one.caa-way.com', resolves: 'fails', level: 'bad', check: 'caa' },
      { ...good, ask: 'gone.caa-way.com' },
    ],
  },
  {
    zone: 'child.forged-caa.com',
    what: 'nothing of its own, and the records above are bogus',
    expected: [{ resolves: 'bogus', level: 'bad', check: 'caa' }],
  },
  {
    zone: 'own.forged-caa.com',
    what: 'records of its own, so that the bogus ones above do not count',
    records: [`@ CAA 0 issue "${ISSUER}"`],
    expected: [{ ...forIssuer(good), resolves: 'insecure' }],
  },
  {
    zone: 'child.caa-broken.com',
    what: 'nothing of its own, and SERVFAIL above',
    expected: [{ resolves: 'fails', level: 'bad', check: 'caa' }],
  },
  {
    zone: 'caa-silent.com',
    what: 'no answer for CAA',
    servers: ['ignoresCaa'],
    expected: [{ resolves: 'fails', level: 'bad', check: 'caa' }],
  },
  {
    zone: 'caa-broken.com',
    what: 'answers SERVFAIL for CAA',
    servers: ['noCaa'],
    expected: [{ resolves: 'fails', level: 'bad', check: 'caa' }],
  },
];
