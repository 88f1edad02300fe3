import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createRedactor } from '../../src/output/redact.ts';
import { excerpt } from '../../src/output/text.ts';

const RUNS = Number(process.env['DNS01_FUZZ_RUNS'] ?? 2000);

const hex = (text: string) => Buffer.from(text).toString('hex');
const base64 = (text: string) => Buffer.from(text).toString('base64');
const everyOctet = (text: string, spell: (octet: number) => string) => [...Buffer.from(text)].map(spell).join('');
const everyUnit = (text: string, spell: (unit: string) => string) => text.split('').map(spell).join('');
const code = (unit: string, digits: number) => unit.charCodeAt(0).toString(16).padStart(digits, '0');

/** How servers spell what they give back. */
const SPELLINGS: Readonly<Record<string, (secret: string) => string>> = {
  plain: (secret) => secret,
  upper: (secret) => secret.toUpperCase(),
  lower: (secret) => secret.toLowerCase(),
  reversed: (secret) => [...secret].reverse().join(''),
  base64,
  'base64 of a pair': (secret) => base64(`user:${secret}`),
  'base64 of another pair': (secret) => base64(`ab:${secret}\n`),
  'base64 for URLs': (secret) => Buffer.from(`u:${secret}`).toString('base64url'),
  hex,
  'hex in upper case': (secret) => hex(secret).toUpperCase(),
  percent: encodeURIComponent,
  'percent, every octet': (secret) => everyOctet(secret, (octet) => `%${octet.toString(16).padStart(2, '0')}`),
  'percent twice': (secret) => encodeURIComponent(encodeURIComponent(secret)),
  form: (secret) => new URLSearchParams([['', secret]]).toString().slice(1),
  json: (secret) => JSON.stringify(secret).slice(1, -1),
  'json in json': (secret) => JSON.stringify(JSON.stringify(secret)),
  'unicode escapes': (secret) => everyUnit(secret, (unit) => `\\u${code(unit, 4)}`),
  'hex escapes': (secret) => everyOctet(secret, (octet) => `\\x${octet.toString(16).padStart(2, '0')}`),
  "PHP's slashes": (secret) => JSON.stringify(secret).slice(1, -1).replaceAll('/', '\\/'),
  addslashes: (secret) => secret.replace(/['"\\]/g, '\\$&'),
  'HTML names': (secret) =>
    secret.replace(/[&<>"]/g, (unit) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[unit] ?? unit),
  'HTML numbers': (secret) => [...secret].map((unit) => `&#${unit.codePointAt(0)};`).join(''),
  'HTML hex numbers': (secret) => [...secret].map((unit) => `&#x${unit.codePointAt(0)?.toString(16)};`).join(''),
  'cut by a tag': (secret) => `${secret.slice(0, 3)}<wbr>${secret.slice(3)}`,
  'cut by a line break': (secret) => `${secret.slice(0, 4)}\n${secret.slice(4)}`,
  'UTF-8 taken for Latin-1': (secret) => Buffer.from(secret).toString('latin1'),
};

/** Every way in which a piece of 8 characters could still be read. */
function readable(text: string): string[] {
  const decoded = [text];
  const attempt = (decode: () => string) => {
    try {
      decoded.push(decode());
    } catch {
      // Not spelled like that.
    }
  };
  attempt(() => decodeURIComponent(text));
  attempt(() => JSON.parse(`"${text}"`) as string);
  for (const [token] of text.matchAll(/[\w+/-]{8,}/g)) {
    for (const shift of [0, 1, 2, 3]) decoded.push(Buffer.from(token.slice(shift), 'base64').toString('utf8'));
    decoded.push(Buffer.from(token, 'hex').toString('utf8'));
  }
  return decoded.flatMap((each) => [each, each.replace(/<[^>]*>|\s/g, '')]).map((each) => each.toLowerCase());
}

const secrets = fc
  .oneof(
    fc.string({ minLength: 8, maxLength: 40, unit: 'grapheme-ascii' }),
    fc.string({ minLength: 8, maxLength: 24, unit: fc.constantFrom(...'aBcD1234+/=&<>"\'\\%ÄöéЖ漢 -_.:') }),
    fc.stringMatching(/^[0-9a-f]{8,64}$/),
  )
  .filter((text) => new Set(text.replace(/[\s*]/g, '')).size >= 5 && text.trim() === text && !/\s\s/.test(text));

it('no piece of 8 characters of a secret survives, however a server spells it', () => {
  fc.assert(
    fc.property(
      secrets,
      fc.constantFrom(...Object.keys(SPELLINGS)),
      fc.constantFrom('login failed for ', '{"error":"', '<b>', '', 'user=', 'a'.repeat(150)),
      fc.boolean(),
      (secret, spelling, before, cut) => {
        const redactor = createRedactor();
        redactor.keep(secret);
        const spelled = SPELLINGS[spelling]?.(secret) ?? '';
        const text = `${before}${spelled} (status 401)`;
        const clean = redactor.redact(cut ? excerpt(text) : text);
        const compact = secret.toLowerCase().replace(/\s/g, '');
        const pieces = new Set<string>();
        for (const each of [compact, [...compact].reverse().join('')]) {
          for (let at = 0; at + 8 <= each.length; at++) pieces.add(each.slice(at, at + 8));
        }
        for (const view of readable(clean)) {
          for (const piece of pieces) {
            expect(view.includes(piece), `${spelling}: ${JSON.stringify(clean)} shows ${JSON.stringify(piece)}`).toBe(
              false,
            );
          }
        }
      },
    ),
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
