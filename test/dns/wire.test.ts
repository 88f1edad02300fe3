import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeMessage,
  decodeName,
  decodeTxt,
  encodeMessage,
  encodeName,
  encodeTxt,
  OPCODE,
  TYPE,
  uint16s,
} from '../../src/dns/wire.ts';
import { createMessageReader, withLength } from '../../src/dns/wire-framing.ts';
import { parseName } from '../../src/names.ts';
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

  it.each([
    ['a newline', '0a', '\\010'],
    ['a dot inside of a label', '612e62', 'a\\.b'],
    ['a backslash', '5c', '\\\\'],
    ['a blank', '2061', '\\032a'],
    ['an upper-case letter that is not ASCII', 'c441', '\\196a'],
    ['a shell variable', '2428696429', '$(id)'],
  ])('shows %s so that it is never taken for another name', (_, label, shown) => {
    const bytes = Buffer.concat([Buffer.of(label.length / 2), Buffer.from(label, 'hex'), encodeName('example.com')]);
    expect(decodeName(bytes, 0).name).toBe(`${shown}.example.com`);
    expect(parseName(decodeName(bytes, 0).name)).toBeUndefined();
  });

  it('of any bytes is the name that it looks like, or none', () => {
    const label = fc.uint8Array({ minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(label, { minLength: 1, maxLength: 6 }), (labels) => {
        const bytes = Buffer.concat([...labels.flatMap((each) => [Buffer.of(each.length), each]), Buffer.of(0)]);
        const name = parseName(decodeName(bytes, 0).name);
        if (name !== undefined)
          expect(encodeName(name).toString('latin1')).toBe(bytes.toString('latin1').toLowerCase());
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['127 pointers', 127, true],
    ['128 pointers', 128, false],
  ])('may be %s away', (_, count, isRead) => {
    const pointers = Array.from({ length: count }, (__, index) =>
      Buffer.of(0xc0, index === 0 ? 0 : 1 + 2 * (index - 1)),
    );
    const bytes = Buffer.concat([Buffer.of(0), ...pointers]);
    const read = () => decodeName(bytes, bytes.length - 2).name;
    if (isRead) expect(read()).toBe('');
    else expect(read).toThrow(RangeError);
  });

  it('has at most 255 bytes', () => {
    const label = `${'x'.repeat(63)}.`;
    expect(decodeName(encodeName(`${label.repeat(3)}${'x'.repeat(61)}`), 0).name).toHaveLength(253);
    expect(() => decodeName(encodeName(`${label.repeat(3)}${'x'.repeat(62)}`), 0)).toThrow(RangeError);
  });

  it.each(['a..b', '.', 'x'.repeat(64)])('that is none is not encoded: %s', (text) => {
    expect(() => encodeName(text)).toThrow(RangeError);
  });

  it.each(['c000', '01', 'c0', '016101', '80', '0161c000'])('that leads nowhere is an error: %s', (hex) => {
    expect(() => decodeName(Buffer.from(hex, 'hex'), 0)).toThrow(RangeError);
  });
});

describe('a message', () => {
  it('is an update of one zone, to the byte', () => {
    const data = encodeTxt('v');
    const name = 'a.example.com';
    const bytes = encodeMessage({
      id: 0x1234,
      flags: OPCODE.UPDATE << 11,
      questions: [{ name: 'example.com', type: TYPE.SOA }],
      answers: [{ name, type: TYPE.TXT, class: 254, ttl: 0, data: Buffer.alloc(0) }],
      authorities: [{ name, type: TYPE.TXT, class: 1, ttl: 60, data }],
    });
    const zone = '076578616d706c6503636f6d00';
    expect(bytes.toString('hex')).toBe(
      `123428000001000100010000${zone}00060001` +
        `0161${zone}001000fe000000000000` +
        `0161${zone}00100001${'0000003c'}00020176`,
    );
  });

  it('from another implementation is read', () => {
    const message = decodeMessage(Buffer.from(VECTORS['hmac-sha256'].response, 'hex'));
    expect(message).toMatchObject({ id: 0x1234, opcode: OPCODE.UPDATE, flags: 0xa800, rcode: 0 });
    expect(message.additionals.at(-1)).toMatchObject({ name: 'update.key', type: TYPE.TSIG });
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
          decodeMessage(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

it('64 KB of pointers are refused in less than 50 ms', () => {
  // The first record holds a chain of pointers as its data; the names of all others lead through it.
  const chain = Buffer.concat(
    Array.from({ length: 126 }, (_, index) => uint16s(0xc000 | (index === 0 ? 23 : 22 + 2 * index))),
  );
  const holder = Buffer.concat([
    Buffer.from('0000100001000000000000', 'hex').subarray(0, 9),
    uint16s(chain.length + 1),
  ]);
  const end = 12 + holder.length + chain.length - 1;
  const record = Buffer.concat([uint16s(0xc000 | end), uint16s(TYPE.A, 1, 0, 0, 0)]);
  const count = Math.floor((0xffff - end - 2) / record.length);
  const head = Buffer.concat([uint16s(1, 0x8400, 0, count + 1, 0, 0), holder, Buffer.of(0), chain]);
  const bytes = Buffer.concat([head, ...Array<Buffer>(count).fill(record)]);
  expect(bytes.length).toBeGreaterThan(64_000);
  // The best of some runs: what others do on the machine does not count.
  const runs = Array.from({ length: 10 }, () => {
    const started = performance.now();
    expect(() => decodeMessage(bytes)).toThrow('too many');
    return performance.now() - started;
  });
  expect(Math.min(...runs)).toBeLessThan(50);
});

it('messages over TCP are cut out of whatever pieces they come in', () => {
  const messages = ['', 'one', 'x'.repeat(300)].map((text) => Buffer.from(text));
  const stream = Buffer.concat(messages.map(withLength));
  for (const size of [1, 2, 7, stream.length]) {
    const read = createMessageReader();
    const pieces = Array.from({ length: Math.ceil(stream.length / size) }, (_, index) =>
      stream.subarray(index * size, (index + 1) * size),
    );
    expect(pieces.flatMap(read).map(String)).toEqual(messages.map(String));
  }
});
