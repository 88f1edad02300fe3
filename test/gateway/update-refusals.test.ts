import { describe, expect, it } from 'vitest';
import { CLASS, EDNS, encodeName, encodeTxt, TYPE } from '../../src/dns/wire.ts';
import { VALUE } from '../support/cli.ts';
import { PERSIST_NAME, recordFor } from '../support/persist.ts';
import { add, clear, remove, request, updateOf } from './update-client.ts';
import { OTHERS, OWN, record, useUpdateGateway } from './update-support.ts';

const { send, writes } = useUpdateGateway();

describe('an update', () => {
  const zone = (name: string, type: number = TYPE.SOA, klass: number = CLASS.IN) => ({ name, type, class: klass });
  it.each<[string, Parameters<typeof updateOf>, string, string | undefined]>([
    ['of somebody else', [[add(OTHERS, VALUE)]], 'REFUSED', 'this server does not write this name for this user'],
    [
      'of the zone itself',
      [[add('_acme-challenge.example.com', VALUE)]],
      'REFUSED',
      expect.stringContaining('not write'),
    ],
    [
      'of a name that nobody has',
      [[add('_acme-challenge.nobody.example.com', VALUE)]],
      'REFUSED',
      expect.stringContaining('not write'),
    ],
    [
      'of a zone that nobody has',
      [[add('_acme-challenge.example.net', VALUE)], { questions: [zone('example.net')] }],
      'REFUSED',
      expect.stringContaining('not write'),
    ],
    [
      'of a name that is no challenge',
      [[add('www.example.com', VALUE)]],
      'REFUSED',
      expect.stringContaining('_acme-challenge'),
    ],
    [
      'of a name that is no domain name',
      [[{ ...add(OWN, VALUE), name: rawName('_acme-challenge', 'a.b', 'example', 'com') }]],
      'REFUSED',
      'the name is not a domain name',
    ],
    [
      'with a value that is no challenge',
      [[add(OWN, 'v=spf1 -all')]],
      'REFUSED',
      expect.stringContaining('43 characters'),
    ],
    [
      'that removes a value that is no challenge',
      [[remove(OWN, 'v=spf1 -all')]],
      'REFUSED',
      expect.stringContaining('43 characters'),
    ],
    [
      'with a lasting record at a challenge',
      [[add(OWN, recordFor())]],
      'REFUSED',
      expect.stringContaining('43 characters'),
    ],
    [
      'with a challenge at the name of lasting records',
      [[add(PERSIST_NAME, VALUE)]],
      'REFUSED',
      expect.stringContaining('dns-persist-01'),
    ],
    [
      'with a lasting record that is longer than possible',
      [[add(PERSIST_NAME, `${recordFor()}; x=${'y'.repeat(1024)}`)]],
      'REFUSED',
      'the request is not one for a challenge',
    ],
    ['with an A record', [[record(OWN, TYPE.A)]], 'REFUSED', 'only TXT records'],
    ['with a CNAME record', [[record(OWN, TYPE.CNAME, encodeName('a.example'))]], 'REFUSED', 'only TXT records'],
    [
      'with an NS record',
      [[record('www.example.com', TYPE.NS, encodeName('a.example'))]],
      'REFUSED',
      'only TXT records',
    ],
    [
      'that removes an A record',
      [[{ ...record(OWN, TYPE.A), class: CLASS.NONE, ttl: 0 }]],
      'REFUSED',
      'only TXT records',
    ],
    ['that removes all A records', [[clear(OWN, TYPE.A)]], 'REFUSED', 'only TXT records'],
    [
      'that removes all records of somebody else',
      [[clear(OTHERS, TYPE.ANY)]],
      'REFUSED',
      expect.stringContaining('not write'),
    ],
    [
      'with a bad line after a good one',
      [[add(OWN, VALUE), add(OTHERS, VALUE)]],
      'REFUSED',
      expect.stringContaining('not write'),
    ],
    [
      'with a bad value after a good one',
      [[add(OWN, VALUE), add(OWN, 'x')]],
      'REFUSED',
      expect.stringContaining('43 characters'),
    ],
    [
      'with more lines than a certificate has names',
      [Array(201).fill(add(OWN, VALUE))],
      'REFUSED',
      'the message has more than 200 lines',
    ],
    ['of a name outside its zone', [[add(OWN, VALUE)], { questions: [zone('example.net')] }], 'NOTZONE', undefined],
    [
      'with a prerequisite outside its zone',
      [[add(OWN, VALUE)], { answers: [clear('a.example.net')] }],
      'NOTZONE',
      undefined,
    ],
    [
      'of the class CH',
      [[add(OWN, VALUE)], { questions: [zone('example.com', TYPE.SOA, 3)] }],
      'REFUSED',
      'only class IN',
    ],
    [
      'of a zone that is written as A',
      [[add(OWN, VALUE)], { questions: [zone('example.com', TYPE.A)] }],
      'FORMERR',
      expect.stringContaining('zone'),
    ],
    [
      'of two zones',
      [[add(OWN, VALUE)], { questions: [zone('example.com'), zone('example.com')] }],
      'FORMERR',
      'expected one question',
    ],
    ['of no zone', [[add(OWN, VALUE)], { questions: [] }], 'FORMERR', 'expected one question'],
    ['that removes with a TTL', [[{ ...remove(OWN, VALUE), ttl: 60 }]], 'FORMERR', 'a deletion has a TTL'],
    [
      'that removes all with data',
      [[{ ...clear(OWN), data: encodeTxt(VALUE) }]],
      'FORMERR',
      'the deletion of an RRset has data',
    ],
    [
      'with a class that is unknown',
      [[{ ...add(OWN, VALUE), class: 4, ttl: 0 }]],
      'FORMERR',
      'a change has an unknown class',
    ],
    [
      'that adds a record of type ANY',
      [[{ ...add(OWN, VALUE), type: TYPE.ANY }]],
      'FORMERR',
      'a change has a type that no record has',
    ],
    [
      'with a TXT record that is cut off',
      [[{ ...add(OWN, VALUE), data: Buffer.of(43, 65) }]],
      'FORMERR',
      'a TXT record is cut off',
    ],
    [
      'with a TXT record without strings',
      [[{ ...add(OWN, VALUE), data: Buffer.alloc(0) }]],
      'FORMERR',
      'a TXT record is cut off',
    ],
  ])('%s', async (_, [changes, more], rcode, reason) => {
    const before = writes();
    expect(await send(updateOf(changes, more))).toMatchObject({ rcode, signature: 'good', reason });
    expect(writes()).toBe(before);
  });

  it('that is not one, nor a query', async () => {
    expect(await send(request({ questions: [zone('example.com')] }, 4))).toMatchObject({
      rcode: 'NOTIMP',
      signature: 'good',
    });
  });

  it('with an EDNS version of the future', async () => {
    const answer = await send(updateOf([], { additionals: [{ ...EDNS, ttl: 1 << 16 }] }), { edns: false });
    expect(answer.rcode).toBe('NOERROR');
    expect(answer.message.additionals[0]?.ttl).toBe(1 << 24);
    expect(answer.signature).toBe('good');
  });

  it('without EDNS gets an answer without it', async () => {
    const answer = await send(updateOf([add(OTHERS, VALUE)]), { edns: false });
    expect(answer.message.additionals.map(({ type }) => type)).toEqual([TYPE.TSIG]);
  });
});

function rawName(...labels: string[]): Buffer {
  return Buffer.concat([...labels.flatMap((label) => [Buffer.of(label.length), Buffer.from(label)]), Buffer.of(0)]);
}
