import { describe, expect, it } from 'vitest';
import { ALGORITHMS, sign, type TsigKey, verify } from '../../src/dns/wire-tsig.ts';
import { VECTORS } from './vectors.ts';

const SIGNED_AT = 1_700_000_000;
const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');

function keyOf(algorithm: TsigKey['algorithm']): TsigKey {
  const length = Number(algorithm.slice('hmac-sha'.length)) / 8;
  return { name: 'update.key', algorithm, secret: Buffer.from(Array.from({ length }, (_, index) => index)) };
}

describe.each(ALGORITHMS)('a signature with %s', (algorithm) => {
  const key = keyOf(algorithm);
  const { plain, request, response } = VECTORS[algorithm];
  const { mac } = sign(bytes(plain), key, SIGNED_AT);
  const check = (answer: string, now = SIGNED_AT) => verify(bytes(answer), key, mac, now);

  it('is byte for byte that of another implementation', () => {
    expect(sign(bytes(plain), key, SIGNED_AT).bytes.toString('hex')).toBe(request);
  });

  it('of an answer is believed', () => {
    expect(check(response)).toEqual({ kind: 'good' });
  });

  it('counts five minutes and no longer', () => {
    expect(check(response, SIGNED_AT + 303)).toEqual({ kind: 'good' });
    expect(check(response, SIGNED_AT + 304)).toMatchObject({ kind: 'bad', why: expect.stringContaining('time') });
    expect(check(response, SIGNED_AT - 298)).toMatchObject({ kind: 'bad' });
  });

  it('is worth nothing after any bit of the answer has changed', () => {
    const changed = Array.from({ length: response.length / 2 }, (_, at) => {
      const spoiled = bytes(response);
      spoiled.writeUInt8(spoiled.readUInt8(at) ^ 1, at);
      return { at, spoiled };
    });
    for (const { at, spoiled } of changed) {
      // The ID is not signed but the one kept in the signature; who asked compares it.
      if (at < 2) continue;
      expect(verdictOf(spoiled), `byte ${at}`).not.toBe('good');
    }
  });

  it('is worth nothing for another question', () => {
    const { mac: another } = sign(bytes(plain), key, SIGNED_AT + 1);
    expect(verify(bytes(response), key, another, SIGNED_AT)).toMatchObject({ kind: 'bad' });
  });

  it('is worth nothing with another secret', () => {
    const secret = Buffer.from(key.secret).fill(0xff);
    expect(verify(bytes(response), { ...key, secret }, mac, SIGNED_AT)).toMatchObject({ kind: 'bad' });
  });

  it('is worth nothing when it is cut off', () => {
    const [head = '', tail = ''] = [response.slice(0, -32), response.slice(-12)];
    expect(verdictOf(bytes(head + tail))).not.toBe('good');
  });

  it('is missed where there is none', () => {
    expect(check(plain)).toEqual({ kind: 'unsigned' });
  });

  function verdictOf(answer: Buffer): string {
    try {
      return verify(answer, key, mac, SIGNED_AT).kind;
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError);
      return 'unreadable';
    }
  }
});

it('has nothing to do with another key of the same secret', () => {
  const key = keyOf('hmac-sha256');
  const { mac } = sign(bytes(VECTORS['hmac-sha256'].plain), key, SIGNED_AT);
  const renamed = { ...key, name: 'another.key' };
  expect(verify(bytes(VECTORS['hmac-sha256'].response), renamed, mac, SIGNED_AT)).toEqual({
    kind: 'bad',
    why: 'it is signed with another key',
  });
});
