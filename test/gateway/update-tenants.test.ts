import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CLASS, encodeName, type OutgoingMessage, type OutgoingRecord, TYPE } from '../../src/dns/wire.ts';
import { type FakeDnsServer, type FakeRecord, startFakeDns } from '../fakes/dns-server.ts';
import { OTHER_VALUE, VALUE } from '../support/cli.ts';
import { serveConfig, useGateway } from './support.ts';
import { type Answered, add, clear, keyOf, question, remove, send as sendTo, updateOf } from './update-client.ts';
import { keyUser, UPDATE } from './update-support.ts';

const gateway = useGateway();

const ALICE = keyOf('alice');
const BOB = keyOf('bob');
const OWN = '_acme-challenge.alice.example.com';
const BOBS = '_acme-challenge.bob.example.com';
const NOBODYS = '_acme-challenge.bib.example.com';
const BOBS_DELEGATED = 'bob.example.ee';

let dns: FakeDnsServer;
const records: FakeRecord[] = [];

beforeEach(async () => {
  records.length = 0;
  dns = await startFakeDns({ zones: [{ name: 'example.com', records }, { name: 'example.ee' }] });
  const users = [
    keyUser(ALICE, ['alice.example.com', 'example.net']),
    keyUser(BOB, ['bob.example.com', BOBS_DELEGATED]),
  ];
  const accounts = gateway.panels.accounts.replace(
    'example.ee: zone-eu',
    'example.ee: { account: zone-eu, delegated: true }',
  );
  await gateway.here.configure(`${accounts}dns:
  nameservers: { example.com: ["${dns.at}"], example.ee: ["${dns.at}"] }
${serveConfig(users.join(''), '127.0.0.1:0', UPDATE)}`);
  await gateway.start();
});
afterEach(() => dns.close());

const send = (message: OutgoingMessage, key = ALICE) =>
  sendTo(message, { at: gateway.server?.updatesAt[0] ?? '', key });
const inDelegated = { questions: [{ name: 'example.ee', type: TYPE.SOA }] };

/** Everything of an answer that does not differ from time to time, with one name in place of the one that was asked for. */
function shapeOf({ bytes, message }: Answered): string {
  const signature = message.additionals.at(-1);
  expect(signature?.type).toBe(TYPE.TSIG);
  const [asked] = message.questions;
  const text = bytes.subarray(2, signature?.offset).toString('hex');
  return text.replaceAll(asked?.wireName.toString('hex') ?? '', 'name');
}

describe('what is not theirs', () => {
  const prerequisite = (record: OutgoingRecord) => updateOf([add(OWN, VALUE)], { answers: [record] });
  it.each<[string, (name: string) => OutgoingMessage]>([
    ['an add', (name) => updateOf([add(name, VALUE)])],
    ['a removal of a value that is there', (name) => updateOf([remove(name, OTHER_VALUE)])],
    ['the deletion of an RRset', (name) => updateOf([clear(name)])],
    ['the deletion of everything', (name) => updateOf([clear(name, TYPE.ANY)])],
    ['a line among their own', (name) => updateOf([add(OWN, VALUE), clear(name)])],
    ['a prerequisite that an RRset is there', (name) => prerequisite(clear(name))],
    [
      'a prerequisite that a name is not in use',
      (name) => prerequisite({ ...clear(name, TYPE.ANY), class: CLASS.NONE }),
    ],
    ['a prerequisite with the value', (name) => prerequisite({ ...add(name, OTHER_VALUE), ttl: 0 })],
    ['a question for TXT', (name) => question(name, TYPE.TXT)],
    ['a question for the SOA', (name) => question(name, TYPE.SOA)],
    ['a question for A', (name) => question(name, TYPE.A)],
  ])('%s looks the same as what is not there', async (what, messageFor) => {
    expect(await send(updateOf([add(BOBS, OTHER_VALUE)]), BOB)).toMatchObject({ rcode: 'NOERROR' });
    const [bobs, nobodys] = [await send(messageFor(BOBS)), await send(messageFor(NOBODYS))];
    expect(bobs.rcode).toBe(what.endsWith('SOA') ? 'NOERROR' : 'REFUSED');
    expect(shapeOf(bobs)).toBe(shapeOf(nobodys));
    expect(gateway.panels.ispconfig.held(BOBS)).toEqual([OTHER_VALUE]);
    expect(gateway.panels.ispconfig.held(OWN)).toEqual([]);
  });

  it('in a delegated zone looks the same as what is not there', async () => {
    expect(await send(updateOf([add(BOBS_DELEGATED, OTHER_VALUE)], inDelegated), BOB)).toMatchObject({
      rcode: 'NOERROR',
    });
    const [bobs, nobodys] = [
      await send(updateOf([clear(BOBS_DELEGATED)], inDelegated)),
      await send(updateOf([clear('bib.example.ee')], inDelegated)),
    ];
    expect(bobs.rcode).toBe('REFUSED');
    expect(shapeOf(bobs)).toBe(shapeOf(nobodys));
    expect(gateway.panels.zoneid.held(BOBS_DELEGATED)).toEqual([OTHER_VALUE]);
  });

  it('in another zone looks the same, whether the config has it or not', async () => {
    const zone = (name: string) => ({ questions: [{ name, type: TYPE.SOA }] });
    const there = await send(updateOf([add('_acme-challenge.example.ee', VALUE)], zone('example.ee')));
    const nowhere = await send(updateOf([add('_acme-challenge.example.xx', VALUE)], zone('example.xx')));
    expect(there.rcode).toBe('REFUSED');
    expect(shapeOf(there)).toBe(shapeOf(nowhere));
  });
});

describe("a user's CNAME", () => {
  it.each([
    ['in the same zone', BOBS],
    ['in a zone that CNAMEs may lead to', BOBS_DELEGATED],
  ])("to somebody else's name %s changes nothing there, and tells nothing", async (_, target) => {
    const isPanel = target === BOBS;
    const held = () => (isPanel ? gateway.panels.ispconfig.held(BOBS) : gateway.panels.zoneid.held(target));
    const own = updateOf([add(target, OTHER_VALUE)], isPanel ? {} : inDelegated);
    expect(await send(own, BOB)).toMatchObject({ rcode: 'NOERROR' });
    const notTheirs = await send(updateOf([add(NOBODYS, VALUE)]));
    records.push({ name: OWN, type: 'CNAME', data: target });
    for (const change of [add(OWN, VALUE), remove(OWN, OTHER_VALUE)]) {
      const answer = await send(updateOf([change]));
      expect(answer.rcode).toBe('REFUSED');
      expect(shapeOf(answer)).toBe(shapeOf(notTheirs));
    }
    expect(await send(updateOf([clear(OWN)]))).toMatchObject({ rcode: 'NOERROR' });
    expect(await send(question(OWN, TYPE.TXT))).toMatchObject({ rcode: 'REFUSED', message: { answers: [] } });
    expect(held()).toEqual([OTHER_VALUE]);
  });

  it('that is refused refuses the whole message, before anything is written', async () => {
    records.push({ name: OWN, type: 'CNAME', data: BOBS });
    const answer = await send(updateOf([add('_acme-challenge.sub.alice.example.com', VALUE), add(OWN, VALUE)]));
    expect(answer.rcode).toBe('REFUSED');
    expect(gateway.panels.ispconfig.server.requests).toEqual([]);
  });
});

describe('a forged key', () => {
  it.each([
    ['with the secret of another user', { ...BOB, name: 'alice' }],
    ['with the name of another user', { ...ALICE, name: 'bob' }],
    ['with an empty secret', { ...BOB, secret: Buffer.alloc(0) }],
  ])('%s opens nothing', async (_, key) => {
    for (const message of [updateOf([add(BOBS, VALUE)]), updateOf([add(OWN, VALUE)]), question(BOBS, TYPE.TXT)]) {
      expect(await send(message, key)).toMatchObject({ rcode: 'NOTAUTH', signature: 16 });
    }
    expect(gateway.panels.ispconfig.server.requests).toEqual([]);
  });

  it('with a MAC that is cut short is a wrong one', async () => {
    for (const length of [0, 10, 16, 31]) {
      const answer = await sendTo(updateOf([add(OWN, VALUE)]), {
        at: gateway.server?.updatesAt[0] ?? '',
        key: ALICE,
        spoil: (bytes) => shortened(bytes, length),
      });
      expect(answer).toMatchObject({ rcode: 'NOTAUTH', signature: 16 });
    }
  });
});

/** The same message with only the first bytes of its MAC (RFC 8945 section 5.2.2.1), which is the last but 6 bytes. */
function shortened(bytes: Buffer, length: number): Buffer {
  const start = bytes.length - 6 - 32;
  const data = start - 2 - encodeName('hmac-sha256').length - 8;
  const cut = Buffer.concat([bytes.subarray(0, start + length), bytes.subarray(bytes.length - 6)]);
  cut.writeUInt16BE(length, start - 2);
  cut.writeUInt16BE(cut.length - data, data - 2);
  return cut;
}
