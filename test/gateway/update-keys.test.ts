import { describe, expect, it } from 'vitest';
import { encodeName, TYPE } from '../../src/dns/wire.ts';
import { VALUE } from '../support/cli.ts';
import { add, keyOf, type SendSettings, updateOf } from './update-client.ts';
import { ELSEWHERE, OWN, useUpdateGateway, WEB1 } from './update-support.ts';

const { gateway, send, writes } = useUpdateGateway();

describe('a key', () => {
  const update = () => updateOf([add(OWN, VALUE)]);
  it.each([
    ['that is not there', 'REFUSED', 'none', 'not signed with the key of a user', { key: undefined }],
    ['that nobody has', 'NOTAUTH', 17, undefined, { key: keyOf('nobody') }],
    ['with another algorithm', 'NOTAUTH', 17, undefined, { key: { ...WEB1, algorithm: 'hmac-sha512' as const } }],
    ['used from a network that is not its own', 'NOTAUTH', 17, undefined, { key: ELSEWHERE }],
    ['with a wrong secret', 'NOTAUTH', 16, undefined, { key: keyOf('web1', 'guess') }],
    ['for a message that was changed', 'NOTAUTH', 16, undefined, { spoil: flip }],
    ['by a clock that is six minutes ahead', 'NOTAUTH', 18, undefined, { clock: 360 }],
    ['by a clock that is six minutes behind', 'NOTAUTH', 18, undefined, { clock: -360 }],
    ['before another record', 'FORMERR', 'none', 'the signature', { spoil: withRecordAtTheEnd }],
    ['by a clock that is four minutes behind', 'NOERROR', 'good', undefined, { clock: -240 }],
  ])('%s', async (_, rcode, signature, reason, settings: Partial<SendSettings>) => {
    const before = writes();
    for (const transport of ['udp', 'tcp'] as const) {
      const answer = await send(update(), { ...settings, transport });
      expect(answer).toMatchObject({ rcode, signature, reason });
    }
    if (rcode !== 'NOERROR') expect(writes()).toBe(before);
  });

  it('is refused without a signature, but for the time that is wrong, and the log has a line', async () => {
    const wrong = await send(update(), { key: keyOf('web1', 'guess') });
    expect(wrong.message.additionals.at(-1)).toMatchObject({ name: 'web1', type: TYPE.TSIG });
    expect(wrong.message.additionals.at(-1)?.data.readUInt16BE(encodeName('hmac-sha256').length + 8)).toBe(0);
    expect(gateway.server?.stderr.join('')).toMatch(
      /serve: 127\.0\.0\.1 update _acme-challenge\.www\.example\.com NOTAUTH, BADSIG for the key web1\n/,
    );
  });
});

function flip(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  // In the name of the zone, which becomes that of another.
  changed.writeUInt8(changed.readUInt8(13) ^ 1, 13);
  return changed;
}

function withRecordAtTheEnd(bytes: Buffer): Buffer {
  const more = Buffer.concat([bytes, Buffer.from('00001000000000000000', 'hex'), Buffer.of(0)]);
  more.writeUInt16BE(more.readUInt16BE(10) + 1, 10);
  return more;
}
