import { expect, it } from 'vitest';
import { openDelegations } from '../../src/dns/delegation.ts';
import { normaliseName } from '../../src/names.ts';
import type { FakeDnsServer, FakeZone } from '../fakes/dns-server.ts';
import { hostsZone, serve, zoneOf } from './support.ts';

const [ROOT, TLD, OWN, OTHER] = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4'] as const;
const NAME = normaliseName('_acme-challenge.www.example.com');

/** A root that delegates to a top level, which delegates as it is told. */
const tree = (delegations: NonNullable<FakeZone['delegations']>, ...own: readonly (readonly FakeZone[])[]) =>
  serve(
    { address: ROOT, zones: [{ name: '', delegations: { com: { 'ns.com': [TLD] }, net: { 'ns.net': [TLD] } } }] },
    {
      address: TLD,
      zones: [
        { name: 'com', delegations },
        { name: 'net', delegations: { 'example.net': { 'ns.example.net': [OTHER] } } },
      ],
    },
    ...own.map((zones, index) => ({ address: [OWN, OTHER][index] ?? '127.0.0.9', zones })),
  );

const open = ([root]: readonly FakeDnsServer[], allowNetworks = ['127.0.0.0/8']) =>
  openDelegations(
    { resolvers: [], nameservers: [], roots: [root?.at ?? ''], allowNetworks },
    new AbortController().signal,
  );

it('goes from the root to the zone, with both sets of names, glue and own addresses', async () => {
  const servers = await tree(
    { 'example.com': { 'ns.example.com': [OWN] } },
    [
      zoneOf('example.com', ['ns.example.com', 'ns.example.net'], {
        records: [{ name: 'ns.example.com', type: 'A', data: OTHER }],
      }),
    ],
    [hostsZone('example.net', { 'ns.example.net': [OTHER] })],
  );
  const { zones, rcode, failure } = await open(servers).find(NAME);
  expect({ rcode, failure }).toEqual({ rcode: 'NXDOMAIN', failure: undefined });
  expect(zones).toEqual([
    {
      zone: 'example.com',
      parentNames: ['ns.example.com'],
      childNames: ['ns.example.com', 'ns.example.net'],
      hosts: [
        { name: 'ns.example.com', glue: [OWN], addresses: [OTHER] },
        { name: 'ns.example.net', glue: [], addresses: [OTHER] },
      ],
      servers: [
        { name: 'ns.example.com', address: OWN, port: servers[0].port },
        { name: 'ns.example.com', address: OTHER, port: servers[0].port },
      ],
      refused: [],
    },
  ]);
});

it('asks the servers alone, without recursion, and each zone once', async () => {
  const servers = await tree({ 'example.com': { 'ns.example.com': [OWN] } }, [
    zoneOf('example.com', ['ns.example.com']),
  ]);
  const delegations = open(servers);
  await delegations.find(NAME);
  await delegations.find(normaliseName('_acme-challenge.example.com'));
  expect(servers.flatMap(({ questions }) => questions).filter(({ recursive }) => recursive)).toEqual([]);
  expect(servers[0].questions).toHaveLength(1);
  const own = servers[2]?.questions.filter(({ name, type }) => name === 'example.com' && type === 'NS');
  expect(own).toHaveLength(1);
});

it('finds name servers in other zones, also where each has one in the other', async () => {
  const com = zoneOf('example.com', ['ns.example.com', 'ns.example.net'], {
    records: [{ name: 'ns.example.com', type: 'A', data: OWN }],
  });
  const net = zoneOf('example.net', ['ns.example.net', 'ns.example.com'], {
    records: [{ name: 'ns.example.net', type: 'A', data: OTHER }],
  });
  const servers = await tree({ 'example.com': { 'ns.example.com': [OWN], 'ns.example.net': [] } }, [com], [net]);
  const started = performance.now();
  const { zones } = await open(servers).find(NAME);
  expect(zones[0]?.servers.map(({ address }) => address)).toEqual([OWN, OTHER]);
  expect(performance.now() - started).toBeLessThan(1000);
});

it('says where a way ends', async () => {
  const servers = await tree({ 'lame.com': { 'ns.lame.com': [OWN] }, 'nowhere.com': { 'ns.gone.com': [] } }, []);
  const delegations = open(servers);
  const wayTo = async (name: string) => {
    const { zones, rcode, failure } = await delegations.find(normaliseName(name));
    return [zones.map(({ zone }) => zone), rcode, failure?.zone, failure?.text];
  };
  expect(await wayTo('x.gone.com')).toEqual([[], 'NXDOMAIN', undefined, undefined]);
  expect(await wayTo('x.lame.com')).toEqual([['lame.com'], undefined, 'lame.com', 'none of its name servers answers']);
  expect(await wayTo('x.nowhere.com')).toEqual([
    ['nowhere.com'],
    undefined,
    'nowhere.com',
    'none of its name servers can be asked',
  ]);
  await servers[0].close();
  expect((await open(servers).find(NAME)).failure).toEqual({ zone: '', text: 'none of its name servers answers' });
});

it('asks a root that does not answer only once', async () => {
  const servers = await tree({});
  servers[0].manners = { rcode: 'REFUSED' };
  const delegations = open(servers);
  const first = await delegations.find(NAME);
  expect(first.failure).toEqual({ zone: '', text: 'none of its name servers answers' });
  const asked = servers[0].questions.length;
  expect(await delegations.find(normaliseName('www.example.net'))).toEqual(first);
  expect(servers[0].questions).toHaveLength(asked);
});

it('asks no private address unless the config allows it', async () => {
  const servers = await tree({ 'example.com': { 'ns1.example.com': ['10.0.0.1'], 'ns2.example.com': [OWN] } }, [
    zoneOf('example.com', ['ns1.example.com', 'ns2.example.com']),
  ]);
  const [zone] = (await open(servers, ['127.0.0.2/32', '127.0.0.3/32']).find(NAME)).zones;
  expect(zone?.refused.map(({ address }) => address)).toEqual(['10.0.0.1']);
  expect(zone?.servers.map(({ address }) => address)).toEqual([OWN]);
});

it('takes no addresses from servers that do not hold the name', async () => {
  const servers = await tree(
    { 'example.com': { 'ns.example.net': [OWN] } },
    [zoneOf('example.com', ['ns.example.net'])],
    [zoneOf('example.com', ['ns.example.net']), hostsZone('example.net', { 'ns.example.net': [OTHER] })],
  );
  const [zone] = (await open(servers).find(NAME)).zones;
  expect(zone?.servers.map(({ address }) => address)).toEqual([OTHER]);
});

it('ends in bounded time and work for delegations that need each other, and for endless ones', async () => {
  const servers = await tree({ 'a.com': { 'ns.b.com': [] }, 'b.com': { 'ns.a.com': [] } });
  expect((await open(servers).find(normaliseName('x.a.com'))).zones[0]?.servers).toEqual([]);
  // Every zone needs eight others, which need eight others each.
  const needs = (zone: string) => Object.fromEntries([...'abcdefgh'].map((letter) => [`ns.${zone}${letter}.com`, []]));
  const zones = [
    'a',
    ...[...'abcdefgh'].flatMap((one) => [...'abcdefgh'].flatMap((two) => [`a${one}`, `a${one}${two}`])),
  ];
  servers[1].serve([
    { name: 'com', delegations: Object.fromEntries(zones.map((zone) => [`${zone}.com`, needs(zone)])) },
  ]);
  servers[1].questions.length = 0;
  await open(servers).find(normaliseName('x.a.com'));
  expect(servers[1].questions.length).toBeLessThan(500);
});
