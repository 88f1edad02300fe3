import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createRedactor } from '../../src/output/redact.ts';
import { leaksIn, redactions, SPELLINGS } from '../support/spelled-secrets.ts';

const RUNS = Number(process.env['DNS01_FUZZ_RUNS'] ?? 2000);

it('no piece of 8 characters of a secret survives, however a server spells it', () => {
  fc.assert(
    fc.property(redactions, ({ secret, spelling, clean }) => {
      expect(leaksIn(clean, secret), `${spelling}: ${JSON.stringify(clean)}`).toEqual([]);
    }),
    { numRuns: RUNS },
  );
});

it.each(Object.keys(SPELLINGS))('a secret of 6 characters is found: %s', (spelling) => {
  const redactor = createRedactor();
  redactor.keep('q7#Z/k');
  const spelled = SPELLINGS[spelling]?.('q7#Z/k') ?? '';
  expect(redactor.redact(`it says ${spelled}, sorry`)).toMatch(/^it says \S*\*{3}\S*,? ?sorry$/);
});

it('other text stays as it is, to the octet', () => {
  const redactor = createRedactor();
  redactor.keep('correct horse battery staple');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
      expect(redactor.redact(text)).toBe(text.toWellFormed());
    }),
  );
});

it('a long text costs little', () => {
  const redactor = createRedactor();
  for (let index = 0; index < 20; index++) redactor.keep(`secret-number-${index}-${'x'.repeat(20)}`);
  const started = performance.now();
  redactor.redact('{"action":"add","name":"_acme-challenge.example.com"} &amp; %20 \\u0041 '.repeat(3000));
  expect(performance.now() - started).toBeLessThan(3000);
});
