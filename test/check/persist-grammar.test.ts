import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type JudgeName, judgePersist, type PersistRequest } from '../../src/check/persist-rules.ts';

/** How many random sets of records. */
const RUNS = Number(process.env['DNS01_PERSIST_RUNS'] ?? 20_000);

const NOW_S = 1_800_000_000;
const ACCOUNT = 'https://ca.example/acct/1';

/** A second reading of the rules, by one pattern for a record, that shares nothing with the first. */
function plainVerdict(judge: JudgeName, records: readonly string[], request: PersistRequest): string {
  const each = records.map((record) => plainRecord(judge, record, request));
  if (each.includes('valid')) return 'valid';
  return each.includes('malformed') ? 'malformed' : 'unauthorized';
}

const WSP = '[ \\t]*';
const VALUE = '[\\x21-\\x3a\\x3c-\\x7e]*';
const PARAMETER = new RegExp(`;${WSP}(?=[^ \\t=;])((?:[^=;]*[^=; \\t])?)${WSP}=${WSP}(${VALUE})${WSP}(?=;|$)`, 'y');

function plainRecord(judge: JudgeName, record: string, { issuer, wildcard }: PersistRequest): string {
  const semicolon = record.indexOf(';');
  const end = semicolon < 0 ? record.length : semicolon;
  const name = record.slice(0, end).replace(new RegExp(`^${WSP}|${WSP}$`, 'g'), '');
  const isOurs =
    judge === 'pebble' ? name === issuer : name.toLowerCase() === issuer || name.toLowerCase() === `${issuer}.`;
  if (!isOurs) return 'other';
  const found: [string, string][] = [];
  for (let at = end; at < record.length; at = PARAMETER.lastIndex) {
    PARAMETER.lastIndex = at;
    const match = PARAMETER.exec(record);
    if (!match) return 'malformed';
    found.push([String(match[1]).toLowerCase(), String(match[2])]);
  }
  const known = ['accounturi', 'policy', 'persistuntil'];
  const counted = judge === 'pebble' ? found : found.filter(([tag]) => known.includes(tag));
  if (new Set(counted.map(([tag]) => tag)).size < counted.length) return 'malformed';
  const { accounturi, policy, persistuntil } = Object.fromEntries(counted);
  if (!accounturi) return 'malformed';
  if (persistuntil !== undefined && !/^[-+]?[0-9]+$/.test(persistuntil)) return 'malformed';
  if (accounturi !== ACCOUNT) return 'unauthorized';
  if (wildcard && !/^wildcard$/i.test(policy ?? '')) return 'unauthorized';
  return persistuntil !== undefined && Number(persistuntil) < NOW_S ? 'unauthorized' : 'valid';
}

const often = <Value>(...values: readonly Value[]) => fc.constantFrom(...values);
const blank = often('', '', '', ' ', '\t', '  ');
const noise = fc.string({
  unit: often('a', 'Z', '1', '-', '_', '=', ';', ' ', '\t', '\n', 'ü', '"', '.', '\\'),
  maxLength: 6,
});
const issuer = often(
  'ca.example',
  'ca.example',
  'ca.example',
  'ca.example',
  'CA.Example',
  'ca.example.',
  'other.example',
  '',
  'ca.example..',
  'ca_example',
  'two words',
);
const padded = (part: fc.Arbitrary<string>) => fc.tuple(blank, part, blank).map((parts) => parts.join(''));
const pair = (tag: fc.Arbitrary<string>, value: fc.Arbitrary<string>) =>
  fc.tuple(padded(tag), padded(value)).map((parts) => parts.join('='));
const account = pair(
  often('accounturi', 'accounturi', 'accounturi', 'accountURI', 'ACCOUNTURI'),
  often(ACCOUNT, ACCOUNT, ACCOUNT, ACCOUNT, 'https://ca.example/acct/2', 'HTTPS://ca.example/acct/1', '', 'a b', 'a=b'),
);
const parameter = fc.oneof(
  {
    weight: 3,
    arbitrary: pair(often('policy', 'Policy'), often('wildcard', 'wildcard', 'WildCard', 'none', '', 'wild card')),
  },
  {
    weight: 3,
    arbitrary: pair(
      often('persistUntil', 'persistuntil'),
      often(
        '1800000000',
        '1800000001',
        '1900000000',
        '1799999999',
        '+1900000000',
        '-1',
        '0',
        '',
        '1e9',
        '0x1',
        'never',
      ),
    ),
  },
  { weight: 1, arbitrary: account },
  { weight: 2, arbitrary: pair(often('foo', 'Foo', 'bad tag', 'ü', '__proto__'), noise) },
  { weight: 1, arbitrary: noise },
);
const record = fc
  .tuple(
    padded(issuer),
    fc.oneof({ weight: 6, arbitrary: account }, parameter),
    fc.array(parameter, { maxLength: 3 }),
    often('', '', '', '', '', '', '', ';', ' ; '),
  )
  .map(([name, first, parameters, end]) => [name, first, ...parameters].join(';') + end);
const records = fc.array(fc.oneof({ weight: 9, arbitrary: record }, noise), { maxLength: 3 });

it.each(['boulder', 'pebble'] as const)(
  'any records have the verdict of a second, plain reading: %s',
  { timeout: 300_000 },
  (judge) => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(records, fc.boolean(), (values, wildcard) => {
        const request = { issuer: 'ca.example', accountUris: [ACCOUNT], wildcard, now: NOW_S * 1000 };
        const { verdict } = judgePersist(judge, values, request);
        seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
        expect(verdict).toBe(plainVerdict(judge, values, request));
      }),
      { numRuns: RUNS },
    );
    // Records that all come to the same would compare nothing.
    for (const verdict of ['valid', 'malformed', 'unauthorized']) expect(seen.get(verdict)).toBeGreaterThan(RUNS / 50);
  },
);
