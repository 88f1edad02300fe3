import * as dnsPacket from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answersFor, decodeAnswer, encodeQuery, type Question, readSoa } from '../../src/dns/message.ts';
import { normaliseName, parseName } from '../../src/names.ts';
import { VALUE } from './support.ts';

const QUESTION: Question = { name: normaliseName('_acme-challenge.example.com'), type: 'TXT' };
const QUERY = encodeQuery(QUESTION, { recursive: false, edns: true });
const ID = QUERY.readUInt16BE(0);

const { AUTHORITATIVE_ANSWER, TRUNCATED_RESPONSE } = dnsPacket;

/** An answer to the question, unless told otherwise. */
function answer(fields: Partial<dnsPacket.Packet> = {}): Buffer {
  return dnsPacket.encode({ type: 'response', id: ID, questions: [QUESTION], ...fields });
}

const text = (data: dnsPacket.TxtData): dnsPacket.Answer => ({ type: 'TXT', name: QUESTION.name, ttl: 60, data });
const read = (bytes: Buffer) => decodeAnswer(bytes, QUERY, QUESTION);

describe('encodeQuery', () => {
  it.each([true, false])('asks one question, recursion desired: %s', (recursive) => {
    const query = dnsPacket.decode(encodeQuery(QUESTION, { recursive, edns: true }));
    expect(query).toMatchObject({ type: 'query', flag_rd: recursive, questions: [QUESTION] });
  });

  it('names a UDP size that is not fragmented, where EDNS is wanted', () => {
    const additionals = (edns: boolean) =>
      dnsPacket.decode(encodeQuery(QUESTION, { recursive: false, edns })).additionals;
    expect(additionals(true)).toMatchObject([{ type: 'OPT', udpPayloadSize: 1232 }]);
    expect(additionals(false)).toEqual([]);
  });

  it('takes another id every time', () => {
    const ids = Array.from({ length: 50 }, () =>
      encodeQuery(QUESTION, { recursive: false, edns: true }).readUInt16BE(0),
    );
    expect(new Set(ids).size).toBeGreaterThan(40);
  });

  it('can ask about every name that an answer may bring and that is a domain name', () => {
    const names = fc.oneof(fc.domain(), fc.string({ unit: 'binary', maxLength: 300 }));
    fc.assert(
      fc.property(names, (text) => {
        const name = parseName(text);
        if (name === undefined) return;
        const query = encodeQuery({ name, type: 'A' }, { recursive: true, edns: true });
        expect(dnsPacket.decode(query).questions).toMatchObject([{ name, type: 'A' }]);
      }),
    );
  });
});

describe('decodeAnswer', () => {
  it('joins the strings of a TXT record, and keeps records apart', () => {
    const answers = [text(['abc', 'def']), text(VALUE)];
    expect(read(answer({ answers }))?.answers.map(({ data }) => data)).toEqual(['abcdef', VALUE]);
  });

  it('reads names in any letter case, in lower case', () => {
    const name = '_ACME-challenge.EXAMPLE.com';
    const message = read(
      answer({
        questions: [{ name, type: 'TXT' }],
        answers: [{ type: 'CNAME', name, data: 'Target.Example.NET' }],
        authorities: [{ type: 'NS', name: 'EXAMPLE.com', data: 'NS1.example.com' }],
        additionals: [
          { type: 'A', name: 'NS1.example.com', data: '192.0.2.1' },
          { type: 'AAAA', name: 'NS1.example.com', data: '2001:db8::1' },
        ],
      }),
    );
    expect(message?.answers).toEqual([{ name: QUESTION.name, type: 'CNAME', data: 'target.example.net', ttl: 0 }]);
    expect(message?.authorities).toEqual([{ name: 'example.com', type: 'NS', data: 'ns1.example.com', ttl: 0 }]);
    expect(message?.additionals.map(({ data }) => data)).toEqual(['192.0.2.1', '2001:db8::1']);
  });

  it('keeps the letter case of a value', () => {
    expect(read(answer({ answers: [text('aBc')] }))?.answers[0]?.data).toBe('aBc');
  });

  it('reads an SOA whole, and leaves out what nobody here needs', () => {
    const soa = {
      type: 'SOA',
      name: 'example.com',
      ttl: 300,
      data: {
        mname: 'NS.example.com',
        rname: 'x.example.com',
        serial: 7,
        refresh: 1,
        retry: 2,
        expire: 3,
        minimum: 60,
      },
    } as const;
    const mx = { type: 'MX', name: 'example.com', data: { exchange: 'mail.example.com' } } as const;
    const found = read(answer({ authorities: [mx, soa] }))?.authorities ?? [];
    expect(found).toEqual([
      { name: 'example.com', type: 'SOA', data: 'ns.example.com x.example.com 7 1 2 3 60', ttl: 300 },
    ]);
    expect(found.map(readSoa)).toEqual([{ serial: 7, negativeTtlS: 60 }]);
    expect(found.map((record) => readSoa({ ...record, ttl: 30 }))).toEqual([{ serial: 7, negativeTtlS: 30 }]);
  });

  it.each([
    [0, { rcode: 'NOERROR', authoritative: false, truncated: false }],
    [AUTHORITATIVE_ANSWER | 3, { rcode: 'NXDOMAIN', authoritative: true, truncated: false }],
    [TRUNCATED_RESPONSE | 5, { rcode: 'REFUSED', authoritative: false, truncated: true }],
  ])('reads the flags %i', (flags, expected) => {
    expect(read(answer({ flags }))).toMatchObject(expected);
  });

  it('knows a truncated answer that ends in the middle of a record', () => {
    const whole = answer({ flags: TRUNCATED_RESPONSE, answers: [text(VALUE)] });
    expect(read(whole.subarray(0, -10))).toMatchObject({ truncated: true, answers: [] });
  });

  it.each([
    ['has another id', answer({ id: (ID + 1) % 0x10000 })],
    ['is a question itself', answer({ type: 'query' })],
    ['answers for another name', answer({ questions: [{ ...QUESTION, name: 'example.com' }] })],
    ['answers for another type', answer({ questions: [{ ...QUESTION, type: 'A' }] })],
    ['answers without saying what', answer({ questions: [] })],
    ['is cut off', answer({ answers: [text(VALUE)] }).subarray(0, -5)],
    ['is shorter than a header', answer().subarray(0, 11)],
    ['is empty', Buffer.alloc(0)],
  ])('is no answer when it %s', (_, bytes) => {
    expect(read(bytes)).toBeUndefined();
  });

  it('is an answer when a server that knows no EDNS sends back a header alone', () => {
    expect(read(answer({ questions: [], flags: 1 }))).toMatchObject({ rcode: 'FORMERR' });
  });

  describe('never crashes nor hangs', () => {
    it('on random bytes', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
          read(Buffer.from(bytes));
        }),
        { numRuns: 500 },
      );
    });

    it('on random bytes behind a header that fits', () => {
      const counts = fc.tuple(fc.nat(0xffff), fc.nat(0xffff), fc.nat(0xffff));
      fc.assert(
        fc.property(counts, fc.uint8Array({ maxLength: 600 }), ([answers, authorities, additionals], bytes) => {
          const head = answer();
          head.writeUInt16BE(answers, 6);
          head.writeUInt16BE(authorities, 8);
          head.writeUInt16BE(additionals, 10);
          read(Buffer.concat([head, bytes]));
        }),
        { numRuns: 500 },
      );
    });

    it('on an answer with some bytes changed', () => {
      const whole = answer({
        answers: [text([VALUE, VALUE]), { type: 'CNAME', name: QUESTION.name, data: 'x.example.net' }],
        authorities: [{ type: 'SOA', name: 'example.com', data: { mname: 'ns.example.com', rname: 'x.example.com' } }],
        additionals: [{ type: 'AAAA', name: 'ns.example.com', data: '2001:db8::1' }],
      });
      const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
      fc.assert(
        fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), fc.nat(whole.length), (changes, length) => {
          const bytes = Buffer.from(whole);
          for (const [at, byte] of changes) bytes[at] = byte;
          read(bytes.subarray(0, length));
        }),
        { numRuns: 1000 },
      );
    });

    it('on a record of every type with any data', () => {
      fc.assert(
        fc.property(fc.nat(0xffff), fc.uint8Array({ maxLength: 100 }), (type, data) => {
          const record = Buffer.alloc(11);
          record.writeUInt16BE(type % 300, 1);
          record.writeUInt16BE(data.length, 9);
          const bytes = Buffer.concat([answer(), record, data]);
          bytes.writeUInt16BE(1, 6);
          read(bytes);
        }),
        { numRuns: 1000 },
      );
    });

    it.each([
      ['to itself', [0xc0, 12]],
      ['forwards', [0xc0, 40]],
      ['to and fro', [0xc0, 14, 0xc0, 12]],
      ['behind the end', [0xff, 0xff]],
    ])('on a name that points %s', (_, name) => {
      const head = Buffer.alloc(12);
      head.writeUInt16BE(ID, 0);
      head.writeUInt16BE(0x8000, 2);
      head.writeUInt16BE(1, 4);
      expect(read(Buffer.concat([head, Buffer.from(name), Buffer.alloc(30)]))).toBeUndefined();
    });

    it.each([
      ['100 pointers, on hundreds of names', 100, 500],
      ['8000 pointers, which is no name', 8000, undefined],
    ])('on a long way of %s', (_, length, records) => {
      const head = answer();
      const pointers = Array.from({ length }, (__, index) => 0xc000 + (index === 0 ? 12 : head.length + 9 + 2 * index));
      const chain = Buffer.alloc(2 * pointers.length);
      for (const [index, pointer] of pointers.entries()) chain.writeUInt16BE(pointer, 2 * index);
      const holder = Buffer.from([0, 0, 10, 0, 1, 0, 0, 0, 0, 0, 0]);
      holder.writeUInt16BE(chain.length, 9);
      const last = head.length + holder.length + chain.length - 2;
      const record = Buffer.from([0xc0 | (last >> 8), last & 0xff, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);
      const bytes = Buffer.concat([head, holder, chain, ...Array<Buffer>(500).fill(record)]);
      bytes.writeUInt16BE(501, 6);
      expect(read(bytes)?.answers.length).toBe(records);
    });
  });
});

describe('answersFor', () => {
  const cname = (name: string, data: string) => ({ type: 'CNAME', name, data }) as const;
  const txt = (name: string, data: string) => ({ type: 'TXT', name, data }) as const;
  const valuesIn = (...answers: dnsPacket.Answer[]) => {
    const message = read(answer({ answers }));
    return message && answersFor(message, QUESTION).map(({ data }) => data);
  };

  it('counts what stands at the name', () => {
    expect(valuesIn(txt(QUESTION.name, 'one'), txt(QUESTION.name, 'two'))).toEqual(['one', 'two']);
  });

  it('counts what stands at the end of the CNAMEs, in whatever order they come', () => {
    const chain = [txt('c.test', 'end'), cname('b.test', 'c.test'), cname(QUESTION.name, 'B.test')];
    expect(valuesIn(...chain)).toEqual(['end']);
  });

  it.each([
    ['at another name', [txt('other.example.com', 'x')]],
    ['in the middle of the chain', [cname(QUESTION.name, 'b.test'), cname('b.test', 'c.test'), txt('b.test', 'x')]],
    ['beside a CNAME', [cname(QUESTION.name, 'b.test'), txt(QUESTION.name, 'x')]],
    ['behind a CNAME of another name', [cname('other.example.com', 'b.test'), txt('b.test', 'x')]],
  ])('counts nothing %s', (_, answers) => {
    expect(valuesIn(...answers)).toEqual([]);
  });

  it('ends where CNAMEs go round in a circle', () => {
    expect(valuesIn(cname(QUESTION.name, 'b.test'), cname('b.test', QUESTION.name))).toEqual([]);
  });
});
