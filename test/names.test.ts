import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { challengeNameOf, parseValue } from '../src/challenge/challenge.ts';
import { isDns01Error } from '../src/errors.ts';
import { isWithin, longestZone, nameAndAbove, normaliseName, parseName } from '../src/names.ts';

describe('a name', () => {
  it('has one form, whatever it is given as, or is refused with a usage error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.domain(), fc.string({ unit: 'grapheme' })), (text) => {
        let name: string;
        try {
          name = normaliseName(text);
        } catch (error) {
          expect(isDns01Error(error) && error.code).toBe('E_USAGE');
          return;
        }
        expect(name).toMatch(/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/);
        expect(normaliseName(`${name.toUpperCase()}.`)).toBe(name);
      }),
    );
  });

  it('in Unicode and in Punycode is the same', () => {
    expect(normaliseName('Müller.Example')).toBe('xn--mller-kva.example');
    expect(normaliseName('XN--MLLER-KVA.example.')).toBe('xn--mller-kva.example');
  });

  it.each([
    'bob.example/ü',
    'bob.example#ü',
    'bob.example?ü',
    'bob.example\\ü',
    'bob%2eexampleü',
    'ü\n.com',
    '０x7f.1',
    '１',
  ])('is never read like a URL: %s', (text) => {
    expect(parseName(text)).toBeUndefined();
    expect(() => normaliseName(text)).toThrow(/is not a domain name/);
  });

  it('of a wildcard has the challenge of its base', () => {
    expect(challengeNameOf('*.example.com')).toBe('_acme-challenge.example.com');
  });
});

describe('a zone', () => {
  it('holds what lies below it at a label border, and nothing else', () => {
    expect(isWithin('www.example.com', 'example.com')).toBe(true);
    expect(isWithin('example.com', 'example.com')).toBe(true);
    expect(isWithin('badexample.com', 'example.com')).toBe(false);
    expect(isWithin('example.com', 'www.example.com')).toBe(false);
  });

  it('of a name may be the name itself or any suffix of two labels and more', () => {
    expect(nameAndAbove(normaliseName('_acme-challenge.www.example.com'))).toEqual([
      '_acme-challenge.www.example.com',
      'www.example.com',
      'example.com',
    ]);
    expect(nameAndAbove(normaliseName('com'))).toEqual(['com']);
  });

  it('that is longest wins', () => {
    const zones = [{ zone: 'example.com' }, { zone: 'sub.example.com' }, { zone: 'ample.com' }];
    expect(longestZone(zones, 'a.sub.example.com')).toBe(zones[1]);
    expect(longestZone(zones, 'a.other.example.com')).toBe(zones[0]);
    expect(longestZone(zones, 'example.org')).toBeUndefined();
  });
});

describe('a value', () => {
  it('is printable ASCII that needs no quoting, or is refused with a usage error', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 1200, unit: 'binary' }), (text) => {
        try {
          expect(parseValue(text)).toBe(text);
          expect(text).toMatch(/^[ !#-[\]-~]{1,1024}$/);
        } catch (error) {
          expect(isDns01Error(error) && error.code).toBe('E_USAGE');
        }
      }),
    );
  });
});
