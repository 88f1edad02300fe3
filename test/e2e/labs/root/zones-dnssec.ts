import type { LabZone, Signing } from './zones.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;
const ECDSA: Signing = {};

const secure = [{ resolves: 'secure', level: 'good' }] as const;
const insecure = [{ resolves: 'insecure', level: 'good' }] as const;
const bogus = [{ resolves: 'bogus', level: 'bad', check: 'dnssec' }] as const;

const flipped = (digest: string): string => digest.replace(/.(?=.$)/, (digit) => (digit === '0' ? '1' : '0'));
const isSignatureOf = (type: string) => (line: string) => new RegExp(`\\sRRSIG\\s+${type}\\s`).test(line);
const isDenial = (line: string): boolean => /\sNSEC3?\s/.test(line);
/** The signature of a type, one bit of it changed. */
const forged = (type: string) => (lines: readonly string[]) =>
  lines.map((line) =>
    isSignatureOf(type)(line) ? line.replace(/(.)(\S{8})$/, (_, one, rest) => (one === 'A' ? 'B' : 'A') + rest) : line,
  );

/** Signed zones, sound and broken, and unsigned ones. */
export const dnssecZones: readonly LabZone[] = [
  {
    zone: 'sound.com',
    what: 'ECDSA P-256, NSEC',
    signed: ECDSA,
    expected: [...secure, { ask: '*.sound.com', ...secure[0] }],
  },
  { zone: 'p384.com', what: 'ECDSA P-384', signed: { algorithm: 'ECDSAP384SHA384' }, expected: secure },
  { zone: 'ed25519.com', what: 'Ed25519', signed: { algorithm: 'ED25519' }, expected: secure },
  { zone: 'rsa.com', what: 'RSA', signed: { algorithm: 'RSASHA256' }, expected: secure },
  { zone: 'two-keys.com', what: 'a key for the keys', signed: { twoKeys: true }, expected: secure },
  { zone: 'nsec3.com', what: 'NSEC3', signed: { denial: 'NSEC3' }, expected: secure },
  {
    zone: 'nsec3-deep.com',
    what: 'a name below others under NSEC3',
    signed: { denial: 'NSEC3' },
    records: ['a.b.c TXT "x"'],
    expected: [{ ...secure[0], ask: 'www.b.c.nsec3-deep.com' }],
  },
  {
    // What does not exist could be an unsigned delegation: the denial proves less.
    zone: 'opt-out.com',
    what: 'NSEC3 with opt-out',
    signed: { denial: 'opt-out' },
    records: ['unsigned NS ns.opt-out.com.', 'ns A 127.0.0.1', '_acme-challenge TXT "x"'],
    expected: secure,
  },
  {
    zone: 'opt-out-denial.com',
    what: 'NSEC3 with opt-out, where the challenge name does not exist',
    signed: { denial: 'opt-out' },
    expected: insecure,
  },
  { zone: 'knot-only.com', what: 'ECDSA, from Knot alone', signed: ECDSA, servers: ['knot'], expected: secure },
  { zone: 'below-optout.net', what: 'below a zone with opt-out', signed: ECDSA, expected: secure },
  {
    zone: 'rollover.com',
    what: 'a second DS record, of a key that is not there',
    signed: ECDSA,
    ds: (right) => [...right, ...right.map((each) => flipped(each).replace(/DS \d+/, 'DS 4711'))],
    expected: secure,
  },
  {
    zone: 'published.com',
    what: 'a challenge of somebody else is there',
    signed: ECDSA,
    records: ['_acme-challenge TXT "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"'],
    expected: secure,
  },
  {
    zone: 'large-key.com',
    what: 'keys that need TCP',
    signed: { spareKeys: 16 },
    expected: secure,
  },
  {
    zone: 'large-key-no-tcp.com',
    what: 'keys that need TCP, and no TCP',
    signed: { spareKeys: 16 },
    servers: ['noTcp'],
    expected: [{ resolves: 'bogus', level: 'bad', check: 'dnssec' }],
  },
  { zone: 'plain.com', what: 'not signed', expected: insecure },
  { zone: 'plain.net', what: 'not signed, below a zone with opt-out', expected: insecure },
  { zone: 'plain.org', what: 'not signed, below an unsigned zone', expected: insecure },
  { zone: 'island.org', what: 'signed, below an unsigned zone', signed: ECDSA, expected: insecure },
  { zone: 'no-ds.com', what: 'signed, the parent has no DS record', signed: ECDSA, ds: () => [], expected: insecure },
  {
    zone: 'unknown-algorithm.com',
    what: 'a DS record of an algorithm that nobody knows',
    signed: ECDSA,
    ds: (right) => right.map((each) => each.replace(/DS (\d+) 13/, 'DS $1 200')),
    expected: insecure,
  },
  {
    zone: 'unknown-digest.com',
    what: 'a DS record with a digest that nobody knows',
    signed: ECDSA,
    ds: (right) => right.map((each) => each.replace(/DS (\d+ \d+) 2/, 'DS $1 200')),
    expected: insecure,
  },
  { zone: 'parent.com', what: 'has zones below it', signed: ECDSA, expected: secure },
  { zone: 'unsigned.parent.com', what: 'an unsigned zone below a signed one', expected: insecure },
  { zone: 'signed.parent.com', what: 'a signed zone below a signed one', signed: ECDSA, expected: secure },
  {
    zone: 'claimed.parent.com',
    what: 'an unsigned zone with a DS record, below a signed one',
    ds: () => ['DS 4711 13 2 5D3EAB45DB75D6BE7E9B946DDF95E24D4C9129AED2AB0E5295A079520CE28EBB'],
    expected: bogus,
  },
  { zone: 'expired.com', what: 'signatures have expired', signed: { from: -30 * DAY, until: -DAY }, expected: bogus },
  { zone: 'child.expired.com', what: 'sound, below expired signatures', signed: ECDSA, expected: bogus },
  { zone: 'just-expired.com', what: 'since a minute', signed: { from: -30 * DAY, until: -60 }, expected: bogus },
  { zone: 'future.com', what: 'signatures are not valid yet', signed: { from: DAY, until: 30 * DAY }, expected: bogus },
  { zone: 'nearly-expired.com', what: 'valid for an hour', signed: { until: HOUR }, expected: secure },
  {
    zone: 'wrong-ds.com',
    what: 'a DS record with a wrong digest',
    signed: ECDSA,
    ds: (right) => right.map(flipped),
    expected: bogus,
  },
  {
    zone: 'other-ds.com',
    what: 'a DS record of a key that is not there',
    signed: ECDSA,
    ds: (right) => right.map((each) => each.replace(/DS \d+/, 'DS 4711')),
    expected: bogus,
  },
  {
    zone: 'claimed.com',
    what: 'a DS record, but no DNSKEY record',
    ds: () => ['DS 4711 13 2 5D3EAB45DB75D6BE7E9B946DDF95E24D4C9129AED2AB0E5295A079520CE28EBB'],
    expected: bogus,
  },
  {
    zone: 'stripped.com',
    what: 'only the keys have a signature',
    signed: ECDSA,
    spoil: (lines) => lines.filter((line) => !isSignatureOf('(?!DNSKEY)\\S+')(line)),
    expected: bogus,
  },
  {
    zone: 'no-denial.com',
    what: 'no NSEC records',
    signed: ECDSA,
    spoil: (lines) => lines.filter((line) => !isDenial(line) && !isSignatureOf('NSEC')(line)),
    expected: bogus,
  },
  {
    zone: 'forged.com',
    what: 'the signature of the challenge is wrong',
    signed: ECDSA,
    records: ['_acme-challenge TXT "x"'],
    spoil: forged('TXT'),
    expected: bogus,
  },
  {
    zone: 'forged-caa.com',
    what: 'the signature of the CAA records is wrong',
    signed: ECDSA,
    records: ['@ CAA 0 issue "letsencrypt.org"'],
    spoil: forged('CAA'),
    expected: [{ resolves: 'bogus', level: 'bad', check: 'caa' }],
  },
  {
    zone: 'forged-denial.com',
    what: 'the signatures of the NSEC records are wrong',
    signed: ECDSA,
    spoil: forged('NSEC'),
    expected: bogus,
  },
  {
    zone: 'one-expired.com',
    what: 'one of two servers has signatures that have expired',
    signed: ECDSA,
    servers: ['bind', 'old'],
    old: 'expired',
    expected: [{ resolves: 'secure', level: 'warning' }],
  },
];
