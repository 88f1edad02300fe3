import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeName, encodeTxt, FLAG, TYPE, uint16s, uint32s } from '../../src/dns/wire.ts';
import { type RawAnswer, type RawDns, type RawQuestion, record, soa, startRawDns } from './support/raw-dns.ts';
import { NAME, openScene, type Scene, VALUE } from './support/scene.ts';

/** Writes the microseconds of processor time that a run took. */
const CPU_HOOK = `process.once('exit', () => {
  const { user, system } = process.cpuUsage();
  require('node:fs').writeFileSync(process.env.CPU_FILE, String(user + system));
});`;
const OTHER = '_acme-challenge.other.example';

let here: Scene;
let dns: RawDns;
let answer: (question: RawQuestion, query: Buffer, transport: 'udp' | 'tcp') => RawAnswer;
beforeEach(async () => {
  here = await openScene();
  dns = await startRawDns((...asked) => answer(...asked));
});
afterEach(() => Promise.all([dns.close(), here.remove()]));

const configure = (servers: string) =>
  here.configure(`accounts: { it: { provider: embedded, zones: [example.com] } }
dns: { ${servers} }
propagation: { timeout: 3, interval: 0.1 }
`);
const WAIT = ['wait-txt', '--timeout', '6', NAME, VALUE];

describe('an answer of 64 KB', () => {
  /** A header that promises records, the question, and bytes up to the largest message. */
  const huge = (query: Buffer, count: number, fill: (start: number) => Buffer): Buffer => {
    const question = query.subarray(12, query.indexOf(0, 12) + 5);
    const head = Buffer.concat([
      query.subarray(0, 2),
      uint16s(FLAG.RESPONSE | FLAG.AUTHORITATIVE, 1, count, 0, 0),
      question,
    ]);
    return Buffer.concat([head, fill(head.length)]).subarray(0, 65_535);
  };
  const truncated = (query: Buffer): Buffer =>
    Buffer.concat([
      query.subarray(0, 2),
      uint16s(FLAG.RESPONSE | FLAG.TRUNCATED, 1, 0, 0, 0),
      query.subarray(12, query.indexOf(0, 12) + 5),
    ]);

  const chain = (start: number): Buffer => {
    // Each name is a label of one byte and a pointer to the one before: the last one has 127 hops.
    const parts: Buffer[] = [];
    let [at, target] = [start, 12];
    for (let nth = 0; at + 16 < 65_535; nth++) {
      const name = Buffer.concat([Buffer.from([1, 97]), uint16s(0xc000 | (target & 0x3fff))]);
      parts.push(name, uint16s(TYPE.TXT, 1), uint32s(0), uint16s(0));
      target = nth % 120 === 119 || at > 0x3f00 ? target : at;
      at += 14;
    }
    return Buffer.concat(parts);
  };
  const pointers = (_start: number): Buffer =>
    Buffer.concat(
      [...Array(5000).keys()].map(() => Buffer.concat([uint16s(0xc00c, TYPE.TXT, 1), uint32s(0), uint16s(0)])),
    );
  const CASES: Readonly<Record<string, readonly [number, (start: number) => Buffer]>> = {
    'of pointers': [5000, pointers],
    'of chains of pointers': [4600, chain],
    'that promises more records than it has': [65_535, pointers],
    'of pointers to themselves': [5000, (start) => Buffer.alloc(65_535 - start, Buffer.from(uint16s(0xc000 | start)))],
    'of labels': [1, (start) => Buffer.alloc(65_535 - start, Buffer.from([1, 97]))],
    'of zeros': [65_535, (start) => Buffer.alloc(65_535 - start)],
    'of ones': [65_535, (start) => Buffer.alloc(65_535 - start, 0xff)],
  };
  it.each(Object.entries(CASES))('%s costs little', async (_, [count, fill]) => {
    answer = (_question, query, transport) => (transport === 'udp' ? truncated(query) : huge(query, count, fill));
    for (const servers of [`nameservers: { example.com: ["${dns.at}"] }`, `resolvers: ["${dns.at}"]`]) {
      await configure(servers);
      const [hook, used] = [here.write('cpu.cjs', CPU_HOOK), here.at('cpu')];
      const env = { NODE_OPTIONS: `--require ${hook}`, CPU_FILE: used };
      const before = dns.questions.length;
      const outcome = await here.timed(WAIT, { env });
      expect([68, 75]).toContain(outcome.code);
      expect(outcome.stderr).toMatch(/^dns01: error: /m);
      expect(outcome.seconds).toBeLessThan(12);
      const seconds = Number(readFileSync(used, 'utf8')) / 1e6;
      expect(seconds / (dns.questions.length - before)).toBeLessThan(0.5);
      expect(seconds).toBeLessThan(5);
    }
  });
});

it('a delegation with 1,000 name servers is asked in few queries', async () => {
  const names = [...Array(1000).keys()].map((nth) => `n${nth}.ns.example`);
  answer = ({ name, type }) => {
    if (type === 'NS') return { answers: names.map((each) => record(name, 'NS', encodeName(each))) };
    if (type === 'A' && name.endsWith('.ns.example')) {
      return { answers: [...Array(200).keys()].map((nth) => record(name, 'A', Buffer.of(192, 0, 2, nth))) };
    }
    return { authorities: [soa('example.com')] };
  };
  await configure(`resolvers: ["${dns.at}"]`);
  const outcome = await here.timed(WAIT);
  expect(outcome.code).not.toBe(70);
  expect(outcome.seconds).toBeLessThan(12);
  expect(dns.questions.length).toBeLessThan(100);
});

describe('name servers with addresses of this machine and its neighbours', () => {
  const LOCAL = [
    '127.0.0.1',
    '127.0.0.53',
    '127.255.255.254',
    '0.0.0.0',
    '169.254.169.254',
    '224.0.0.251',
    '255.255.255.255',
  ];
  const LOCAL6 = ['::1', '::', 'fe80::1', 'ff02::fb', '::ffff:127.0.0.1'];
  const bytesOf6 = (text: string): Buffer => {
    const mapped = text.includes('.');
    if (mapped) return Buffer.concat([Buffer.alloc(10), Buffer.of(0xff, 0xff, 127, 0, 0, 1)]);
    const [head = '', tail = ''] = text.split('::');
    const words = (part: string) => (part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16)));
    const zeros = Array<number>(8 - words(head).length - words(tail).length).fill(0);
    return uint16s(...words(head), ...zeros, ...words(tail));
  };

  it.each([...LOCAL, ...LOCAL6])('%s are not asked', async (address) => {
    const six = address.includes(':');
    const data = six ? bytesOf6(address) : Buffer.from(address.split('.').map(Number));
    const type = six ? 'AAAA' : 'A';
    answer = ({ name, type: asked }) => {
      if (asked === 'NS') return { answers: [record(name, 'NS', encodeName('ns.evil.example'))] };
      if (name === 'ns.evil.example' && asked === type) return { answers: [record(name, type, data)] };
      return { authorities: [soa('example.com')] };
    };
    await configure(`resolvers: ["${dns.at}"]`);
    const outcome = await here.timed([...WAIT, '--verbose']);
    expect(outcome.code).toBe(75);
    expect(outcome.stderr).toContain('have local addresses only');
    // The resolver stands for the victim on this machine: it hears of nothing but zones and hosts.
    expect(dns.questions.filter(({ name }) => name.startsWith('_acme-challenge'))).toEqual([]);
  });

  it('are not asked where a referral names them with glue', async () => {
    const victim = await startRawDns(() => ({ answers: [record(NAME, 'TXT', encodeTxt(VALUE))] }), '127.0.0.9');
    answer = ({ name, type }) => {
      if (type === 'NS' && name === 'example.com')
        return { answers: [record(name, 'NS', encodeName('ns.example.com'))] };
      if (type === 'A') return { answers: [record(name, 'A', Buffer.of(127, 0, 0, 9))] };
      return {
        flags: FLAG.RESPONSE,
        authorities: [record('_acme-challenge.example.com', 'NS', encodeName('ns.evil.example'))],
        additionals: [record('ns.evil.example', 'A', Buffer.of(127, 0, 0, 9))],
      };
    };
    for (const servers of [`resolvers: ["${dns.at}"]`, `resolvers: ["${dns.at}"], allowNetworks: [127.0.0.1/32]`]) {
      await configure(servers);
      expect((await here.timed(WAIT)).code).toBe(75);
    }
    expect(victim.questions).toEqual([]);
    await victim.close();
  });
});

describe('TXT records that stand at another name', () => {
  it.each([
    ['another name', OTHER],
    ['the name above', 'example.com'],
    ['a name below', `x.${NAME}`],
    ['the root', ''],
  ])('do not count: %s', async (_, owner) => {
    answer = ({ type }) =>
      type === 'TXT'
        ? { answers: [record(owner === '' ? Buffer.of(0) : owner, 'TXT', encodeTxt(VALUE))] }
        : { authorities: [soa('example.com')] };
    await configure(`nameservers: { example.com: ["${dns.at}"] }`);
    const outcome = await here.timed(WAIT);
    expect(outcome.code, outcome.stderr).toBe(75);
    answer = ({ type, name }) =>
      type === 'TXT' ? { answers: [record(name, 'TXT', encodeTxt(VALUE))] } : { authorities: [soa('example.com')] };
    expect((await here.timed(WAIT)).code).toBe(0);
  });

  it('do not count in the other sections, nor by a CNAME of another name', async () => {
    const value = record(NAME, 'TXT', encodeTxt(VALUE));
    const lies: RawAnswer[] = [
      { authorities: [value] },
      { additionals: [value] },
      { answers: [record(OTHER, 'CNAME', encodeName(NAME)), record(OTHER, 'TXT', encodeTxt(VALUE))] },
      { answers: [{ ...value, class: 3 }] },
      { answers: [value], flags: FLAG.RESPONSE | 2 },
      { answers: [record(NAME, 'TXT', encodeTxt(VALUE.toLowerCase()))] },
      { answers: [record(NAME, 'TXT', encodeTxt(`"${VALUE}"`))] },
    ];
    await configure(`nameservers: { example.com: ["${dns.at}"] }`);
    for (const [nth, lie] of lies.entries()) {
      answer = ({ type }) => (type === 'TXT' ? lie : { authorities: [soa('example.com')] });
      expect((await here.timed(WAIT)).code, `lie ${nth}`).toBe(75);
    }
  });
});
