import type * as dnsPacket from 'dns-packet';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { hostsZone, serve, zoneOf } from '../dns/support.ts';
import type { FakeDnsSettings } from '../fakes/dns-server.ts';
import { type Answering, type FakeOperator, startOperator } from '../fakes/operator.ts';
import { expectFailure, OTHER_VALUE, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { CA_FILE } from '../support/https.ts';

const NAME = '_acme-challenge.example.com';

let here: Workplace;
beforeEach(async () => {
  here = await openWorkplace();
});
afterEach(() => here.remove());

const soa = (minimum: number): dnsPacket.Answer => ({
  type: 'SOA',
  name: 'example.com',
  ttl: 3600,
  data: { mname: 'ns1.test', rname: 'x.test', serial: 1, refresh: 1, retry: 1, expire: 1, minimum },
});

/** An operator that shows these values for the n-th query, and caches for a second that a name does not exist. */
function showing(valuesFor: (nth: number) => readonly string[], negativeTtlS = 1): Answering {
  let nth = 0;
  return ({ name }) => {
    const values = name === NAME ? valuesFor(++nth) : [];
    if (values.length === 0) return { rcode: 'NXDOMAIN', authorities: [soa(negativeTtlS)] };
    return { answers: values.map((data) => ({ type: 'TXT', name, ttl: 1, data })) };
  };
}

async function operator(answer: Answering, scheme?: 'h2'): Promise<FakeOperator> {
  const started = await startOperator({ answer, ...(scheme ? { scheme } : {}) });
  onTestFinished(started.close);
  return started;
}

/** The network: what is at the address of the zone's name server, and what dns01 may ask. */
async function network(server: FakeDnsSettings, doh: readonly FakeOperator[] | undefined, timeout: number) {
  const [resolver] = await serve({
    resolver: true,
    zones: [hostsZone('test', { 'ns1.test': ['127.0.0.1'] }), zoneOf('example.com', ['ns1.test'])],
  });
  const [at] = await serve(server);
  const urls = doh ? `  doh: [${doh.map(({ url }) => `"${url}"`).join(', ')}]\n` : '';
  await here.configure(
    `accounts: { here: { provider: embedded, zones: [example.org] } }
dns:
  resolvers: ["${resolver.at}"]
  roots: ["${at.at}"]
  followCnames: false
  allowNetworks: [127.0.0.0/8]
${urls}propagation: { timeout: ${timeout}, interval: 0.1 }
`,
  );
  return { resolver };
}

/** Something on the way answers every DNS query in place of the server that it is meant for. */
const REWRITTEN: FakeDnsSettings = { resolver: true, zones: [zoneOf('example.com', ['ns1.test'])] };
const DROPPED: FakeDnsSettings = { manners: { udp: 'silent', tcp: 'silent' } };

const wait = (env: Record<string, string> = {}) => here.run(['wait-txt', NAME, VALUE], { env });
const challengeQuestions = ({ questions }: FakeOperator) => questions.filter(({ name }) => name === NAME).length;

const INSTEAD =
  'no answer comes from a server of the zone, so something else answers in their place, or none of them serves it';

describe('where something else answers DNS queries', () => {
  it('asks the resolvers of dns.doh after the time that they cache a missing name, and says so', async () => {
    const [one, two] = [await operator(showing(() => [OTHER_VALUE, VALUE])), await operator(showing(() => [VALUE]))];
    await network(REWRITTEN, [one, two], 3);
    const { code, stdout, stderr } = await wait();
    const hosts = [one, two].map(({ url }) => new URL(url).host).join(', ');
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `dns01: ${INSTEAD}: asking ${hosts} instead, in 1 s, when their caches have expired\n`,
    });
    const line = /^_acme-challenge\.example\.com: shown by every resolver of dns\.doh after (\d\.\d) s\n$/;
    // A quarter of the time for the name servers, then what the resolvers cache.
    expect(Number(line.exec(stdout)?.[1])).toBeGreaterThan(1.5);
    expect([one, two].map(challengeQuestions)).toEqual([2, 2]);
  });

  it.each([
    ['says so', REWRITTEN, INSTEAD],
    ['says that packets are dropped', DROPPED, 'no name server can be asked from here'],
  ])('%s at the end of the time, with what to do, where dns.doh is not set', async (_, server, text) => {
    await network(server, undefined, 2);
    const hint = /port 53 of any address, or name resolvers over HTTPS in dns\.doh/;
    expectFailure(await wait(), 75, new RegExp(`; ${text}$`, 'm'), hint);
  });
});

describe('the resolvers of dns.doh', () => {
  it('must all show the value, those that answer', async () => {
    const [shows, lags] = [await operator(showing(() => [VALUE])), await operator(showing(() => []))];
    const dead = await operator(() => ({}));
    await dead.close();
    await network(REWRITTEN, [shows, lags, dead], 2);
    const outcome = await wait();
    const host = (each: FakeOperator) => new URL(each.url).host.replaceAll('.', '\\.');
    expectFailure(
      outcome,
      75,
      new RegExp(
        `not shown by every resolver of dns\\.doh after \\d s: ${NAME} \\(${host(shows)} shows it; ${host(lags)} answers NXDOMAIN; ${host(dead)} `,
      ),
      /propagation\.timeout/,
    );
  });

  it('show it once and then not: the rounds begin again', async () => {
    const flapping = await operator(showing((nth) => (nth === 2 ? [] : [VALUE]), 0));
    await network(REWRITTEN, [flapping], 3);
    expect((await wait()).code).toBe(0);
    expect(challengeQuestions(flapping)).toBe(4);
  });

  it('are never enough where none answers', async () => {
    const dead = await operator(() => ({}));
    await dead.close();
    await network(REWRITTEN, [dead], 2);
    expectFailure(await wait(), 75, /not shown by every resolver of dns\.doh .* refuses connections/, /propagation/);
  });

  it('say why they refuse the answer', async () => {
    const refusing = await operator(() => ({ rcode: 'SERVFAIL', errors: [{ code: 7 }] }));
    await network(REWRITTEN, [refusing], 2);
    expectFailure(await wait(), 75, /answers SERVFAIL: a signature has expired/, /propagation/);
  });

  it('are asked in the last part of the time where they cache for longer', async () => {
    const there = await operator(showing(() => [VALUE], 3600));
    await network(REWRITTEN, [there], 2);
    const { code, stderr } = await wait();
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/in [12] s, near the end .* only in 3600 s/),
    });
  });

  it('are trusted as Node is told to', async () => {
    const there = await operator(
      showing(() => [VALUE]),
      'h2',
    );
    await network(REWRITTEN, [there], 2);
    expect(await wait({ NODE_EXTRA_CA_CERTS: CA_FILE })).toMatchObject({ code: 0 });
    expectFailure(await wait(), 75, /the certificate of https:\S+ is not trusted/, /propagation/);
  });

  it('are not asked while a name server answers', async () => {
    const there = await operator(showing(() => [VALUE]));
    await network({ zones: [zoneOf('example.com', ['ns1.test'])] }, [there], 1);
    expectFailure(await wait(), 75, /not shown by every name server/, /propagation/);
    expect(there.questions).toEqual([]);
  });
});
