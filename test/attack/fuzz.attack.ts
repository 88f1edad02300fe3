import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeAnswer, encodeQuery } from '../../src/dns/message.ts';
import { decodeMessage, encodeMessage, FLAG, HEADER_LENGTH, uint16s } from '../../src/dns/wire.ts';
import { isDns01Error } from '../../src/errors.ts';
import { normaliseName, parseName } from '../../src/names.ts';
import { count } from '../faults/support/tally.ts';
import { leaksIn, redactions } from '../support/spelled-secrets.ts';
import { rawName, record } from './support/raw-dns.ts';
import { runsOf } from './support/scene.ts';

/** What may go into a program's arguments, a path, a zone file and a terminal. */
const SAFE_NAME =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

const nasty = fc.constantFrom(
  ...[
    '\n',
    '\r',
    '\0',
    '\t',
    ' ',
    '\u001b[2J',
    '$(id)',
    '`id`',
    "'",
    '"',
    ';',
    '|',
    '&',
    '*',
    '..',
    '.',
    '/',
    '../',
    '\\',
  ],
  ...[
    '-',
    '--',
    '-f',
    'xn--',
    'ab--',
    '@',
    '#',
    '%00',
    '%2e',
    '\u202e',
    '\u200b',
    '\u3002',
    '\uff0e',
    '\uff61',
    'İ',
    'ß',
    'K',
  ],
  ...[
    '_acme-challenge',
    'example',
    'com',
    'a'.repeat(63),
    'a'.repeat(64),
    '\ud800',
    '💥',
    'ℂ',
    '¼',
    '\u00ad',
    '\u2028',
  ],
);
const hostileText = fc.oneof(
  fc
    .array(fc.oneof(nasty, fc.string({ unit: 'binary', maxLength: 4 }), fc.string({ maxLength: 6 })), { maxLength: 10 })
    .map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc
    .array(fc.oneof(nasty, fc.stringMatching(/^[a-z0-9_-]{1,20}$/)), { minLength: 1, maxLength: 8 })
    .map((labels) => labels.join('.')),
);

it('hostile names are refused, or are names that can do no harm', ({ task }) => {
  let accepted = 0;
  fc.assert(
    fc.property(hostileText, (text) => {
      for (const parse of [parseName, normaliseName]) {
        let name: string | undefined;
        try {
          name = parse(text);
        } catch (error) {
          expect(isDns01Error(error) && error.code).toBe('E_USAGE');
          continue;
        }
        if (name === undefined) continue;
        accepted++;
        expect(name).toMatch(SAFE_NAME);
        // No other name than the one that was meant, and the same again when it is read again.
        const meant = text.trim().replace(/\.$/, '');
        if (/^[\u0000-\u007f]*$/.test(meant)) expect(name).toBe(meant.toLowerCase());
        else expect(meant).toMatch(/^(?:[\w.-]|[^\u0000-\u007f])*$/);
        expect(name).not.toMatch(/^\d+(\.\d+){3}$/);
        expect(parse(name)).toBe(name);
      }
    }),
    { numRuns: runsOf(50_000) },
  );
  expect(accepted).toBeGreaterThan(100);
  count(task, { names: runsOf(50_000) });
});

const label = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 63 }).map((bytes) => Buffer.from(bytes)),
  nasty.map((text) => Buffer.from(text).subarray(0, 63)).filter(({ length }) => length > 0),
  fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/).map((text) => Buffer.from(text)),
);

it('hostile names in CNAMEs are refused, or are the very labels that stand there', ({ task }) => {
  const question = { name: normaliseName('_acme-challenge.example.com'), type: 'CNAME' } as const;
  let accepted = 0;
  fc.assert(
    fc.property(fc.array(label, { maxLength: 4 }), (labels) => {
      const target = rawName(labels, 'example.net');
      const query = encodeQuery(question, { recursive: false, edns: false });
      const bytes = encodeMessage({
        id: query.readUInt16BE(0),
        flags: FLAG.RESPONSE,
        questions: [{ name: question.name, type: 5 }],
        answers: [record(question.name, 'CNAME', target)],
      });
      const alias = decodeAnswer(bytes, query, question)?.answers[0]?.data;
      if (alias === undefined) return expect(target.length).toBeGreaterThan(255);
      expect(alias).toMatch(/^[\x21-\x7e]*$/);
      const name = parseName(alias);
      if (name === undefined) return;
      accepted++;
      expect(name).toMatch(SAFE_NAME);
      const own = labels.map((each) => each.toString('latin1').toLowerCase());
      expect(name.split('.')).toEqual([...own, 'example', 'net']);
    }),
    { numRuns: runsOf(50_000) },
  );
  expect(accepted).toBeGreaterThan(100);
  count(task, { names: runsOf(50_000) });
});

it('hostile DNS messages are read or refused, cost little and change nothing', ({ task }) => {
  const question = { name: normaliseName('example.com'), type: 'TXT' } as const;
  const query = encodeQuery(question, { recursive: false, edns: true });
  const small = fc.nat({ max: 3 });
  const header = fc
    .tuple(small, small, small, small)
    .map((counts) => Buffer.concat([query.subarray(0, 2), uint16s(FLAG.RESPONSE, ...counts)]));
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom(
      uint16s(0xc00c),
      uint16s(0xc000),
      uint16s(0xffff),
      uint16s(1, 1),
      uint16s(16, 1),
      uint16s(5, 1),
      uint16s(6, 1),
    ),
    label.map((bytes) => Buffer.concat([Buffer.of(bytes.length), bytes])),
    fc.constant(Buffer.of(0)),
    fc.constant(query.subarray(HEADER_LENGTH, -11)),
  );
  const structured = fc
    .tuple(header, fc.array(piece, { maxLength: 20 }))
    .map(([head, parts]) => Buffer.concat([head, ...parts]));
  const real = encodeMessage({
    id: query.readUInt16BE(0),
    flags: FLAG.RESPONSE | FLAG.AUTHORITATIVE,
    questions: [{ name: question.name, type: 16 }],
    answers: [
      record(question.name, 'TXT', Buffer.from('\u0005hello')),
      record('a.example.com', 'CNAME', rawName(['b'], 'example.com')),
    ],
    additionals: [record('ns.example.com', 'AAAA', Buffer.alloc(16, 1))],
  });
  const bent = fc
    .array(fc.tuple(fc.nat({ max: real.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 8 })
    .map((changes) => {
      const bytes = Buffer.from(real);
      for (const [at, byte] of changes) if (at > 1) bytes[at] = byte;
      return bytes;
    });
  const cut = fc.nat({ max: real.length }).map((length) => real.subarray(0, length));
  let read = 0;
  fc.assert(
    fc.property(
      fc.oneof(
        structured,
        bent,
        cut,
        fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)),
      ),
      (bytes) => {
        const started = performance.now();
        try {
          decodeMessage(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
        const message = decodeAnswer(bytes, query, question);
        expect(performance.now() - started).toBeLessThan(2000);
        for (const { name, type, data } of message
          ? [...message.answers, ...message.authorities, ...message.additionals]
          : []) {
          read++;
          expect(name).toMatch(/^[\x21-\x7e]*$/);
          if (type === 'CNAME' || type === 'NS') expect(data).toMatch(/^[\x21-\x7e]*$/);
        }
      },
    ),
    { numRuns: runsOf(100_000) },
  );
  expect(read).toBeGreaterThan(100);
  expect(Object.keys(Object.prototype)).toEqual([]);
  count(task, { messages: runsOf(100_000) });
}, 600_000);

it('no piece of 8 characters of a secret survives a redaction', ({ task }) => {
  fc.assert(
    fc.property(redactions, ({ secret, spelling, clean }) => {
      expect(leaksIn(clean, secret), `${spelling}: ${JSON.stringify(clean)}`).toEqual([]);
    }),
    { numRuns: runsOf(10_000) },
  );
  count(task, { redactions: runsOf(10_000) });
}, 600_000);
