import { describe, expect, it, onTestFinished } from 'vitest';
import { type Authority, type DnsSettings, openAuthorityFinder } from '../../src/dns/authority.ts';
import { normaliseName } from '../../src/names.ts';
import type { FakeDnsServer, FakeZone } from '../fakes/dns-server.ts';
import { failureOf, hostsZone, LOCAL, serve, zoneOf } from './support.ts';

const NAME = normaliseName('_acme-challenge.example.com');

/** A resolver of these zones; at the end of the test nobody may have asked it about a challenge. */
async function resolverOf(...zones: FakeZone[]): Promise<FakeDnsServer> {
  const [resolver] = await serve({ resolver: true, zones });
  onTestFinished(() => expect(resolver.challengeQuestions()).toEqual([]));
  return resolver;
}

function finderWith(resolvers: readonly FakeDnsServer[], settings: Partial<DnsSettings> = {}) {
  const addresses = resolvers.map(({ at }) => at);
  return openAuthorityFinder(
    { resolvers: addresses, nameservers: [], allowNetworks: LOCAL, ...settings },
    new AbortController().signal,
  );
}

const asked = ({ questions }: FakeDnsServer) => questions.map(({ name, type }) => `${name} ${type}`);
const addressesOf = ({ servers }: Authority) => servers.map(({ address }) => address);

describe('the authority for a name', () => {
  it('is every address of every server of the zone, asked on the port of the settings', async () => {
    const [server] = await serve({ zones: [zoneOf('example.com', [])] });
    const resolver = await resolverOf(
      zoneOf('example.com', ['ns1.example.net', 'ns2.example.net']),
      hostsZone('example.net', {
        'ns1.example.net': ['127.0.0.1', '127.0.0.2', '::1'],
        'ns2.example.net': ['127.0.0.3'],
      }),
    );
    const { port } = server;
    expect(await finderWith([resolver], { port }).find(NAME)).toEqual({
      zone: 'example.com',
      configured: false,
      servers: [
        { name: 'ns1.example.net', address: '127.0.0.1', port },
        { name: 'ns1.example.net', address: '127.0.0.2', port },
        { name: 'ns1.example.net', address: '::1', port },
        { name: 'ns2.example.net', address: '127.0.0.3', port },
      ],
    });
  });

  it('asks the resolver for recursion, and the server itself for none', async () => {
    const [server] = await serve({ zones: [zoneOf('example.com', [])] });
    const resolver = await resolverOf(
      zoneOf('example.com', ['ns.test']),
      hostsZone('test', { 'ns.test': ['127.0.0.1'] }),
    );
    await finderWith([resolver], { port: server.port }).find(NAME);
    expect(new Set(resolver.questions.map(({ recursive }) => recursive))).toEqual(new Set([true]));
    expect(new Set(server.questions.map(({ recursive }) => recursive))).toEqual(new Set([false]));
  });

  it('follows an alias from a name server to its addresses', async () => {
    const [server] = await serve({ zones: [zoneOf('example.com', [])] });
    const resolver = await resolverOf(zoneOf('example.com', ['ns.example.net']), {
      name: 'example.net',
      records: [
        { name: 'ns.example.net', type: 'CNAME', data: 'real.example.net' },
        { name: 'real.example.net', type: 'A', data: '127.0.0.1' },
      ],
    });
    expect(addressesOf(await finderWith([resolver], { port: server.port }).find(NAME))).toEqual(['127.0.0.1']);
  });

  it('goes on without a name server that nobody can find', async () => {
    const [server] = await serve({ zones: [zoneOf('example.com', [])] });
    const resolver = await resolverOf(
      zoneOf('example.com', ['gone.invalid', 'ns.test']),
      hostsZone('test', { 'ns.test': ['127.0.0.1'] }),
    );
    expect(addressesOf(await finderWith([resolver], { port: server.port }).find(NAME))).toEqual(['127.0.0.1']);
  });

  it('fails where no name server has an address', async () => {
    const resolver = await resolverOf(zoneOf('example.com', ['gone.invalid']));
    const failure = await failureOf(finderWith([resolver]).find(NAME));
    expect(failure).toMatchObject({ code: 'E_REMOTE', hint: expect.stringContaining('dns.nameservers') });
    expect(failure.message).toContain('gone.invalid');
  });

  describe('above the name', () => {
    const hosts = hostsZone('test', { 'ns.test': ['127.0.0.1'] });

    it('is found in one step from the SOA of a negative answer', async () => {
      const [server] = await serve({ zones: [zoneOf('example.com', [])] });
      const resolver = await resolverOf(zoneOf('example.com', ['ns.test']), hosts);
      const found = await finderWith([resolver], { port: server.port }).find(
        normaliseName('_acme-challenge.a.b.c.example.com'),
      );
      expect(found.zone).toBe('example.com');
      expect(asked(resolver)).toEqual(['a.b.c.example.com NS', 'example.com NS', 'ns.test A', 'ns.test AAAA']);
    });

    it('is searched for from the domain on, also above the label of an account', async () => {
      const [server] = await serve({ zones: [zoneOf('example.com', [])] });
      const resolver = await resolverOf(zoneOf('example.com', ['ns.test']), hosts);
      const name = normaliseName('_ujmmovf2vn55tgye._acme-challenge.www.example.com');
      expect((await finderWith([resolver], { port: server.port }).find(name)).zone).toBe('example.com');
      expect(asked(resolver)).toEqual(['www.example.com NS', 'example.com NS', 'ns.test A', 'ns.test AAAA']);
    });

    it('is found below, where the challenge name is a zone that holds the name with the label of an account', async () => {
      const delegations = { '_acme-challenge.example.com': { 'ns2.test': ['127.0.0.2'] } };
      const [server] = await serve(
        { zones: [zoneOf('example.com', [], { delegations })] },
        { address: '127.0.0.2', zones: [zoneOf('_acme-challenge.example.com', [])] },
      );
      const resolver = await resolverOf(zoneOf('example.com', ['ns.test']), hosts);
      const name = normaliseName('_ujmmovf2vn55tgye._acme-challenge.example.com');
      const found = await finderWith([resolver], { port: server.port }).find(name);
      expect([found.zone, ...addressesOf(found)]).toEqual(['_acme-challenge.example.com', '127.0.0.2']);
    });

    it('is found label by label where the resolver gives no hint', async () => {
      const [server] = await serve({ zones: [zoneOf('example.com', [])] });
      const resolver = await resolverOf(
        zoneOf('example.com', ['ns.test']),
        hosts,
        {
          name: 'a.b.example.com',
          records: [{ name: 'a.b.example.com', type: 'CNAME', data: 'ns.test' }],
        },
        { name: 'b.example.com', records: [{ name: 'b.example.com', type: 'CNAME', data: 'ns.test' }] },
      );
      const found = await finderWith([resolver], { port: server.port }).find(
        normaliseName('_acme-challenge.a.b.example.com'),
      );
      expect(found.zone).toBe('example.com');
      expect(asked(resolver).slice(0, 3)).toEqual(['a.b.example.com NS', 'b.example.com NS', 'example.com NS']);
    });

    it('is the nearest zone, not the registered domain', async () => {
      const [server] = await serve({ zones: [zoneOf('sub.example.com', [])] });
      const resolver = await resolverOf(
        zoneOf('example.com', ['other.test']),
        zoneOf('sub.example.com', ['ns.test']),
        hosts,
      );
      const found = await finderWith([resolver], { port: server.port }).find(
        normaliseName('_acme-challenge.sub.example.com'),
      );
      expect(found.zone).toBe('sub.example.com');
    });

    it('is the name itself where that is the top of a zone', async () => {
      const resolver = await resolverOf(zoneOf('example.net', ['ns.test']), hosts);
      expect((await finderWith([resolver], { port: resolver.port }).find(normaliseName('example.net'))).zone).toBe(
        'example.net',
      );
    });
  });

  describe('where the name is delegated', () => {
    const parent = (delegated: string, glue: Record<string, string[]>): FakeZone =>
      zoneOf('example.com', [], { delegations: { [delegated]: glue } });

    it.each([NAME, 'www.example.com'])('is what %s is delegated to, by the glue', async (delegated) => {
      const [server] = await serve(
        { zones: [parent(delegated, { 'ns.child.example.com': ['127.0.0.2', '::1'] })] },
        { address: '127.0.0.2', zones: [zoneOf(delegated, [])] },
      );
      const resolver = await resolverOf(
        zoneOf('example.com', ['ns.test']),
        hostsZone('test', { 'ns.test': ['127.0.0.1'] }),
      );
      const name = delegated === NAME ? NAME : normaliseName(`_acme-challenge.${delegated}`);
      const found = await finderWith([resolver], { port: server.port }).find(name);
      expect(found.zone).toBe(delegated);
      expect(addressesOf(found)).toEqual(['127.0.0.2', '::1']);
      expect(asked(resolver)).not.toContain('ns.child.example.com A');
    });

    it('asks the resolver for the addresses that come without glue', async () => {
      const [server] = await serve(
        { zones: [parent(NAME, { 'ns.elsewhere.test': [] })] },
        { address: '127.0.0.2', zones: [zoneOf(NAME, [])] },
      );
      const resolver = await resolverOf(
        zoneOf('example.com', ['ns.test']),
        hostsZone('test', { 'ns.test': ['127.0.0.1'], 'ns.elsewhere.test': ['127.0.0.2'] }),
      );
      const found = await finderWith([resolver], { port: server.port }).find(NAME);
      expect(found).toMatchObject({ zone: NAME, servers: [{ name: 'ns.elsewhere.test', address: '127.0.0.2' }] });
    });

    it('is found where the same server holds both zones and refers to nobody', async () => {
      const [server] = await serve({ zones: [zoneOf('example.com', []), zoneOf(NAME, ['ns2.test'])] });
      const resolver = await resolverOf(
        zoneOf('example.com', ['ns.test']),
        hostsZone('test', { 'ns.test': ['127.0.0.1'], 'ns2.test': ['127.0.0.9'] }),
      );
      const found = await finderWith([resolver], { port: server.port }).find(NAME);
      expect(found).toMatchObject({ zone: NAME, servers: [{ address: '127.0.0.9' }] });
    });

    it('is told by the second server where the first is dead or lame', async () => {
      const zones = [parent(NAME, { 'ns.child.example.com': ['127.0.0.4'] })];
      const [server, lame] = await serve(
        { address: '127.0.0.2', zones: [{ ...zoneOf('example.com', []), lame: true }] },
        { address: '127.0.0.3', zones },
      );
      const resolver = await resolverOf(
        zoneOf('example.com', ['dead.test', 'lame.test', 'good.test']),
        hostsZone('test', { 'dead.test': ['127.0.0.5'], 'lame.test': ['127.0.0.2'], 'good.test': ['127.0.0.3'] }),
      );
      const found = await finderWith([resolver], { port: server.port }).find(NAME);
      expect(found.zone).toBe(NAME);
      expect(asked(lame)).toEqual([`${NAME} NS`]);
    });

    it.each([
      ['upwards', 'com'],
      ['to the zone itself', 'example.com'],
      ['beside the name', 'other.example.com'],
    ])('stays where it is when a server refers %s', async (_, cut) => {
      const delegations = { [cut]: { 'ns.evil.test': ['127.0.0.6'] } };
      const [server] = await serve({ zones: [{ name: 'com', delegations, strays: true }] });
      const resolver = await resolverOf(
        zoneOf('example.com', ['ns.test']),
        hostsZone('test', { 'ns.test': ['127.0.0.1'] }),
      );
      const found = await finderWith([resolver], { port: server.port }).find(NAME);
      expect(found).toMatchObject({ zone: 'example.com', servers: [{ address: '127.0.0.1' }] });
    });

    it('ends where delegations below each other never do', async () => {
      const name = normaliseName(`${'a.'.repeat(12)}example.com`);
      const zones = Array.from({ length: 12 }, (_, depth) => `${'a.'.repeat(depth)}example.com`);
      const [server] = await serve({ zones: [{ name: 'com' }] });
      // Every time it is asked, the server refers one label further down, to itself.
      let depth = 0;
      server.serve(() => {
        const cut = zones[++depth] ?? name;
        return [{ name: 'com', delegations: { [cut]: { 'ns.test': ['127.0.0.1'] } } }];
      });
      const resolver = await resolverOf(
        zoneOf('example.com', ['ns.test']),
        hostsZone('test', { 'ns.test': ['127.0.0.1'] }),
      );
      const failure = await failureOf(finderWith([resolver], { port: server.port }).find(name));
      expect(failure).toMatchObject({ code: 'E_ZONE', message: expect.stringContaining('delegations') });
    });
  });

  describe('from the configuration', () => {
    const nameservers = [
      { zone: normaliseName('example.com'), servers: ['127.0.0.1:5300', '[::1]:5301'] },
      { zone: normaliseName('sub.example.com'), servers: ['127.0.0.2'] },
    ];

    it('is what it says, and nobody is asked', async () => {
      const resolver = await resolverOf();
      expect(await finderWith([resolver], { nameservers }).find(NAME)).toEqual({
        zone: 'example.com',
        configured: true,
        servers: [
          { name: '127.0.0.1:5300', address: '127.0.0.1', port: 5300 },
          { name: '[::1]:5301', address: '::1', port: 5301 },
        ],
      });
      expect(resolver.questions).toEqual([]);
    });

    it('is the entry of the nearest zone', async () => {
      const found = await finderWith([], { nameservers }).find(normaliseName('_acme-challenge.sub.example.com'));
      expect(found).toMatchObject({ zone: 'sub.example.com', servers: [{ port: 53 }] });
    });
  });

  describe('fails', () => {
    it('with E_ZONE for a domain that does not exist', async () => {
      const resolver = await resolverOf(zoneOf('example.com', ['ns.test']));
      const failure = await failureOf(
        finderWith([resolver]).find(normaliseName('_acme-challenge.www.unknown.invalid')),
      );
      expect(failure).toMatchObject({ code: 'E_ZONE', message: expect.stringContaining('www.unknown.invalid') });
    });

    it('with E_ZONE right below a top-level domain, and asks no resolver about the challenge', async () => {
      const resolver = await resolverOf(zoneOf('lan', ['ns.test']));
      expect(await failureOf(finderWith([resolver]).find(normaliseName('_acme-challenge.lan')))).toMatchObject({
        code: 'E_ZONE',
      });
      expect(resolver.questions).toEqual([]);
    });

    it('with E_REMOTE where no resolver answers, and names each with its reason', async () => {
      const [refusing, failing, closed] = await serve(
        { manners: { rcode: 'REFUSED' } },
        { address: '127.0.0.2', manners: { rcode: 'SERVFAIL' } },
        { address: '127.0.0.3' },
      );
      await closed.close();
      const failure = await failureOf(finderWith([refusing, failing, closed]).find(NAME));
      expect(failure).toMatchObject({ code: 'E_REMOTE', hint: expect.stringContaining('dns.resolvers') });
      expect(failure.message).toContain(
        `${refusing.at}: REFUSED; ${failing.at}: SERVFAIL; ${closed.at}: refuses connections`,
      );
    });

    it('at once when the time is up', async () => {
      const [silent] = await serve({ manners: { udp: 'silent' } });
      const stop = new AbortController();
      const found = openAuthorityFinder({ resolvers: [silent.at], nameservers: [] }, stop.signal).find(
        normaliseName('_acme-challenge.a.b.c.example.com'),
      );
      await expect.poll(() => silent.questions.length).toBe(1);
      stop.abort();
      expect(await failureOf(found)).toMatchObject({ code: 'E_REMOTE' });
      expect(silent.questions).toHaveLength(1);
    });
  });

  it('goes on to the next resolver', async () => {
    const [closed] = await serve({});
    await closed.close();
    const resolver = await resolverOf(
      zoneOf('example.com', ['ns.test']),
      hostsZone('test', { 'ns.test': ['127.0.0.1'] }),
    );
    expect((await finderWith([closed, resolver], { port: closed.port }).find(NAME)).zone).toBe('example.com');
  });

  it('looks up a zone once, however many names there are', async () => {
    const [server] = await serve({ zones: [zoneOf('example.com', [])] });
    const resolver = await resolverOf(
      zoneOf('example.com', ['ns.test']),
      hostsZone('test', { 'ns.test': ['127.0.0.1'] }),
    );
    const finder = finderWith([resolver], { port: server.port });
    const names = ['', 'a.', 'b.', 'c.'].map((host) => normaliseName(`_acme-challenge.${host}example.com`));
    const found = await Promise.all([...names, ...names].map((name) => finder.find(name)));
    expect(new Set(found.map(({ zone }) => zone))).toEqual(new Set(['example.com']));
    expect(asked(resolver)).toEqual(['example.com NS', 'ns.test A', 'ns.test AAAA']);
    expect(asked(server).sort()).toEqual(names.map((name) => `${name} NS`).sort());
  });

  describe('below a zone that is known already', () => {
    const hosts = hostsZone('test', { 'ns.test': ['127.0.0.1'], 'other.test': ['127.0.0.2'] });
    const NAME_BELOW = normaliseName('_acme-challenge.www.sub.example.com');

    const refers = [zoneOf('example.com', [], { delegations: { 'sub.example.com': { 'other.test': [] } } })];
    const holdsBoth = [zoneOf('example.com', []), zoneOf('sub.example.com', ['other.test'])];
    it.each([
      { how: 'by a referral', zones: refers },
      { how: 'though one server holds both and refers to nobody', zones: holdsBoth },
    ])('the next zone is found $how', async ({ zones }) => {
      const [server] = await serve({ zones }, { address: '127.0.0.2', zones: [zoneOf('sub.example.com', [])] });
      const resolver = await resolverOf(zoneOf('example.com', ['ns.test']), hosts);
      const finder = finderWith([resolver], { port: server.port });
      await finder.find(NAME);
      expect(await finder.find(NAME_BELOW)).toMatchObject({
        zone: 'sub.example.com',
        servers: [{ address: '127.0.0.2' }],
      });
      expect(asked(resolver).filter((question) => question.endsWith('NS'))).toEqual(['example.com NS']);
    });

    it('the resolver is asked where none of its servers answers any more', async () => {
      const [server] = await serve(
        { zones: [zoneOf('example.com', [])] },
        { address: '127.0.0.2', zones: [zoneOf('sub.example.com', [])] },
      );
      const resolver = await resolverOf(
        zoneOf('example.com', ['ns.test']),
        zoneOf('sub.example.com', ['other.test']),
        hosts,
      );
      const finder = finderWith([resolver], { port: server.port });
      await finder.find(NAME);
      server.manners = { rcode: 'REFUSED' };
      expect((await finder.find(NAME_BELOW)).zone).toBe('sub.example.com');
    });
  });

  it('tries again what has failed', async () => {
    const [server] = await serve({ zones: [zoneOf('example.com', [])] });
    const resolver = await resolverOf(
      zoneOf('example.com', ['ns.test']),
      hostsZone('test', { 'ns.test': ['127.0.0.1'] }),
    );
    resolver.manners = { rcode: 'SERVFAIL' };
    const finder = finderWith([resolver], { port: server.port });
    expect(await failureOf(finder.find(NAME))).toMatchObject({ code: 'E_REMOTE' });
    resolver.manners = {};
    expect((await finder.find(NAME)).zone).toBe('example.com');
  });

  describe('from a hostile delegation', () => {
    const hostsAt = (addresses: readonly string[]) => hostsZone('test', { 'ns.test': addresses });

    it('is not asked at addresses of this machine and its link', async () => {
      const local = ['127.0.0.1', '::1', '169.254.169.254', 'fe80::1', '0.0.0.0', '224.0.0.1'];
      const resolver = await resolverOf(zoneOf('example.com', ['ns.test']), hostsAt(local));
      const failure = await failureOf(finderWith([resolver], { allowNetworks: [], port: resolver.port }).find(NAME));
      expect(failure).toMatchObject({ code: 'E_REMOTE', hint: expect.stringContaining('dns.allowNetworks') });
      expect(failure.message).toContain('ns.test have local addresses only: 127.0.0.1, 169.254.169.254, 0.0.0.0, 224');
      expect(asked(resolver)).toEqual(['example.com NS', 'ns.test A', 'ns.test AAAA']);
    });

    it('is not asked at a local address that comes as glue', async () => {
      const delegations = { 'sub.example.com': { 'ns.sub.example.com': ['127.0.0.9'] } };
      const [server] = await serve({ zones: [zoneOf('example.com', [], { delegations })] });
      const resolver = await resolverOf(zoneOf('example.com', ['ns.test']), hostsAt(['127.0.0.1']));
      const finder = finderWith([resolver], { allowNetworks: ['127.0.0.1'], port: server.port });
      const failure = await failureOf(finder.find(normaliseName('_acme-challenge.sub.example.com')));
      expect(failure.message).toContain('127.0.0.9');
    });

    it('is asked at a local address that dns.nameservers names elsewhere', async () => {
      const [server] = await serve({ zones: [zoneOf('example.com', [])] });
      const resolver = await resolverOf(zoneOf('example.com', ['ns.test']), hostsAt(['127.0.0.1', '127.0.0.2']));
      const nameservers = [{ zone: normaliseName('example.net'), servers: ['127.0.0.1:5353'] }];
      const finder = finderWith([resolver], { allowNetworks: [], nameservers, port: server.port });
      expect(addressesOf(await finder.find(NAME))).toEqual(['127.0.0.1']);
    });

    it('has at most 13 name servers and 26 addresses', async () => {
      const names = Array.from({ length: 300 }, (_, index) => `ns${index}.test`);
      const addresses = [1, 2, 3].map((last) => `127.0.0.${last}`);
      const resolver = await resolverOf(
        zoneOf('example.com', names),
        hostsZone('test', Object.fromEntries(names.map((name) => [name, addresses]))),
      );
      const found = await finderWith([resolver], { port: 1 }).find(NAME);
      expect(found.servers).toHaveLength(26);
      expect(resolver.questions).toHaveLength(1 + 2 * 13);
    });

    it.each(['ns\n.evil.test', '$(id).test', '-x.test', 'ns .test'])(
      'is not used where an NS holds %j',
      async (data) => {
        const resolver = await resolverOf(zoneOf('example.com', ['ns.test', data]), hostsAt(['127.0.0.1']));
        const failure = await failureOf(finderWith([resolver], { port: resolver.port }).find(NAME));
        expect(failure).toMatchObject({ code: 'E_ZONE', message: expect.stringContaining('is not a host name') });
        expect(failure.message).toMatch(/^[ -~]+$/);
      },
    );

    it('gives no address that stands at another name than the one asked for', async () => {
      const records = [
        { name: 'ns.test', type: 'CNAME', data: 'real.test' },
        { name: 'real.test', type: 'A', data: '127.0.0.1' },
      ] as const;
      const [server] = await serve({ zones: [zoneOf('example.com', [])] });
      const resolver = await resolverOf(zoneOf('example.com', ['ns.test']), { name: 'test', records });
      const finder = finderWith([resolver], { port: server.port });
      expect(addressesOf(await finder.find(NAME))).toEqual(['127.0.0.1']);
    });
  });

  it('is found past eight silent servers in a few seconds', async () => {
    const addresses = Array.from({ length: 8 }, (_, index) => `127.0.0.${index + 1}`);
    const servers = await serve(...addresses.map((address) => ({ address, manners: { udp: 'silent' as const } })));
    const resolver = await resolverOf(zoneOf('example.com', ['ns.test']), hostsZone('test', { 'ns.test': addresses }));
    const started = performance.now();
    const found = await finderWith([resolver], { port: servers[0]?.port ?? 0 }).find(NAME);
    expect(found).toMatchObject({ zone: 'example.com', servers: { length: 8 } });
    expect(performance.now() - started).toBeLessThan(4000);
    // The answer of the last one is worth as much as that of the first.
    for (const server of servers) expect(server.questions.length).toBeGreaterThan(0);
  });

  it('does not wait for a silent server where the next one answers', async () => {
    const [silent, server] = await serve(
      { manners: { udp: 'silent' } },
      { address: '127.0.0.2', zones: [zoneOf('example.com', [])] },
    );
    const hosts = hostsZone('test', { 'ns.test': [silent.address, server.address] });
    const resolver = await resolverOf(zoneOf('example.com', ['ns.test']), hosts);
    const started = performance.now();
    await finderWith([resolver], { port: server.port }).find(NAME);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe('the zone of a name', () => {
  const deep = normaliseName('_acme-challenge.www.sub.example.com');
  const configured = (...servers: string[]) => [{ zone: normaliseName('example.com'), servers }];

  it('is what the configured servers say, not the zone that the config has them for', async () => {
    const [server] = await serve({ zones: [zoneOf('example.com', []), zoneOf('sub.example.com', [])] });
    const finder = finderWith([], { nameservers: configured(server.at) });
    expect(await finder.zoneOf(deep)).toBe('sub.example.com');
    expect(await finder.zoneOf(NAME)).toBe('example.com');
    expect((await finder.find(deep)).zone).toBe('example.com');
    expect(asked(server)).toEqual([`${deep} SOA`, `${NAME} SOA`]);
  });

  it('is that of the parent for a name with a CNAME, wherever that leads', async () => {
    const records = [{ name: deep, type: 'CNAME', data: 'x.example.com' }] as const;
    const [server] = await serve({ zones: [zoneOf('example.com', []), zoneOf('sub.example.com', [], { records })] });
    const finder = finderWith([], { nameservers: configured(server.at) });
    expect(await finder.zoneOf(deep)).toBe('sub.example.com');
    expect(asked(server)).toEqual([`${deep} SOA`, 'www.sub.example.com SOA']);
  });

  it('is asked for once in a run', async () => {
    const [server] = await serve({ zones: [zoneOf('example.com', [])] });
    const finder = finderWith([], { nameservers: configured(server.at) });
    expect(await Promise.all([finder.zoneOf(NAME), finder.zoneOf(NAME)])).toEqual(['example.com', 'example.com']);
    expect(await finder.zoneOf(NAME)).toBe('example.com');
    expect(server.questions).toHaveLength(1);
  });

  it('is that of the next server where the first is of no use', async () => {
    const [refusing, server] = await serve(
      { manners: { rcode: 'REFUSED' } },
      { address: '127.0.0.2', zones: [zoneOf('example.com', [])] },
    );
    const finder = finderWith([], { nameservers: configured(refusing.at, server.at) });
    expect(await finder.zoneOf(NAME)).toBe('example.com');
  });

  it('cannot be told where no configured server says it', async () => {
    const [server] = await serve({ manners: { rcode: 'REFUSED' } });
    expect(await finderWith([], { nameservers: configured(server.at) }).zoneOf(NAME)).toBeUndefined();
  });

  it('is what the DNS shows where no server is configured', async () => {
    const [server] = await serve({ zones: [zoneOf('example.com', [])] });
    const resolver = await resolverOf(
      zoneOf('example.com', ['ns.test']),
      hostsZone('test', { 'ns.test': ['127.0.0.1'] }),
    );
    const finder = finderWith([resolver], { port: server.port });
    expect(await finder.zoneOf(NAME)).toBe('example.com');
    expect(await finder.zoneOf(normaliseName('_acme-challenge.unknown.invalid'))).toBeUndefined();
  });
});
