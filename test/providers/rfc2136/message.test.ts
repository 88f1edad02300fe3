import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeName,
  decodeResponse,
  decodeTxt,
  encodeName,
  encodeRequest,
  encodeTxt,
  OPCODE,
  TYPE,
} from '../../../providers/rfc2136/message.ts';
import { VECTORS } from './vectors.ts';

describe('TXT data', () => {
  it.each([
    ['', '00'],
    ['ab', '026162'],
    ['x'.repeat(256), `ff${'78'.repeat(255)}0178`],
  ])('of "%s" is cut into strings of 255 bytes', (value, hex) => {
    expect(encodeTxt(value).toString('hex')).toBe(hex);
  });

  it('means the same value however it is cut', () => {
    expect(decodeTxt(Buffer.from('0161016200', 'hex'))).toBe('ab');
    fc.assert(
      fc.property(fc.string({ maxLength: 700 }), (value) => decodeTxt(encodeTxt(value)) === value.toWellFormed()),
    );
  });

  it('that is cut off is only what is there', () => {
    expect(decodeTxt(Buffer.from('0561', 'hex'))).toBe('a');
  });
});

describe('a name', () => {
  it('is read back as it was written, in lower case', () => {
    const name = encodeName('_acme-challenge.Example.COM');
    expect(decodeName(name, 0)).toEqual({ name: '_acme-challenge.example.com', end: name.length });
    expect(encodeName('').toString('hex')).toBe('00');
  });

  it('is read where it is compressed', () => {
    const bytes = Buffer.concat([Buffer.from([0]), encodeName('example.com'), Buffer.from('03777777c001', 'hex')]);
    expect(decodeName(bytes, 14)).toEqual({ name: 'www.example.com', end: 20 });
  });

  it.each(['c000', '01', 'c0', '016101', '80', '0161c000'])('that leads nowhere is an error: %s', (hex) => {
    expect(() => decodeName(Buffer.from(hex, 'hex'), 0)).toThrow(RangeError);
  });
});

describe('a message', () => {
  it('is an update of one zone, to the byte', () => {
    const data = encodeTxt('v');
    const name = 'a.example.com';
    const bytes = encodeRequest({
      id: 0x1234,
      opcode: OPCODE.UPDATE,
      question: { name: 'example.com', type: TYPE.SOA },
      prerequisites: [{ name, type: TYPE.TXT, class: 254, ttl: 0, data: Buffer.alloc(0) }],
      changes: [{ name, type: TYPE.TXT, class: 1, ttl: 60, data }],
    });
    const zone = '076578616d706c6503636f6d00';
    expect(bytes.toString('hex')).toBe(
      `123428000001000100010000${zone}00060001` +
        `0161${zone}001000fe000000000000` +
        `0161${zone}00100001${'0000003c'}00020176`,
    );
  });

  it('from another implementation is read', () => {
    const { id, opcode, isResponse, rcode, last } = decodeResponse(Buffer.from(VECTORS['hmac-sha256'].response, 'hex'));
    expect({ id, opcode, isResponse, rcode }).toEqual({
      id: 0x1234,
      opcode: OPCODE.UPDATE,
      isResponse: true,
      rcode: 0,
    });
    expect(last?.record).toMatchObject({ name: 'update.key', type: TYPE.TSIG });
  });

  it('of any bytes is read or refused with a RangeError, and soon', () => {
    const whole = Buffer.from(VECTORS['hmac-sha512'].request, 'hex');
    const spoiled = fc.tuple(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length)).map(([at, byte, length]) => {
      const bytes = Buffer.from(whole);
      bytes.writeUInt8(byte, at);
      return bytes.subarray(0, length);
    });
    fc.assert(
      fc.property(fc.oneof(spoiled, fc.uint8Array({ maxLength: 300 }).map(Buffer.from)), (bytes) => {
        try {
          decodeResponse(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
