import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as dnsPacket from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ServedZone } from '../../../providers/embedded/answer.ts';
import { startNameserver } from '../../../providers/embedded/nameserver.ts';
import { query as ask } from '../../../src/dns/query.ts';
import { normaliseName } from '../../../src/names.ts';
import { HAS_IPV6 } from '../../dns/support.ts';
import { type Answer, openTcp, overTcp, overUdp, query, serveExample, withLength } from './support.ts';

const NAME = normaliseName('_acme-challenge.example.com');
const DEEP = '_acme-challenge.www.shop.example.com';
const PATIENT = { recursive: false, timeoutMs: 5000 };
const { RECURSION_DESIRED, RECURSION_AVAILABLE } = dnsPacket;

const record = (name: string, value: string) => ({ name, value, ttl: 60 });
const opt = (udpPayloadSize: number): dnsPacket.Answer => ({
  type: 'OPT',
  name: '.',
  udpPayloadSize,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
});

/** An answer as dig would print it. */
function lines(records: readonly dnsPacket.Answer[] | undefined): string[] {
  return (records ?? []).map((each) => {
    const data = 'data' in each ? each.data : '';
    if (each.type === 'SOA') return `${each.name} SOA ${each.data.mname} ${each.data.serial} ${each.data.minimum}`;
    return `${each.name} ${each.type} ${each.type === 'TXT' ? (data as Buffer[]).map(String).join('|') : String(data)}`;
  });
}

const SOA_LINE = 'example.com SOA ns1.example.net 7 5';

/** The server lives as long as it answers this. */
async function expectAlive(server: Parameters<typeof overUdp>[0]): Promise<void> {
  expect((await overUdp(server, query({ qtype: 'SOA' }))).rcode).toBe('NOERROR');
}

describe('the name server', () => {
  it.each([
    { qtype: 'SOA', name: 'example.com', answers: [SOA_LINE] },
    { qtype: 'NS', name: 'example.com', answers: ['example.com NS ns1.example.net', 'example.com NS ns2.example.net'] },
    { qtype: 'TXT', name: 'example.com', answers: ['example.com TXT apex'] },
    { qtype: 'TXT', name: NAME, answers: [`${NAME} TXT below`] },
    { qtype: 'TXT', name: DEEP, answers: [`${DEEP} TXT deep`] },
  ] as const)('answers $qtype at $name', async ({ qtype, name, answers }) => {
    const { server, records } = await serveExample();
    await records.add(record('example.com', 'apex'));
    await records.add(record(NAME, 'below'));
    await records.add(record(DEEP, 'deep'));
    const answer = await overUdp(server, query({ name, qtype }));
    expect(answer).toMatchObject({ id: 4711, type: 'response', rcode: 'NOERROR', flag_aa: true, flag_tc: false });
    expect(lines(answer.answers)).toEqual(answers);
    expect(answer.authorities).toEqual([]);
  });

  it.each([
    ['a name that is not there', `nothing.${NAME}`, 'TXT', 'NXDOMAIN'],
    ['a name beside one that is', '_acme-challenge.ww.shop.example.com', 'TXT', 'NXDOMAIN'],
    ['another type at a name that is there', NAME, 'A', 'NOERROR'],
    ['another type at the top', 'example.com', 'AAAA', 'NOERROR'],
    ['an empty name above another', 'shop.example.com', 'TXT', 'NOERROR'],
    ['a server of the zone, which is somewhere', 'ns.in.example.com', 'A', 'NOERROR'],
  ] as const)('denies with AA and the SOA: %s', async (_, name, qtype, rcode) => {
    const zones = async (): Promise<ServedZone[]> => [
      {
        name: normaliseName('example.com'),
        ns: ['ns1.example.net', 'ns.in.example.com'].map(normaliseName),
        serial: 7,
        records: [record(NAME, 'x'), record(DEEP, 'x')],
      },
    ];
    const { server } = await serveExample({ zones });
    const answer = await overUdp(server, query({ name, qtype }));
    expect(answer).toMatchObject({ rcode, flag_aa: true, answers: [] });
    expect(lines(answer.authorities)).toEqual([SOA_LINE]);
    expect(answer.authorities?.[0]).toMatchObject({ ttl: 5 });
  });

  it('answers from the nearest of its zones, and knows that names above one exist', async () => {
    const zone = (name: string): ServedZone => ({
      name: normaliseName(name),
      ns: [normaliseName(`ns.${name}`)],
      serial: 1,
      records: [record(`x.${name}`, name)],
    });
    const zones = async () => [zone('example.com'), zone('a.b.example.com')];
    const { server } = await serveExample({ zones });
    const inner = await overUdp(server, query({ name: 'x.a.b.example.com' }));
    expect(lines(inner.answers)).toEqual(['x.a.b.example.com TXT a.b.example.com']);
    expect(await overUdp(server, query({ name: 'b.example.com' }))).toMatchObject({ rcode: 'NOERROR', answers: [] });
  });

  it.each(['example.net', 'com', '.', 'notexample.com'])('refuses %s without AA', async (name) => {
    const { server } = await serveExample();
    expect(await overUdp(server, query({ name }))).toMatchObject({ rcode: 'REFUSED', flag_aa: false, answers: [] });
  });

  it('gives back the question in the letter case that it came in', async () => {
    const { server, records } = await serveExample();
    await records.add(record(NAME, 'x'));
    const name = '_AcMe-ChAlLeNgE.eXample.COM';
    const answer = await overUdp(server, query({ name }));
    expect(answer.questions).toMatchObject([{ name, type: 'TXT', class: 'IN' }]);
    expect(lines(answer.answers)).toEqual([`${name} TXT x`]);
  });

  it('gives the TTL of the record, and a long value in pieces', async () => {
    const { server, records } = await serveExample();
    await records.add({ name: NAME, value: 'x'.repeat(300), ttl: 42 });
    const { answers } = await overUdp(server, query({ name: NAME, additionals: [opt(1232)] }));
    expect(answers?.[0]).toMatchObject({ ttl: 42 });
    expect(lines(answers)).toEqual([`${NAME} TXT ${'x'.repeat(255)}|${'x'.repeat(45)}`]);
  });

  it('gives everything to ANY', async () => {
    const { server, records } = await serveExample();
    await records.add(record('example.com', 'apex'));
    const { answers } = await overUdp(server, query({ qtype: 'ANY' as dnsPacket.RecordType }));
    expect(answers?.map(({ type }) => type)).toEqual(['SOA', 'NS', 'NS', 'TXT']);
  });

  it('repeats that recursion was desired, and never offers it', async () => {
    const { server } = await serveExample();
    const { flags = 0 } = await overUdp(server, query({ flags: RECURSION_DESIRED }));
    expect(flags & RECURSION_DESIRED).not.toBe(0);
    expect(flags & RECURSION_AVAILABLE).toBe(0);
    expect((await overUdp(server, query())).flag_rd).toBe(false);
  });

  it.each([
    ['another class', { questions: [{ name: 'example.com', type: 'TXT', class: 'CH' }] }, 'REFUSED'],
    ['no question', { questions: [] }, 'FORMERR'],
    [
      'two questions',
      {
        questions: [
          { name: 'a.example.com', type: 'A' },
          { name: 'b.example.com', type: 'A' },
        ],
      },
      'FORMERR',
    ],
    ['an update', { flags: 5 << 11 }, 'NOTIMP'],
    ['a notify', { flags: 4 << 11 }, 'NOTIMP'],
  ] as const)('says what it does not do: %s', async (_, packet, rcode) => {
    const { server } = await serveExample();
    const answer = await overUdp(server, query(packet as dnsPacket.Packet));
    expect(answer).toMatchObject({ id: 4711, rcode, flag_aa: false });
  });

  it('speaks EDNS with those who do', async () => {
    const { server } = await serveExample();
    const { additionals } = await overUdp(server, query({ additionals: [opt(4096)] }));
    expect(additionals).toMatchObject([{ type: 'OPT', udpPayloadSize: 1232, extendedRcode: 0, ednsVersion: 0 }]);
    expect((await overUdp(server, query())).additionals).toEqual([]);
  });

  describe('where the answer is large', () => {
    async function serveMany(count: number) {
      const values = Array.from({ length: count }, (_, index) => `value-${index}-${'x'.repeat(30)}`);
      const zones = async () => [
        {
          name: normaliseName('example.com'),
          ns: [normaliseName('ns.test')],
          serial: 1,
          records: values.map((value) => record(NAME, value)),
        },
      ];
      return { ...(await serveExample({ zones })), values };
    }

    it('truncates it over UDP, and gives all of it over TCP', async () => {
      const { server, values } = await serveMany(20);
      const short = await overUdp(server, query({ name: NAME, additionals: [opt(4096)] }));
      expect(short).toMatchObject({ flag_tc: true, flag_aa: true, answers: [], additionals: [{ type: 'OPT' }] });
      const [whole] = await overTcp(server, withLength(query({ name: NAME })));
      expect(whole?.flag_tc).toBe(false);
      expect(lines(whole?.answers)).toEqual(values.map((value) => `${NAME} TXT ${value}`));
    });

    it('is read whole by our own questions', async () => {
      const { server, values } = await serveMany(20);
      const reply = await ask(server, { name: NAME, type: 'TXT' }, PATIENT);
      expect(reply.kind === 'answer' && reply.message.answers.map(({ data }) => data)).toEqual(values);
    });

    it.each([
      { asker: 'without EDNS', size: undefined, count: 8, truncated: true },
      { asker: 'with 512', size: 512, count: 8, truncated: true },
      { asker: 'with enough', size: 1232, count: 8, truncated: false },
      { asker: 'with less than every asker must take', size: 100, count: 3, truncated: false },
    ])('fits into what the asker takes: $asker', async ({ size, count, truncated }) => {
      const { server } = await serveMany(count);
      const answer = await overUdp(server, query({ name: NAME, additionals: size === undefined ? [] : [opt(size)] }));
      expect(answer.flag_tc).toBe(truncated);
      expect(answer.answers).toHaveLength(truncated ? 0 : count);
    });

    it('says so where not even TCP can carry it, and lives on', async () => {
      const { server } = await serveMany(1200);
      expect(await overTcp(server, withLength(query({ name: NAME })))).toMatchObject([{ flag_tc: true, answers: [] }]);
      await expectAlive(server);
    });
  });

  describe('over TCP', () => {
    const names = ['a.example.com', NAME, 'b.example.com', 'example.net'];
    const questions = names.map((name, id) => withLength(query({ id, name })));
    const summary = (answers: readonly Answer[]) => answers.map(({ id, rcode }) => [id, rcode]);
    const expected = [
      [0, 'NXDOMAIN'],
      [1, 'NOERROR'],
      [2, 'NXDOMAIN'],
      [3, 'REFUSED'],
    ];

    it('answers several questions on one connection, also to who says no more', async () => {
      const { server, records } = await serveExample();
      await records.add(record(NAME, 'x'));
      expect(summary(await overTcp(server, Buffer.concat(questions)))).toEqual(expected);
    });

    it('takes them byte by byte', async () => {
      const { server, records } = await serveExample();
      await records.add(record(NAME, 'x'));
      const bytes = [...Buffer.concat(questions)].map((byte) => Buffer.from([byte]));
      expect(summary(await overTcp(server, ...bytes))).toEqual(expected);
    });

    it('waits for the next question', async () => {
      const { server } = await serveExample();
      const socket = await openTcp(server);
      for (let round = 0; round < 3; round++) {
        const answered = once(socket, 'data');
        socket.write(withLength(query({ id: round })));
        const [bytes] = (await answered) as [Buffer];
        expect(bytes.readUInt16BE(2)).toBe(round);
      }
      socket.destroy();
    });

    it.each([
      ['nonsense', withLength(Buffer.from('this is not a question'))],
      ['an answer', withLength(query({ type: 'response' }))],
      ['an empty message', withLength(Buffer.alloc(0))],
    ])('closes the connection after %s', async (_, bytes) => {
      const { server, faults } = await serveExample();
      const socket = await openTcp(server);
      const closed = once(socket, 'close');
      socket.on('error', () => {});
      socket.resume().write(bytes);
      await closed;
      await expectAlive(server);
      expect(faults).toEqual([]);
    });

    it('reads no more questions from who does not take the answers', async () => {
      let asked = 0;
      const many = Array.from({ length: 500 }, (_, index) => record(NAME, `value-${index}-${'x'.repeat(40)}`));
      const zones = async () => {
        asked++;
        return [{ name: normaliseName('example.com'), ns: [normaliseName('ns.test')], serial: 1, records: many }];
      };
      const { server } = await serveExample({ zones });
      const socket = await openTcp(server);
      socket.pause();
      const flood = Buffer.concat(Array<Buffer>(3000).fill(withLength(query({ name: NAME }))));
      socket.write(flood);
      // It answers until the buffers on the way are full, and stands still then.
      let before = -1;
      await expect
        .poll(
          () => {
            const still = asked === before;
            before = asked;
            return still;
          },
          { interval: 100 },
        )
        .toBe(true);
      expect(asked).toBeLessThan(3000);
      socket.destroy();
    });
  });

  it('serves a change at once', async () => {
    const { server, records } = await serveExample();
    const values = async () => lines((await overUdp(server, query({ name: NAME }))).answers);
    expect(await values()).toEqual([]);
    await records.add(record(NAME, 'one'));
    expect(await values()).toEqual([`${NAME} TXT one`]);
    await records.add(record(NAME, 'two'));
    expect((await values()).sort()).toEqual([`${NAME} TXT one`, `${NAME} TXT two`]);
    await records.remove(NAME, 'one');
    expect(await values()).toEqual([`${NAME} TXT two`]);
  });

  it.skipIf(!HAS_IPV6)('listens on IPv6', async () => {
    const { server } = await serveExample({ address: '::1' });
    await expectAlive(server);
    expect(await overTcp(server, withLength(query({ qtype: 'SOA' })))).toHaveLength(1);
  });

  it('answers no answers', async () => {
    const { server } = await serveExample();
    const socket = createSocket('udp4');
    const heard: number[] = [];
    socket.on('message', (bytes) => void heard.push(bytes.readUInt16BE(0)));
    const send = (bytes: Buffer) => socket.send(bytes, server.port, server.address);
    // The one server handles one asker's packets in their order: when the second is answered, the first will not be.
    send(query({ id: 1, type: 'response' }));
    send(query({ id: 2 }));
    await expect.poll(() => heard).toEqual([2]);
    socket.close();
  });

  it('is not killed by nonsense', async () => {
    const { server, faults } = await serveExample();
    const socket = createSocket('udp4');
    const send = async (bytes: Uint8Array) => {
      socket.send(bytes, server.port, server.address);
      // The server reads meanwhile: else its buffer overflows, and it hears nothing.
      await nextTurn();
    };
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), send), { numRuns: 200 });
    const whole = query({ name: NAME, additionals: [opt(1232)] });
    const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(changes, async (list) => {
        const bytes = Buffer.from(whole);
        for (const [at, byte] of list) bytes[at] = byte;
        await send(bytes);
      }),
      { numRuns: 300 },
    );
    socket.close();
    await expectAlive(server);
    expect(faults).toEqual([]);
  });

  it('answers every type and class there may be', async () => {
    const { server, faults } = await serveExample();
    const number = fc.nat(0xffff);
    const ask = fc.asyncProperty(number, number, async (type, ofClass) => {
      const bytes = query();
      bytes.writeUInt16BE(type, bytes.length - 4);
      bytes.writeUInt16BE(ofClass, bytes.length - 2);
      expect((await overUdp(server, bytes)).id).toBe(4711);
    });
    await fc.assert(ask, {
      numRuns: 100,
      examples: [
        [0, 0],
        [255, 255],
        [65_280, 1],
        [1, 254],
        [41, 1],
      ],
    });
    expect(faults).toEqual([]);
  });

  it('says SERVFAIL, and tells, where its records cannot be read', async () => {
    const broken = new Error('the disk is gone');
    const { server, faults } = await serveExample({ zones: () => Promise.reject(broken) });
    expect(await overUdp(server, query())).toMatchObject({ rcode: 'SERVFAIL', flag_aa: false });
    expect(faults).toEqual([broken]);
  });

  it('can be closed while it answers', async () => {
    const waiting: (() => void)[] = [];
    const zones = async (): Promise<ServedZone[]> => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return [];
    };
    const server = await startNameserver({ address: '127.0.0.1', port: 0, zones, failed: () => {} });
    const udp = createSocket('udp4');
    udp.send(query(), server.port, server.address);
    const tcp = await openTcp(server);
    tcp.on('error', () => {}).write(withLength(query()));
    await expect.poll(() => waiting.length).toBe(2);
    await server.close();
    for (const go of waiting) go();
    await nextTurn();
    udp.close();
    tcp.destroy();
  });

  it('does not start where another one listens, and leaves nothing open', async () => {
    const { server } = await serveExample();
    const again = startNameserver({ address: '127.0.0.1', port: server.port, zones: async () => [], failed: () => {} });
    await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await expectAlive(server);
  });
});
