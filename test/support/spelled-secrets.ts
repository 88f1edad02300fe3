import fc from 'fast-check';
import { createRedactor } from '../../src/output/redact.ts';
import { excerpt } from '../../src/output/text.ts';

const hex = (text: string) => Buffer.from(text).toString('hex');
const base64 = (text: string) => Buffer.from(text).toString('base64');
const everyOctet = (text: string, spell: (octet: number) => string) => [...Buffer.from(text)].map(spell).join('');
const everyUnit = (text: string, spell: (unit: string) => string) => text.split('').map(spell).join('');
const code = (unit: string, digits: number) => unit.charCodeAt(0).toString(16).padStart(digits, '0');

/** How servers spell what they give back. */
export const SPELLINGS: Readonly<Record<string, (secret: string) => string>> = {
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

/** The pieces of 8 characters of a secret, and of the secret reversed, that can be read in a text in any way. */
export function leaksIn(text: string, secret: string): string[] {
  const compact = secret.toLowerCase().replace(/\s/g, '');
  const pieces = new Set<string>();
  for (const each of [compact, [...compact].reverse().join('')]) {
    for (let at = 0; at + 8 <= each.length; at++) pieces.add(each.slice(at, at + 8));
  }
  const views = readable(text);
  return [...pieces].filter((piece) => views.some((view) => view.includes(piece)));
}

/** Redacts a text with a secret in it, however a server spells it. */
export const redactions = fc
  .record({
    secret: secrets,
    spelling: fc.constantFrom(...Object.keys(SPELLINGS)),
    before: fc.constantFrom('login failed for ', '{"error":"', '<b>', '', 'user=', 'a'.repeat(150)),
    cut: fc.boolean(),
  })
  .map(({ secret, spelling, before, cut }) => {
    const text = `${before}${SPELLINGS[spelling]?.(secret) ?? ''} (status 401)`;
    const redactor = createRedactor();
    redactor.keep(secret);
    return { secret, spelling, clean: redactor.redact(cut ? excerpt(text) : text) };
  });
