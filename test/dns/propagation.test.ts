import { describe, expect, it, onTestFinished } from 'vitest';
import { type Deadline, startDeadline } from '../../src/deadline.ts';
import { openAuthorityFinder } from '../../src/dns/authority.ts';
import {
  type AwaitedValue,
  checkPropagation,
  type PropagationSettings,
  type Round,
} from '../../src/dns/propagation.ts';
import { normaliseName } from '../../src/names.ts';
import {
  type FakeDnsServer,
  type FakeDnsSettings,
  type FakeZone,
  flapping,
  fromQuestion,
} from '../fakes/dns-server.ts';
import { failureOf, HAS_IPV6, hostsZone, LOCAL, OTHER, serve, UNREACHABLE, VALUE, zoneOf } from './support.ts';

const NAME = normaliseName('_acme-challenge.example.com');
const AWAITED: AwaitedValue = { name: NAME, value: VALUE };
const EXAMPLE = zoneOf('example.com', [], { values: [VALUE] });
const EMPTY = zoneOf('example.com', []);

const at = (address: string, zone: FakeZone = EXAMPLE, more: FakeDnsSettings = {}): FakeDnsSettings => ({
  address,
  zones: [zone],
  ...more,
});

/** What the check asked a server: the queries for TXT, in order. */
const looks = ({ questions }: FakeDnsServer) => questions.filter(({ type }) => type === 'TXT').map(({ name }) => name);

interface Waiting extends Partial<PropagationSettings> {
  readonly values?: readonly AwaitedValue[];
  /** The time is up after so many rounds of questions, however fast the machine is. */
  readonly rounds?: number;
  readonly deadline?: Deadline;
  /** Addresses in the zone's NS set beside those of the servers that run. */
  readonly alsoAt?: readonly string[];
  /** The servers are given by the configuration, none has to be found. */
  readonly configured?: boolean;
}

/** Wait for the value at the zone's servers, found by a resolver that must never hear of the challenge. */
async function wait(servers: readonly FakeDnsServer[], waiting: Waiting = {}): Promise<FakeDnsServer> {
  const { values = [AWAITED], rounds = 1000, alsoAt = [], configured = false } = waiting;
  const addresses = [...servers.map(({ address }) => address), ...alsoAt];
  const hosts = Object.fromEntries(addresses.map((address, index) => [`ns${index + 1}.test`, [address]]));
  const [resolver] = await serve({
    resolver: true,
    zones: [hostsZone('test', hosts), zoneOf('example.com', Object.keys(hosts))],
  });
  onTestFinished(() => expect(resolver.challengeQuestions()).toEqual([]));

  let asked = 0;
  const patient = waiting.deadline ?? startDeadline(15_000);
  const deadline = { ...patient, remaining: () => (asked < rounds ? patient.remaining() : 0) };
  const progress = (round: Round) => {
    asked++;
    waiting.progress?.(round);
  };
  const nameservers = configured
    ? [{ zone: normaliseName('example.com'), servers: servers.map((server) => server.at) }]
    : [];
  const settings = { resolvers: [resolver.at], nameservers, allowNetworks: LOCAL, port: servers[0]?.port ?? 53 };
  const finder = openAuthorityFinder(settings, deadline.signal);
  const late = await checkPropagation(values, finder, { interval: 0.03, settle: 2, ...waiting, progress }, deadline);
  if (late) throw late.error;
  return resolver;
}

describe('the propagation check', () => {
  it('opens after two full rounds at every server', async () => {
    const servers = await serve(at('127.0.0.1'), at('127.0.0.2'));
    await wait(servers);
    expect(servers.map(looks)).toEqual([
      [NAME, NAME],
      [NAME, NAME],
    ]);
  });

  it('takes as many full rounds as it is told', async () => {
    const servers = await serve(at('127.0.0.1'));
    await wait(servers, { settle: 5 });
    expect(servers.map((server) => looks(server).length)).toEqual([5]);
  });

  it('finds the value among others', async () => {
    const servers = await serve(at('127.0.0.1', zoneOf('example.com', [], { values: ['one', VALUE, OTHER] })));
    await wait(servers);
    expect(looks(servers[0])).toHaveLength(2);
  });

  it('finds the value over TCP where it does not fit into a packet', async () => {
    const servers = await serve(at('127.0.0.1', EXAMPLE, { manners: { udp: 'truncated' } }));
    await wait(servers);
    expect(servers[0].questions.filter(({ transport, type }) => transport === 'tcp' && type === 'TXT')).toHaveLength(2);
  });

  it('is held back by one server that lags, and asks only that one meanwhile', async () => {
    const servers = await serve(at('127.0.0.1'), at('127.0.0.2'), at('127.0.0.3'));
    servers[1].show(NAME, fromQuestion(6, VALUE));
    await wait(servers);
    // One full round at first; the late one five times more; then two full rounds.
    expect(servers.map((server) => looks(server).length)).toEqual([3, 8, 3]);
  });

  it('is not content with another value', async () => {
    const servers = await serve(at('127.0.0.1', zoneOf('example.com', [], { values: [OTHER] })));
    servers[0].show(NAME, (nth) => (nth < 4 ? [OTHER, VALUE.toLowerCase()] : [OTHER, VALUE]));
    await wait(servers);
    expect(looks(servers[0])).toHaveLength(5);
  });

  it('begins again when a settling round shows a machine that lags behind an address', async () => {
    const servers = await serve(at('127.0.0.1'), at('127.0.0.2'));
    servers[0].show(NAME, (nth) => (nth <= 4 ? flapping([VALUE], [])(nth) : [VALUE]));
    await wait(servers, { settle: 3 });
    // Shown, not shown, shown, not shown; then once more alone, and three full rounds.
    expect(servers.map((server) => looks(server).length)).toEqual([8, 6]);
  });

  it('never opens for a server that flaps', async () => {
    const servers = await serve(at('127.0.0.1'));
    servers[0].show(NAME, flapping([VALUE], []));
    const failure = await failureOf(wait(servers, { rounds: 12 }));
    expect(failure.code).toBe('E_PROPAGATION');
  });

  describe('with several values', () => {
    it('waits for each of two values at one name, with one question for both', async () => {
      const servers = await serve(at('127.0.0.1'));
      servers[0].show(NAME, (nth) => (nth <= 4 ? [VALUE] : [OTHER, VALUE]));
      await wait(servers, { values: [AWAITED, { name: NAME, value: OTHER }] });
      expect(looks(servers[0])).toHaveLength(6);
    });

    it('does not count a name as late where only an address without a way to it does not show it', async () => {
      const [server] = await serve(at('127.0.0.1', { name: 'example.com' }));
      server.show(NAME, [VALUE]);
      const servers = [server.at, `[${UNREACHABLE}]:${server.port}`];
      const nameservers = [{ zone: normaliseName('example.com'), servers }];
      const finder = openAuthorityFinder({ resolvers: [], nameservers }, AbortSignal.timeout(5000));
      const late = { name: normaliseName('_acme-challenge.late.example.com'), value: VALUE };
      const outcome = await checkPropagation(
        [AWAITED, late],
        finder,
        { interval: 0.02, settle: 2 },
        startDeadline(300),
      );
      expect([...(outcome?.names ?? [])]).toEqual([late.name]);
    });

    it('tells which are late, and waits for the others all the same', async () => {
      const [server] = await serve(at('127.0.0.1', { name: 'example.com' }));
      server.show(NAME, [VALUE]);
      const finder = openAuthorityFinder(
        { resolvers: [], nameservers: [{ zone: normaliseName('example.com'), servers: [server.at] }] },
        AbortSignal.timeout(5000),
      );
      const late = { name: normaliseName('_acme-challenge.late.example.com'), value: VALUE };
      const outcome = await checkPropagation(
        [AWAITED, late],
        finder,
        { interval: 0.02, settle: 2 },
        startDeadline(300),
      );
      expect([...(outcome?.names ?? [])]).toEqual([late.name]);
      expect(outcome?.error).toMatchObject({ code: 'E_PROPAGATION' });
    });

    it('looks up one NS set once for many names', async () => {
      const hosts = Array.from({ length: 20 }, (_, index) => `h${index}`);
      const values = hosts.map((host) => ({
        name: normaliseName(`_acme-challenge.${host}.example.com`),
        value: VALUE,
      }));
      const records = values.map(({ name }) => ({ name, type: 'TXT', data: VALUE }) as const);
      const servers = await serve(at('127.0.0.1', { name: 'example.com', records }));
      const resolver = await wait(servers, { values });
      const asked = resolver.questions.map(({ name, type }) => `${name} ${type}`);
      expect(asked.filter((question) => question === 'example.com NS')).toHaveLength(1);
      expect(asked.filter((question) => question.startsWith('ns1.test'))).toHaveLength(2);
    });

    it('tells how many of the questions are answered as wished', async () => {
      const servers = await serve(at('127.0.0.1'), at('127.0.0.2'));
      servers[1].show(NAME, fromQuestion(2, VALUE, OTHER));
      servers[0].show(NAME, [VALUE, OTHER]);
      const seen: string[] = [];
      await wait(servers, {
        values: [AWAITED, { name: NAME, value: OTHER }],
        progress: ({ shown, asked, lagging = 'none' }) => void seen.push(`${shown}/${asked} ${lagging}`),
      });
      expect(seen[0]).toBe('1/2 ns2.test');
      expect(seen.slice(-2)).toEqual(['2/2 none', '2/2 none']);
    });
  });

  describe('and an address family that is dead from here', () => {
    it('ignores it where the kernel knows no way', async () => {
      const servers = await serve(at('127.0.0.1'));
      const progress: number[] = [];
      await wait(servers, { alsoAt: [UNREACHABLE], progress: ({ asked }) => void progress.push(asked) });
      expect(progress).toEqual([1, 1]);
    });

    it('ignores it where nothing of it answers', async () => {
      const servers = await serve(at('127.0.0.1'));
      servers[0].show(NAME, fromQuestion(3, VALUE));
      await wait(servers, { alsoAt: ['::1'] });
      expect(looks(servers[0])).toHaveLength(4);
    });

    it('still counts the silent one where both are dead', async () => {
      // An address of its own: on 127.0.0.1 another test may listen at the port that is closed here.
      const servers = await serve(at('127.54.99.1'));
      await servers[0].close();
      const asked: number[] = [];
      const progress = (round: Round) => void asked.push(round.asked);
      const failure = await failureOf(wait(servers, { alsoAt: [UNREACHABLE], rounds: 2, progress }));
      expect(asked).toEqual([1, 1]);
      expect(failure.message).toContain('refuses connections');
      expect(failure.message).toContain('cannot be reached from here');
    });

    it('never opens where no server can be reached at all', async () => {
      const failure = await failureOf(wait([], { alsoAt: [UNREACHABLE], rounds: 3 }));
      expect(failure.message).toContain('cannot be reached from here');
    });

    it('does not ignore a dead server of a living family', async () => {
      const servers = await serve(at('127.0.0.1'));
      const failure = await failureOf(wait(servers, { alsoAt: ['127.0.0.2'], rounds: 2 }));
      expect(failure.code).toBe('E_PROPAGATION');
      expect(failure.message).toMatch(/ns1\.test \S+ shows it; ns2\.test \S+ refuses connections/);
    });

    it.skipIf(!HAS_IPV6)('does not ignore it once it answers', async () => {
      const [v4, v6] = await serve(at('127.0.0.1'), at('::1', EMPTY));
      await v6.close();
      const revived: FakeDnsServer[] = [];
      // By the time that the first family shows the value, the other one lives, and lags.
      v4.show(NAME, async (nth) => {
        if (nth < 3) return [];
        if (nth === 3) {
          const [again] = await serve(at('::1', EMPTY, { port: v4.port }));
          again.show(NAME, fromQuestion(3, VALUE));
          revived.push(again);
        }
        return [VALUE];
      });
      await wait([v4], { alsoAt: ['::1'] });
      expect(revived.map((server) => looks(server).length)[0]).toBeGreaterThanOrEqual(4);
    });
  });

  describe('and authority', () => {
    it('is held back by a server of the NS set that does not serve the zone', async () => {
      const servers = await serve(at('127.0.0.1'), at('127.0.0.2', { ...EXAMPLE, lame: true }));
      const failure = await failureOf(wait(servers, { rounds: 2 }));
      expect(failure.message).toMatch(/ns2\.test \S+ does not serve the zone/);
    });

    it('takes the word of configured servers as it is', async () => {
      const [server] = await serve(at('127.0.0.1', { ...EXAMPLE, lame: true }));
      await wait([server], { configured: true });
      expect(looks(server)).toHaveLength(2);
    });

    it('asks the servers of a challenge name that is a zone of its own', async () => {
      const child = { name: NAME, records: [{ name: NAME, type: 'TXT', data: VALUE } as const] };
      const parent = { ...EMPTY, delegations: { [NAME]: { [`ns.${NAME}`]: ['127.0.0.2'] } } };
      const [first, second] = await serve(at('127.0.0.1', parent), at('127.0.0.2', child));
      await wait([first]);
      expect(looks(first)).toEqual([]);
      expect(looks(second)).toEqual([NAME, NAME]);
    });

    it('finds the value where an alias leads on the same server', async () => {
      const records = [
        { name: NAME, type: 'CNAME', data: 'x.acme.example.com' },
        { name: 'x.acme.example.com', type: 'TXT', data: VALUE },
      ] as const;
      const servers = await serve(at('127.0.0.1', { name: 'example.com', records }));
      await wait(servers);
      expect(looks(servers[0])).toHaveLength(2);
    });
  });

  describe('where no name server of the DNS answers', () => {
    it.each([
      ['silent', { manners: { udp: 'silent', tcp: 'silent' } }],
      ['rewritten', { resolver: true, zones: [EXAMPLE] }],
    ] as const)('gives up early if it is told to: %s', async (blocked, manner) => {
      const [server] = await serve({ address: '127.0.0.1', ...manner });
      const servers = [{ name: 'ns1.test', address: server.address, port: server.port }];
      const find = async () => ({ zone: normaliseName('example.com'), servers, configured: false });
      const finder = { find, zoneOf: async () => undefined };
      const check = (blockedAfterMs?: number) =>
        checkPropagation([AWAITED], finder, { interval: 0.05, settle: 2, blockedAfterMs }, startDeadline(10_000));
      const started = performance.now();
      expect(await check(100)).toMatchObject({ blocked, error: { code: 'E_PROPAGATION' } });
      expect(performance.now() - started).toBeLessThan(5000);
    });

    it('does not count the silence of servers that the config names', async () => {
      const [server] = await serve({ address: '127.54.98.1' });
      await server.close();
      const servers = [{ name: server.at, address: server.address, port: server.port }];
      const find = async () => ({ zone: normaliseName('example.com'), servers, configured: true });
      const finder = { find, zoneOf: async () => undefined };
      const settings = { interval: 0.05, settle: 2, blockedAfterMs: 1 };
      const late = await checkPropagation([AWAITED], finder, settings, startDeadline(1700));
      expect(late).toMatchObject({ error: { code: 'E_PROPAGATION' }, blocked: undefined });
    });

    it.each([
      ['an authoritative answer', [at('127.0.0.1', EMPTY), at('127.0.0.2', { ...EMPTY, lame: true })], false],
      ['servers that the config names', [at('127.0.0.1', { ...EMPTY, lame: true })], true],
    ] as const)('does not count %s as that', async (_, given, configured) => {
      const servers = await serve(...given);
      const failure = await failureOf(wait(servers, { configured, rounds: 4, blockedAfterMs: 1 }));
      expect(failure.message).toMatch(/^not shown by every name server/);
      expect(looks(servers[0]).length).toBeGreaterThan(1);
    });
  });

  describe('at the end of the time', () => {
    it('says which server answered what', async () => {
      const alias = { name: NAME, type: 'CNAME', data: 'x.example.net' } as const;
      const servers = await serve(
        at('127.0.0.1'),
        at('127.0.0.2', EMPTY),
        at('127.0.0.3', zoneOf('example.com', [], { records: [{ name: `a.${NAME}`, type: 'TXT', data: 'x' }] })),
        at('127.0.0.4', zoneOf('example.com', [], { values: [OTHER] })),
        at('127.0.0.5', zoneOf('example.com', [], { values: [OTHER, 'another'] })),
        at('127.0.0.6', EXAMPLE, { manners: { rcode: 'REFUSED' } }),
        at('127.0.0.7', zoneOf('example.com', [], { records: [alias] })),
      );
      const failure = await failureOf(wait(servers, { rounds: 2 }));
      expect(failure).toMatchObject({ code: 'E_PROPAGATION', exitCode: 75, retryable: true });
      const details = [
        'ns1.test 127.0.0.1 shows it',
        'ns2.test 127.0.0.2 answers NXDOMAIN',
        'ns3.test 127.0.0.3 has no TXT there',
        'ns4.test 127.0.0.4 has 1 other value',
        'ns5.test 127.0.0.5 has 2 other values',
        'ns6.test 127.0.0.6 answers REFUSED',
        'ns7.test 127.0.0.7 has a CNAME to x.example.net',
      ].join('; ');
      const message = failure.message.replaceAll(`:${servers[0].port}`, '').replace(/\d+ s:/, '0 s:');
      expect(message).toBe(`not shown by every name server after 0 s: ${NAME} (${details})`);
    });

    it('says it also of the server that the end cut short', async () => {
      const servers = await serve(at('127.0.0.1', EMPTY), at('127.0.0.2', EXAMPLE));
      const stop = new AbortController();
      servers[0].show(NAME, async (nth) => {
        if (nth < 3) return [OTHER];
        servers[0].manners = { udp: 'silent' };
        stop.abort();
        return [];
      });
      const failure = await failureOf(wait(servers, { deadline: startDeadline(10_000, stop.signal) }));
      expect(failure.message).toMatch(/ns1\.test \S+ has 1 other value/);
    });

    it.each([
      [
        'the confirming round is cut short',
        0.03,
        (nth: number) => (nth === 1 ? [VALUE] : new Promise<string[]>(() => {})),
      ],
      ['it is over before the confirming round', 9, () => [VALUE]],
    ])('all names are late where %s', async (_, interval, script) => {
      const [server] = await serve(at('127.0.0.1', EMPTY));
      server.show(NAME, async (nth) => script(nth));
      const nameservers = [{ zone: normaliseName('example.com'), servers: [server.at] }];
      const finder = openAuthorityFinder({ resolvers: [], nameservers }, AbortSignal.timeout(5000));
      const late = await checkPropagation([AWAITED], finder, { interval, settle: 2 }, startDeadline(400));
      expect([...(late?.names ?? [])]).toEqual([NAME]);
      expect(late?.error.message).toMatch(/^shown by every name server, but not in 2 rounds in a row after 0 s: /);
    });

    it('names a configured server once', async () => {
      const [server] = await serve(at('127.0.0.1', EMPTY));
      const failure = await failureOf(wait([server], { configured: true, rounds: 2 }));
      expect(failure.message).toContain(`(${server.at} answers NXDOMAIN)`);
    });

    it('lists a few names and counts the rest', async () => {
      const values = Array.from({ length: 8 }, (_, index) => ({
        name: normaliseName(`_acme-challenge.h${index}.example.com`),
        value: VALUE,
      }));
      const servers = await serve(at('127.0.0.1', EMPTY));
      const failure = await failureOf(wait(servers, { values, rounds: 2 }));
      expect(failure.message.match(/_acme-challenge/g)).toHaveLength(5);
      expect(failure.message).toContain('and 3 more');
    });

    it('fails as the look-up of the servers fails', async () => {
      const servers = await serve(at('127.0.0.1'));
      const values = [{ name: normaliseName('_acme-challenge.unknown.invalid'), value: VALUE }];
      expect(await failureOf(wait(servers, { values }))).toMatchObject({ code: 'E_ZONE' });
    });
  });
});
