import { beforeAll, describe, expect, it } from 'vitest';
import { CLASS, encodeTxt, OPCODE, type OutgoingRecord, TYPE } from '../../src/dns/wire.ts';
import { OTHER_VALUE, VALUE } from '../support/cli.ts';
import { add, clear, question, remove, request, updateOf } from './update-client.ts';
import { OTHERS, OWN, record, useUpdateGateway, WEB1, WEB2 } from './update-support.ts';

const { gateway, send, writes } = useUpdateGateway();

describe('a question', () => {
  const SOA = { type: TYPE.SOA, name: 'example.com', ttl: 60 };
  it.each([
    ['for the SOA of a zone', 'example.com', TYPE.SOA, 'NOERROR', [SOA], []],
    ['for the SOA of a name in a zone', OWN, TYPE.SOA, 'NOERROR', [], [SOA]],
    ['for the SOA of a name of somebody else', OTHERS, TYPE.SOA, 'NOERROR', [], [SOA]],
    ['for the SOA of a name that nobody has', 'a.b.example.com', TYPE.SOA, 'NOERROR', [], [SOA]],
    ['for the SOA of a zone above', 'com', TYPE.SOA, 'REFUSED', [], []],
    ['for the SOA of the root', '', TYPE.SOA, 'REFUSED', [], []],
    ['for the SOA of another zone', 'example.net', TYPE.SOA, 'REFUSED', [], []],
  ])('%s, with and without a signature', async (_, name, type, rcode, answers, authorities) => {
    for (const [key, signature] of [
      [WEB1, 'good'],
      [undefined, 'none'],
    ] as const) {
      for (const transport of ['udp', 'tcp'] as const) {
        const answer = await send(question(name, type), { key, transport });
        expect(answer).toMatchObject({ rcode, signature, message: { answers, authorities } });
        expect((answer.message.flags & 0x0400) !== 0).toBe(rcode === 'NOERROR');
      }
    }
  });

  it.each([
    ['for TXT of somebody else', OTHERS, TYPE.TXT],
    ['for TXT of a name that nobody has', '_acme-challenge.nobody.example.com', TYPE.TXT],
    ['for TXT of a name that is no challenge', 'www.example.com', TYPE.TXT],
    ['for A', OWN, TYPE.A],
    ['for everything', 'example.com', TYPE.ANY],
    ['for the transfer of the zone', 'example.com', 252],
    ['of the class CH', 'version.bind', TYPE.TXT],
  ])('%s is refused', async (_, name, type) => {
    const klass = name === 'version.bind' ? 3 : CLASS.IN;
    const message = request({ questions: [{ name, type, class: klass }] }, OPCODE.QUERY);
    expect(await send(message)).toMatchObject({ rcode: 'REFUSED', signature: 'good', message: { answers: [] } });
    expect(await send(message, { key: undefined })).toMatchObject({ rcode: 'REFUSED', signature: 'none' });
  });

  it('for TXT is answered by the provider, to those who may write the name', async () => {
    const name = '_acme-challenge.texts.www.example.com';
    expect(await send(question(name, TYPE.TXT))).toMatchObject({
      rcode: 'NOERROR',
      signature: 'good',
      message: { answers: [], authorities: [SOA] },
    });
    gateway.panels.ispconfig.plant({ name: `${name}.`, data: OTHER_VALUE });
    const there = await send(question(name, TYPE.TXT));
    expect(there.message.answers).toMatchObject([{ name, type: TYPE.TXT, data: encodeTxt(OTHER_VALUE) }]);
    expect(await send(question(name, TYPE.TXT), { key: undefined })).toMatchObject({ rcode: 'REFUSED' });
    expect(await send(question(name, TYPE.TXT), { key: WEB2 })).toMatchObject({ rcode: 'REFUSED' });
  });

  it('whose answer is too long for UDP is asked again over TCP', async () => {
    const name = '_acme-challenge.many.www.example.com';
    const values = Array.from({ length: 20 }, (_, nth) => `${nth}`.padStart(43, 'v'));
    for (const data of values) gateway.panels.ispconfig.plant({ name: `${name}.`, data });
    const short = await send(question(name, TYPE.TXT), { transport: 'udp' });
    expect(short).toMatchObject({ rcode: 'NOERROR', signature: 'good', message: { answers: [] } });
    expect((short.message.flags & 0x0200) !== 0).toBe(true);
    expect((await send(question(name, TYPE.TXT))).message.answers).toHaveLength(20);
  });
});

describe('prerequisites', () => {
  const FULL = '_acme-challenge.full.www.example.com';
  const EMPTY = '_acme-challenge.empty.www.example.com';
  const none = (name: string, type: number = TYPE.TXT) => ({ ...clear(name, type), class: CLASS.NONE });
  const is = (name: string, value: string) => ({ ...add(name, value), ttl: 0 });
  const TWO = '_acme-challenge.two.www.example.com';
  beforeAll(() => {
    const plant = (name: string, data: string) => gateway.panels.ispconfig.plant({ name: `${name}.`, data });
    plant(FULL, OTHER_VALUE);
    plant(TWO, OTHER_VALUE);
    plant(TWO, VALUE);
  });

  it.each<[string, OutgoingRecord[], string]>([
    ['that an RRset is there', [clear(FULL)], 'NOERROR'],
    ['that an RRset is there, but it is not', [clear(EMPTY)], 'NXRRSET'],
    ['that an RRset is not there', [none(EMPTY)], 'NOERROR'],
    ['that an RRset is not there, but it is', [none(FULL)], 'YXRRSET'],
    ['that a name is in use', [clear(FULL, TYPE.ANY)], 'NOERROR'],
    ['that a name is in use, but it is not', [clear(EMPTY, TYPE.ANY)], 'NXDOMAIN'],
    ['that a name is not in use', [none(EMPTY, TYPE.ANY)], 'NOERROR'],
    ['that a name is not in use, but it is', [none(FULL, TYPE.ANY)], 'YXDOMAIN'],
    ['that an RRset has exactly this value', [is(FULL, OTHER_VALUE)], 'NOERROR'],
    ['that an RRset has exactly another value', [is(FULL, VALUE)], 'NXRRSET'],
    ['that an RRset has one more value', [is(FULL, OTHER_VALUE), is(FULL, VALUE)], 'NXRRSET'],
    ['that an RRset has exactly two values', [is(TWO, VALUE), is(TWO, OTHER_VALUE)], 'NOERROR'],
    ['that an RRset has one of its values', [is(TWO, VALUE)], 'NXRRSET'],
    ['that there is no CNAME', [none(FULL, TYPE.CNAME), none(EMPTY, TYPE.CNAME)], 'NOERROR'],
    ['that there is a CNAME', [clear(EMPTY, TYPE.CNAME)], 'NXRRSET'],
    ['that the zone is there', [clear('example.com', TYPE.SOA), clear('example.com', TYPE.ANY)], 'NOERROR'],
    ['that the zone is not there', [none('example.com', TYPE.SOA)], 'YXRRSET'],
    ['about an A record', [clear(FULL, TYPE.A)], 'REFUSED'],
    ['that an A record is this one', [{ ...record(FULL, TYPE.A), ttl: 0 }], 'REFUSED'],
    ['about a name of somebody else', [clear(OTHERS)], 'REFUSED'],
    ['about a name that nobody has', [none('_acme-challenge.nobody.example.com')], 'REFUSED'],
    ['about a name that is no challenge', [none('www.example.com', TYPE.ANY)], 'REFUSED'],
    ['with a TTL', [{ ...clear(FULL), ttl: 1 }], 'FORMERR'],
    ['with a class that is unknown', [{ ...clear(FULL), class: 4 }], 'FORMERR'],
    ['with data that they may not have', [{ ...clear(FULL), data: encodeTxt(VALUE) }], 'FORMERR'],
  ])('%s', async (_, answers, rcode) => {
    const before = writes();
    const answer = await send(updateOf([remove(EMPTY, VALUE), add(EMPTY, VALUE)], { answers }));
    expect(answer).toMatchObject({ rcode, signature: 'good' });
    expect(writes() > before).toBe(rcode === 'NOERROR');
    if (rcode === 'NOERROR') await send(updateOf([remove(EMPTY, VALUE)]));
  });
});
