import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteTxt as quoted, unquoteTxt as unquoted } from '../../src/provider.ts';

describe('TXT content of zone files', () => {
  it('is quoted and escaped', () => {
    expect(quoted('token-_')).toBe('"token-_"');
    expect(quoted('')).toBe('""');
    expect(quoted('a"b\\c;d')).toBe('"a\\"b\\\\c;d"');
    expect(quoted('ä\t')).toBe('"\\195\\164\\009"');
  });

  it('is cut into strings of 255 bytes', () => {
    expect(quoted('x'.repeat(255))).toBe(`"${'x'.repeat(255)}"`);
    expect(quoted('x'.repeat(256))).toBe(`"${'x'.repeat(255)}" "x"`);
    expect(quoted('"'.repeat(256))).toBe(`"${'\\"'.repeat(255)}" "\\""`);
  });

  it('comes back as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 600 }), (value) => {
        expect(unquoted(quoted(value))).toBe(value);
      }),
    );
  });

  it.each([
    ['v=spf1 a mx ~all', 'v=spf1 a mx ~all'],
    ['"a"  "b"\t"c"', 'abc'],
    ['"a""b"', 'ab'],
    ['"\\097\\x"', 'ax'],
  ])('is understood in other spellings: %s', (content, value) => {
    expect(unquoted(content)).toBe(value);
  });
});
