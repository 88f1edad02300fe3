import fc from 'fast-check';
import { expect, it } from 'vitest';
import { userOf } from '../../src/challenge/principal.ts';
import { loadConfig } from '../../src/config/load.ts';
import {
  CLASS,
  decodeMessage,
  encodeMessage,
  encodeTxt,
  FLAG,
  type OutgoingRecord,
  TYPE,
  uint16s,
} from '../../src/dns/wire.ts';
import { sign, verify } from '../../src/dns/wire-tsig.ts';
import { createUpdateFront, type Received } from '../../src/gateway/update/front.ts';
import type { Update } from '../../src/gateway/update/read-update.ts';
import { createWork } from '../../src/gateway/work.ts';
import { normaliseName } from '../../src/names.ts';
import { count } from '../faults/support/tally.ts';
import { keyOf, updateOf } from '../gateway/update-client.ts';
import { openScene, runsOf, VALUE } from './support/scene.ts';

const KEY = keyOf('web1');
const DOMAIN = normaliseName('www.example.com');

const names = fc.constantFrom(
  ...['', 'example.com', 'com', DOMAIN, `_acme-challenge.${DOMAIN}`, `_acme-challenge.a.${DOMAIN}`],
  ...[
    '_acme-challenge.example.com',
    '_acme-challenge.shop.example.com',
    `_validation-persist.${DOMAIN}`,
    `*.${DOMAIN}`,
  ],
  ...[`_acme-challenge._acme-challenge.${DOMAIN}`, `_acme-challenge.evil${DOMAIN}`, 'bob.example.net'],
);
const labels = fc
  .array(fc.uint8Array({ minLength: 1, maxLength: 63 }), { maxLength: 3 })
  .map((list) =>
    Buffer.concat([...list.flatMap((label) => [Buffer.of(label.length), Buffer.from(label)]), Buffer.of(0)]),
  );
const number = fc.oneof(
  fc.constantFrom(0, 1, CLASS.NONE, CLASS.ANY, TYPE.TXT, TYPE.SOA, TYPE.OPT, TYPE.TSIG, TYPE.CNAME, 0xffff),
  fc.integer({ min: 0, max: 0xffff }),
);
const records: fc.Arbitrary<OutgoingRecord> = fc.record({
  name: fc.oneof({ weight: 5, arbitrary: names }, { weight: 1, arbitrary: labels }),
  type: fc.oneof({ weight: 4, arbitrary: fc.constant(TYPE.TXT) }, { weight: 1, arbitrary: number }),
  class: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(CLASS.IN, CLASS.NONE, CLASS.ANY) },
    { weight: 1, arbitrary: number },
  ),
  ttl: fc.constantFrom(0, 0, 0, 60, 0xffffffff),
  data: fc.oneof(
    fc.constantFrom(encodeTxt(VALUE), encodeTxt(VALUE), Buffer.alloc(0), encodeTxt(`${VALUE}"\n`)),
    fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
  ),
});
const section = fc.array(records, { maxLength: 4 });

/** A message that is nearly one, and then some of its bytes changed, cut off or added. */
const messages = fc
  .record({
    questions: fc.oneof(
      { weight: 5, arbitrary: fc.constant([{ name: 'example.com', type: TYPE.SOA }]) },
      { weight: 1, arbitrary: fc.array(fc.record({ name: names, type: number, class: number }), { maxLength: 2 }) },
    ),
    answers: fc.oneof(fc.constant([]), section),
    authorities: section,
    additionals: fc.oneof(fc.constant([]), section),
    flags: fc.oneof({ weight: 5, arbitrary: fc.constant(5 << 11) }, { weight: 1, arbitrary: number }),
    edits: fc.oneof(fc.constant([]), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 })),
    cut: fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat() }),
  })
  .map(({ edits, cut, ...parts }) => {
    const bytes = encodeMessage({ ...updateOf([]), ...parts });
    for (const [at, byte] of edits) bytes[at % bytes.length] = byte;
    return cut === undefined ? bytes : bytes.subarray(0, 12 + (cut % (bytes.length - 11)));
  });

/** A front whose core only writes down what it is given. */
async function openFront() {
  const here = await openScene();
  const file = await here.configure(
    `accounts: { it: { provider: embedded, zones: [example.com] } }\nzones: { example.com: it, example.net: { account: it, delegated: true } }\n`,
  );
  const config = loadConfig(file);
  await here.remove();
  const orders: Update[] = [];
  const user = {
    name: 'web1',
    hash: undefined,
    acmeDns: undefined,
    tsig: undefined,
    tsigSalt: undefined,
    principal: userOf([DOMAIN], 'web1'),
    requestsPerMinute: Number.MAX_SAFE_INTEGER,
    hasOwnLimit: false,
    liveValues: undefined,
    mayComeFrom: () => true,
  };
  const front = createUpdateFront({
    core: {
      valuesAt: async () => [VALUE],
      async carryOut(update) {
        orders.push(update);
        return { rcode: 0 };
      },
    },
    work: createWork(async () => 0),
    config: () => config,
    answerWithinMs: 1000,
    log: { debug: () => {}, info: (line) => expect(line).not.toMatch(/[^ -~]/), warn: () => {} },
    keyOf: async (name) => (name === KEY.name ? { user, key: KEY } : undefined),
    refresh: () => {},
  });
  return { front, orders, principal: user.principal };
}

const received = (bytes: Buffer, ip: string): Received => ({ bytes, ip, limit: () => 0xffff });

it('an update that a user signs, whatever is in it, orders nothing but challenges of this user', async ({ task }) => {
  const { front, orders, principal } = await openFront();
  let done = 0;
  await fc.assert(
    fc.asyncProperty(messages, async (bytes) => {
      const now = Math.floor(Date.now() / 1000);
      const { bytes: signed, mac } = sign(bytes, KEY, now);
      const answer = await front(received(signed, '192.0.2.1'));
      const isRequest = (bytes.readUInt16BE(2) & FLAG.RESPONSE) === 0;
      if (!answer) return;
      expect(isRequest).toBe(true);
      const message = decodeMessage(answer);
      expect(message.id).toBe(bytes.readUInt16BE(0));
      expect(message.flags & FLAG.RESPONSE).not.toBe(0);
      expect(answer.length).toBeLessThan(signed.length + 700);
      expect(['good', 'unsigned', 'refused']).toContain(verify(answer, KEY, mac, now).kind);
      if (message.rcode === 0) done++;
    }),
    { numRuns: runsOf(20_000) },
  );
  for (const { adds, removes, clears } of orders) {
    for (const { name, value } of [...adds, ...removes]) {
      expect(principal.mayWrite(normaliseName(name))).toBe(true);
      expect(value).toMatch(/^[\w-]{43}$/);
    }
    for (const name of clears) expect(principal.mayWrite(normaliseName(name))).toBe(true);
  }
  // The messages are close enough to real ones: about every twentieth gets through.
  expect(done).toBeGreaterThan(runsOf(20_000) / 50);
  expect(orders.length).toBeGreaterThan(runsOf(20_000) / 50);
  count(task, { messages: runsOf(20_000) });
}, 120_000);

it('a message that nobody signed orders nothing, and its answer is small', async ({ task }) => {
  const { front, orders } = await openFront();
  const anything = fc.oneof(
    messages,
    fc.uint8Array({ maxLength: 512 }).map((bytes) => Buffer.from(bytes)),
    // Counts that lie.
    fc
      .tuple(fc.array(number, { minLength: 6, maxLength: 6 }), fc.uint8Array({ maxLength: 200 }))
      .map(([head, rest]) => Buffer.concat([uint16s(...head), Buffer.from(rest)])),
  );
  let nth = 0;
  await fc.assert(
    fc.asyncProperty(anything, fc.boolean(), async (bytes, isSigned) => {
      const forged =
        isSigned && bytes.length >= 12 && bytes.readUInt16BE(10) < 0xffff
          ? sign(bytes, keyOf('web1', 'guess'), Math.floor(Date.now() / 1000))
          : undefined;
      const sent = forged?.bytes ?? bytes;
      // Addresses of their own, so that none of them is silenced.
      const answer = await front(received(sent, `10.0.${++nth >> 8}.${nth & 0xff}`));
      if (!answer) return;
      expect([0, 1, 4, 5, 9]).toContain(decodeMessage(answer).rcode);
      expect(answer.length).toBeLessThan(sent.length + 200);
    }),
    { numRuns: runsOf(20_000) },
  );
  expect(orders).toEqual([]);
  count(task, { messages: runsOf(20_000) });
}, 120_000);
