import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type CaaRecord, type IssueRequest, judgeCaa } from '../../src/check/caa-rules.ts';

/** How many random sets. */
const RUNS = Number(process.env['DNS01_CAA_RUNS'] ?? 20_000);

const ACCOUNTS = ['https://ca.example/acct/1', 'https://ca.example/acct/2', 'nonsense', ''];
const METHODS = ['dns-01', 'http-01', 'tls-alpn-01', 'DNS-01', 'a_b', '', ' dns-01'];

/** A second reading of the rules, by one pattern for each form, that shares nothing with the first. */
function plainVerdict(records: readonly CaaRecord[], request: IssueRequest): string {
  const tagOf = ({ tag }: CaaRecord) => tag;
  const known = ['issue', 'issuewild', 'iodef', 'issuemail', 'issuevmc'];
  for (const { flags, tag } of records) {
    const isCritical = flags >= 128 || flags % 2 === 1;
    if (isCritical && !known.includes(tag)) return 'refused';
  }
  const wild = records.filter((record) => tagOf(record) === 'issuewild');
  const plain = records.filter((record) => tagOf(record) === 'issue');
  const counting = request.wildcard && wild.length > 0 ? wild : plain;
  if (counting.length === 0) return 'allowed';
  const each = counting.map(({ value }) => plainRecord(value, request));
  if (each.includes('allowed')) return 'allowed';
  return each.includes('account') ? 'account' : 'refused';
}

const WSP = '[ \\t]*';
const PARAMETER = `${WSP}[A-Za-z0-9]*${WSP}=${WSP}[\\x21-\\x3a\\x3c-\\x7e]*${WSP}`;
const LABEL = '[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*';
const VALUE = new RegExp(`^${WSP}(${LABEL}(?:\\.${LABEL})*)${WSP}(?:;${WSP}|((?:;${PARAMETER})+))?$`);

function plainRecord(value: string, { issuer, method, accountUri }: IssueRequest): string {
  const match = VALUE.exec(value);
  if (!match || (issuer !== undefined && match[1] !== issuer)) return 'refused';
  const all = [...(match[2] ?? '').matchAll(/;[ \t]*([A-Za-z0-9]*)[ \t]*=[ \t]*([!-:<-~]*)/g)];
  const named = (tag: string) => all.filter((found) => found[1] === tag).map((found) => String(found[2]));
  const [methods, accounts] = [named('validationmethods'), named('accounturi')];
  if (methods.length > 1 || accounts.length > 1) return 'refused';
  if (methods.length === 1 && !new RegExp(`^([A-Za-z0-9-]+,)*${method}(,|$)`).test(methods[0] ?? '')) return 'refused';
  if (accounts.length === 0) return 'allowed';
  if (!accounts[0]?.includes('://')) return 'refused';
  if (accountUri === undefined) return 'account';
  return accounts[0] === accountUri ? 'allowed' : 'refused';
}

const often = <Value>(...values: readonly Value[]) => fc.constantFrom(...values);
const blank = often('', '', ' ', '\t', '  ');
const issuer = often(
  'ca.example',
  'ca.example',
  'ca.example',
  'other.example',
  '',
  'CA.example',
  'two words',
  'a-.b',
  'a--b',
);
const noise = fc.string({
  unit: often('a', '1', '-', '_', '=', ';', ' ', '\t', ',', '\n', 'ü', '"', '.'),
  maxLength: 6,
});
const methods = fc.array(often('dns-01', 'dns-01', ...METHODS), { minLength: 1, maxLength: 3 });
const parameter = fc.oneof(
  { weight: 4, arbitrary: methods.map((list) => `validationmethods=${list.join(',')}`) },
  { weight: 8, arbitrary: often(...ACCOUNTS, ...ACCOUNTS.slice(0, 2)).map((account) => `accounturi=${account}`) },
  { weight: 2, arbitrary: fc.tuple(noise, noise).map(([tag, text]) => `${tag}=${text}`) },
  { weight: 1, arbitrary: noise },
);
const padded = (part: fc.Arbitrary<string>) => fc.tuple(blank, part, blank).map((parts) => parts.join(''));
const value = fc
  .tuple(padded(issuer), fc.array(padded(parameter), { maxLength: 3 }), often('', '', '', '', '', ';', ' ; '))
  .map(([name, parameters, end]) => [name, ...parameters].join(';') + end);
const record = fc.record({
  flags: often(0, 0, 0, 0, 1, 2, 126, 128, 129, 255),
  tag: often(
    'issue',
    'issue',
    'issue',
    'issue',
    'issuewild',
    'issuewild',
    'issuewild',
    'iodef',
    'issuemail',
    'issuevmc',
    'foo',
  ),
  value: fc.oneof({ weight: 5, arbitrary: value }, { weight: 1, arbitrary: noise }),
});
const request = fc.record({
  issuer: often('ca.example', 'ca.example', undefined),
  accountUri: often(undefined, 'https://ca.example/acct/1'),
  method: often('dns-01', 'dns-01', 'http-01'),
  wildcard: fc.boolean(),
});

it('any set of records has the verdict of a second, plain reading', { timeout: 300_000 }, () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(record, { maxLength: 4 }), request, (records, wanted) => {
      const { verdict } = judgeCaa(records, wanted);
      seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
      expect(verdict).toBe(plainVerdict(records, wanted));
    }),
    { numRuns: RUNS },
  );
  // Sets that all come to the same would compare nothing.
  for (const verdict of ['allowed', 'account', 'refused']) expect(seen.get(verdict)).toBeGreaterThan(RUNS / 500);
});

it('reads a value of 60,000 blanks in no time', () => {
  const value = `ca.example; a=${' '.repeat(60_000)}x`;
  const began = performance.now();
  const request = { issuer: 'ca.example', accountUri: undefined, method: 'dns-01', wildcard: false };
  judgeCaa([{ flags: 0, tag: 'issue', value }], request);
  expect(performance.now() - began).toBeLessThan(500);
});
