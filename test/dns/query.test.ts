import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type QueryOptions, type QueryResult, query } from '../../src/dns/query.ts';
import { normaliseName } from '../../src/names.ts';
import type { FakeDnsServer, Manners } from '../fakes/dns-server.ts';
import { HAS_IPV6, serve, UNREACHABLE, VALUE, zoneOf } from './support.ts';

const QUESTION = { name: normaliseName('_acme-challenge.example.com'), type: 'TXT' } as const;

/** Long enough that only what really never comes is waited for in vain. */
const PATIENT: QueryOptions = { recursive: false, timeoutMs: 5000 };
const BRIEF: QueryOptions = { recursive: false, timeoutMs: 60 };

async function example(manners: Manners = {}, address = '127.0.0.1'): Promise<FakeDnsServer> {
  const zone = zoneOf('example.com', ['ns.example.net'], { values: [VALUE] });
  const [server] = await serve({ address, zones: [zone], manners });
  return server;
}

const valuesOf = (reply: QueryResult): string[] | string =>
  reply.kind === 'answer' ? reply.message.answers.map(({ data }) => data) : reply.reason;

const transports = ({ questions }: FakeDnsServer) => questions.map(({ transport }) => transport);

describe('query', () => {
  it('asks over UDP, with EDNS and without recursion', async () => {
    const server = await example();
    const reply = await query(server, QUESTION, PATIENT);
    expect(reply).toMatchObject({ kind: 'answer', message: { rcode: 'NOERROR', authoritative: true } });
    expect(valuesOf(reply)).toEqual([VALUE]);
    expect(server.questions).toEqual([{ ...QUESTION, class: 'IN', recursive: false, edns: true, transport: 'udp' }]);
  });

  it('asks for recursion where it is wanted', async () => {
    const server = await example();
    await query(server, QUESTION, { ...PATIENT, recursive: true });
    expect(server.questions[0]?.recursive).toBe(true);
  });

  it.skipIf(!HAS_IPV6)('asks over IPv6', async () => {
    const server = await example({}, '::1');
    expect(valuesOf(await query(server, QUESTION, PATIENT))).toEqual([VALUE]);
  });

  it.each(['truncated', 'cut-off'] as const)('asks again over TCP when the UDP answer is %s', async (udp) => {
    const server = await example({ udp });
    expect(valuesOf(await query(server, QUESTION, PATIENT))).toEqual([VALUE]);
    expect(transports(server)).toEqual(['udp', 'tcp']);
  });

  it.each(['FORMERR', 'FORMERR-bare', 'NOTIMP'] as const)('does without EDNS after %s', async (edns) => {
    const server = await example({ edns });
    expect(valuesOf(await query(server, QUESTION, PATIENT))).toEqual([VALUE]);
    expect(server.questions.map((question) => question.edns)).toEqual([true, false]);
  });

  it('does without EDNS over TCP too', async () => {
    const server = await example({ edns: 'FORMERR', udp: 'truncated' });
    expect(valuesOf(await query(server, QUESTION, PATIENT))).toEqual([VALUE]);
    expect(server.questions.map(({ edns, transport }) => [transport, edns])).toEqual([
      ['udp', true],
      ['udp', false],
      ['tcp', false],
    ]);
  });

  it.each(['REFUSED', 'SERVFAIL'] as const)('passes %s on as an answer', async (rcode) => {
    const server = await example({ rcode });
    expect(await query(server, QUESTION, PATIENT)).toMatchObject({ kind: 'answer', message: { rcode, answers: [] } });
  });

  it('takes only an answer from the address and port that it asked', async () => {
    const server = await example({ udp: 'forged' });
    expect(valuesOf(await query(server, QUESTION, PATIENT))).toEqual([VALUE]);
  });

  it.each(['silent', 'wrong-id', 'other-question', 'garbage'] as const)('waits in vain: %s', async (udp) => {
    const server = await example({ udp });
    expect(await query(server, QUESTION, BRIEF)).toEqual({ kind: 'silent', reason: 'no answer within 0.06 s' });
  });

  it('asks a second time before it gives up', async () => {
    const server = await example({ udp: 'silent' });
    await query(server, QUESTION, { ...BRIEF, timeoutMs: 200 });
    await expect.poll(() => transports(server)).toEqual(['udp', 'udp']);
  });

  it('hears the second answer when the first was lost', async () => {
    const server = await example({ udp: 'silent' });
    const reply = query(server, QUESTION, { ...BRIEF, timeoutMs: 1000 });
    await expect.poll(() => server.questions.length).toBe(1);
    server.manners = {};
    expect(valuesOf(await reply)).toEqual([VALUE]);
  });

  it('says that a closed port refuses', async () => {
    const server = await example();
    await server.close();
    expect(await query(server, QUESTION, PATIENT)).toEqual({ kind: 'silent', reason: 'refuses connections' });
  });

  it('tells an address that this machine has no way to from a silent server', async () => {
    const reply = await query({ address: UNREACHABLE, port: 53 }, QUESTION, PATIENT);
    expect(reply).toMatchObject({ kind: 'unreachable', reason: expect.stringMatching(/^cannot be reached from here/) });
  });

  it('answers with the reason where the port is none', async () => {
    const reply = await query({ address: '127.0.0.1', port: 99_999 }, QUESTION, PATIENT);
    expect(reply).toMatchObject({ kind: 'silent', reason: expect.stringContaining('99999') });
  });

  it.each([
    ['closes', 'closed the TCP connection'],
    ['garbage', 'sent an unreadable answer over TCP'],
    ['endless', 'sent an unreadable answer over TCP'],
  ] as const)('gives up on a server whose TCP %s', async (tcp, reason) => {
    const server = await example({ udp: 'truncated', tcp });
    expect(await query(server, QUESTION, PATIENT)).toEqual({ kind: 'silent', reason });
  });

  it('has one time limit for UDP and TCP together', async () => {
    const server = await example({ udp: 'truncated', tcp: 'silent' });
    const reply = await query(server, QUESTION, { ...BRIEF, timeoutMs: 400 });
    expect(reply).toEqual({ kind: 'silent', reason: 'no answer within 0.4 s' });
    expect(transports(server)).toEqual(['udp', 'tcp']);
  });

  describe('with a signal', () => {
    const stopped = { kind: 'silent', reason: 'the wait for it was stopped' };

    it('sends nothing after it', async () => {
      const server = await example();
      expect(await query(server, QUESTION, { ...PATIENT, signal: AbortSignal.abort() })).toEqual(stopped);
      await nextTurn();
      expect(server.questions).toEqual([]);
    });

    it.each([
      ['UDP', { udp: 'silent' }, 1],
      ['TCP', { udp: 'truncated', tcp: 'silent' }, 2],
    ] as const)('stops waiting over %s', async (_, manners, questions) => {
      const server = await example(manners);
      const stop = new AbortController();
      const reply = query(server, QUESTION, { ...PATIENT, signal: stop.signal });
      await expect.poll(() => server.questions.length).toBe(questions);
      stop.abort();
      expect(await reply).toEqual(stopped);
    });

    it('lets dozens of questions wait on one without a warning of a leak', async () => {
      const server = await example({ udp: 'silent' });
      const warnings: string[] = [];
      const hear = ({ name }: Error) => void warnings.push(name);
      process.on('warning', hear);
      const { signal } = new AbortController();
      await Promise.all(Array.from({ length: 40 }, () => query(server, QUESTION, { ...BRIEF, signal })));
      await nextTurn();
      process.off('warning', hear);
      expect(warnings).toEqual([]);
    });
  });

  it('leaves no socket behind', async () => {
    const manners: Manners[] = [{}, { udp: 'silent' }, { udp: 'truncated', tcp: 'endless' }, { udp: 'truncated' }];
    const servers = await Promise.all(manners.map((each) => example(each)));
    const count = () => resources('UDPWrap', 'TCPSocketWrap');
    // What earlier tests closed is gone after a turn of the event loop.
    await nextTurn();
    const before = count();
    for (const server of servers) await query(server, QUESTION, BRIEF);
    await query({ address: UNREACHABLE, port: 53 }, QUESTION, BRIEF);
    await query({ address: '127.0.0.1', port: 99_999 }, QUESTION, BRIEF);
    await expect.poll(count).toBe(before);
  });

  it('leaves no timer behind that would keep the process alive', async () => {
    const server = await example();
    await nextTurn();
    const before = resources('Timeout');
    for (let times = 0; times < 10; times++) await query(server, QUESTION, PATIENT);
    expect(resources('Timeout')).toBeLessThan(before + 5);
  });
});

const resources = (...kinds: string[]): number =>
  process.getActiveResourcesInfo().filter((kind) => kinds.includes(kind)).length;
