import { expect, it, onTestFinished } from 'vitest';
import { openResolver } from '../../src/dns/resolver.ts';
import { parseServerAddress } from '../../src/dns/server-address.ts';
import type { ZoneServers } from '../../src/dns/zone-cut.ts';
import { askSigned, signatureFaults } from '../../src/dns/zone-signatures.ts';
import { normaliseName } from '../../src/names.ts';
import { type Answering, startOperator } from '../fakes/operator.ts';
import { link, type SignedZone, signed as signedAt, signedZone } from '../fakes/signed-zone.ts';

const ZONE = normaliseName('example.com');
const NAME = normaliseName('_acme-challenge.example.com');
const signed = (more: Parameters<typeof signedAt>[1] = {}) => signedAt(ZONE, more);

/** The faults of a zone with one server for each view of it; the first one says what is at the parent. */
async function faultsOf(...views: readonly (SignedZone | Answering)[]) {
  const start = async (answer: Parameters<typeof startOperator>[0]['answer']) => {
    const started = await startOperator({ answer });
    onTestFinished(started.close);
    return started;
  };
  const servers = await Promise.all(
    views.map((view) => start(typeof view === 'function' ? view : signedZone(ZONE, view))),
  );
  const [first] = views;
  const links = first && 'links' in first ? (first.links ?? []) : [];
  const parent = await start(() => ({ answers: links }));
  const zone: ZoneServers = {
    zone: ZONE,
    servers: servers.map(({ at }) => ({ name: 'ns.example.com', ...parseServerAddress(at) })),
  };
  const signal = AbortSignal.timeout(5000);
  const found = await signatureFaults(
    zone,
    await askSigned(zone, NAME, signal),
    openResolver([parent.at], signal),
    signal,
  );
  return found.map(({ text }) => text.replace(/\d{4}-\d\d-\d\d \d\d:\d\d/, 'T').replaceAll(/127\.0\.0\.1:\d+/g, 'A'));
}

/** A server that does not serve the zone, and names those of the root. */
const referral: Answering = () => ({ authorities: [{ type: 'NS', name: '', ttl: 60, data: 'a.root.test' }] });

it.each<[string, (SignedZone | Answering)[], string[]]>([
  ['is sound', [signed(), signed({ values: ['x'] })], []],
  ['has a server that does not serve it', [signed(), referral], []],
  ['has no DS record', [{}], []],
  ['has no DS record, whatever its signatures say', [signed({ links: [], expiresInS: -1 })], []],
  ['has a DS record of an algorithm that nobody knows', [{ links: [link(ZONE, 1, 200)] }], []],
  ['has another DS record too', [signed({ links: [link(ZONE, 1), link(ZONE)] })], []],
  [
    'has expired signatures',
    [signed({ expiresInS: -1 }), signed({ expiresInS: -1 })],
    ['the signature of the SOA record in example.com has expired (T UTC)'],
  ],
  [
    'has them at one server',
    [signed(), signed({ expiresInS: -1 })],
    ['the signature of the SOA record in example.com has expired (T UTC) at A'],
  ],
  [
    'has signatures of tomorrow',
    [signed({ beginsInS: 3000 })],
    ['the signature of the SOA record in example.com is not valid before T UTC'],
  ],
  [
    'is not signed although it should be',
    [signed({ signature: undefined })],
    ['example.com is not signed, although its parent has a DS record for it'],
  ],
  [
    'has no key',
    [signed({ hasKey: false })],
    ['the parent of example.com has a DS record for it, but example.com has no DNSKEY record'],
  ],
  [
    'has another key',
    [signed({ links: [link(ZONE, 4711)] })],
    ['no DS record of example.com belongs to one of its DNSKEY records'],
  ],
])('knows a zone that %s', async (_, views, faults) => {
  expect(await faultsOf(...views)).toEqual(faults);
});
