import { expect, it } from 'vitest';
import { problemOfName, registeredDomain } from '../../src/check/name-rules.ts';

const LONG = 'a'.repeat(63);
const problem = (name: string, privateRoot = false) => problemOfName(name, { privateRoot })?.text;

it.each([
  'example.com',
  'EXAMPLE.com',
  '*.example.com',
  ' example.com ',
  'a.b.c.d.e.f.g.h.example.com',
  'x.co.uk',
  '*.x.co.uk',
  '*.github.io',
  'foo.github.io',
  'bücher.com',
  'xn--bcher-kva.com',
  'пример.рф',
  `${LONG}.com`,
  '1.2.3.4.com',
  '_acme-challenge.example.com',
  '_abcdefghijklmnop._acme-challenge.example.com',
  'www.ck',
])('takes %s', (name) => {
  expect(problem(name)).toBeUndefined();
});

it.each([
  ['', /empty/],
  ['*.', /empty/],
  ['*', /asterisk/],
  ['*.*.example.com', /asterisk/],
  ['www.*.example.com', /asterisk/],
  ['w*.example.com', /asterisk/],
  ['*.co.uk', /it is a wildcard of a public suffix/],
  ['*.com', /it is a wildcard of a public suffix/],
  ['co.uk', /it is a public suffix/],
  ['com', /it is a public suffix/],
  ['anything.ck', /it is a public suffix/],
  ['192.0.2.1', /IP address/],
  ['2001:db8::1', /IP address/],
  ['[2001:db8::1]', /IP address/],
  ['example.com.', /ends in a dot/],
  ['example..com', /empty label/],
  ['.example.com', /empty label|other characters/],
  [`${LONG}a.com`, /longer than 63/],
  [`${`${LONG}.`.repeat(4)}com`, /longer than 253/],
  [`${`${LONG}.`.repeat(3)}${'a'.repeat(60)}.com`.slice(-240), /longer than 237 characters/],
  ['a.b.c.d.e.f.g.h.i.example.com', /11 labels/],
  ['ab--cd.com', /places 3 and 4/],
  ['-a.com', /"-a" has other characters/],
  ['a-.com', /"a-" has other characters/],
  ['a_b.com', /"a_b" has other characters/],
  ['a b.com', /other characters/],
  ['xn--a.com', /xn--a is not valid punycode/],
  // u with a combining diaeresis, which is not in normal form C.
  ['xn--uber-vwc.com', /not valid punycode/],
  ['localhost', /one label/],
  ['db.internal', /internal is not a public top-level domain/],
  ['host.corp', /corp is not a public/],
  ['*._acme-challenge.example.com', /challenge name has no wildcard/],
])('refuses %j', (name, text) => {
  expect(problem(name)).toMatch(text);
});

it('takes the top-level domains of a private root, but not themselves', () => {
  expect(problem('db.corp', true)).toBeUndefined();
  expect(problem('corp', true)).toMatch(/public suffix/);
  expect(problem('*.corp', true)).toMatch(/wildcard of a public suffix/);
});

it.each([
  ['www.example.com', 'example.com'],
  ['a.b.x.co.uk', 'x.co.uk'],
  ['foo.github.io', 'github.io'],
  ['a.b.city.kawasaki.jp', 'city.kawasaki.jp'],
  ['co.uk', undefined],
])('the registered domain of %s is %s', (name, domain) => {
  expect(registeredDomain(name)).toBe(domain);
});
