import type { LabZone } from './zones.ts';

const secure = [{ resolves: 'secure', level: 'good' }] as const;
const loop = [{ resolves: 'fails', level: 'bad', check: 'cname' }] as const;
const warned = (resolves: 'secure' | 'insecure', check: string) => [{ resolves, level: 'warning', check }] as const;

/** A CNAME for the challenge, in a signed zone. */
const alias = (zone: string, what: string, target: string, expected: LabZone['expected']): LabZone => ({
  zone,
  what,
  signed: {},
  records: [`_acme-challenge CNAME ${target}.`],
  expected,
});

const steps = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `step${index} CNAME step${index + 1}`);

/** The way of a challenge from its name to the records. */
export const wayZones: readonly LabZone[] = [
  alias('alias.com', 'a CNAME to a name that is not published yet', 'alias-com.sound.com', secure),
  alias('alias-plain.com', 'a CNAME into an unsigned zone', 'x.plain.com', [{ resolves: 'insecure', level: 'good' }]),
  alias('alias-expired.com', 'a CNAME into a zone with expired signatures', 'x.expired.com', [
    { resolves: 'bogus', level: 'bad', check: 'dnssec' },
  ]),
  alias('alias-lame.com', 'a CNAME into a lame zone', 'x.lame.com', [{ resolves: 'fails', level: 'bad' }]),
  alias('dangling.com', 'a CNAME into a domain that does not exist', 'x.not-registered.com', [
    ...warned('secure', 'cname'),
    {
      ask: 'www.not-registered.com',
      resolves: 'secure',
      refuses: 'the domain does not exist',
      level: 'bad',
      check: 'name',
    },
  ]),
  alias('self.com', 'a CNAME to itself', '_acme-challenge.self.com', loop),
  alias('loop.com', 'two CNAMEs that lead to each other', '_acme-challenge.loop-back.com', loop),
  alias('loop-back.com', 'the other of the two', '_acme-challenge.loop.com', loop),
  {
    zone: 'three-steps.com',
    what: 'three CNAMEs',
    signed: {},
    records: ['_acme-challenge CNAME step0', ...steps(2)],
    expected: secure,
  },
  {
    zone: 'many-steps.com',
    what: 'twenty CNAMEs',
    signed: {},
    records: ['_acme-challenge CNAME step0', ...steps(20)],
    expected: [{ resolves: 'fails', level: 'bad', check: 'cname' }],
  },
  {
    zone: 'redirected.com',
    what: 'a DNAME above the challenge',
    signed: {},
    records: ['sub DNAME sound.com.'],
    expected: [{ ask: 'www.sub.redirected.com', resolves: 'secure', level: 'good' }],
  },
  {
    zone: 'no-node.com',
    what: 'NXDOMAIN at a name that has names below it',
    servers: ['nxdomain'],
    records: ['_acme-challenge.www TXT "x"'],
    expected: [{ ask: 'www.no-node.com', resolves: 'insecure', level: 'warning', check: 'empty name' }],
  },
  {
    zone: 'wildcard-txt.com',
    what: 'a wildcard with TXT',
    signed: {},
    records: ['* TXT "v=spf1 -all"'],
    expected: warned('secure', 'wildcard'),
  },
  {
    zone: 'wildcard-cname.com',
    what: 'a wildcard with CNAME',
    signed: {},
    records: ['* CNAME sound.com.'],
    expected: warned('secure', 'wildcard'),
  },
  {
    zone: 'doubled.com',
    what: 'the zone twice in the name of the challenge',
    signed: {},
    records: ['_acme-challenge.doubled.com TXT "x"'],
    expected: [
      {
        resolves: 'secure',
        level: 'warning',
        check: 'doubled name',
        says: /_acme-challenge\.doubled\.com\.doubled\.com/,
      },
    ],
  },
  {
    zone: 'account-label.com',
    what: 'a CNAME for one account',
    signed: {},
    records: ['_4aeqzjfgdxgdxznv._acme-challenge CNAME x.plain.com.'],
    expected: [
      {
        ask: '_4aeqzjfgdxgdxznv._acme-challenge.account-label.com',
        args: ['--method', 'dns-account-01'],
        resolves: 'insecure',
        level: 'good',
      },
    ],
  },
];
