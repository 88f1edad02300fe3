import { expect, it, onTestFinished } from 'vitest';
import type { AuthorityFinder } from '../../src/dns/authority.ts';
import { parseServerAddress } from '../../src/dns/server-address.ts';
import { whyLate } from '../../src/dns/why-late.ts';
import { type Fqdn, normaliseName } from '../../src/names.ts';
import { type Answering, startOperator } from '../fakes/operator.ts';
import { signedZone } from '../fakes/signed-zone.ts';

const NAME = normaliseName('_acme-challenge.example.com');

async function start(answer: Answering) {
  const started = await startOperator({ answer });
  onTestFinished(started.close);
  return started;
}

/** Finds these servers for every name, as those of `example.com`. */
async function finderOf(...serials: number[]): Promise<AuthorityFinder> {
  const servers = await Promise.all(serials.map((serial) => start(signedZone('example.com', { serial }))));
  const found = servers.map(({ at }) => ({ name: 'ns.test', ...parseServerAddress(at) }));
  return {
    find: async () => ({ zone: normaliseName('example.com'), servers: found, configured: false }),
    zoneOf: async () => undefined,
  };
}

const reasons = async (
  finder: AuthorityFinder,
  names: readonly Fqdn[] = [NAME],
  signal = AbortSignal.timeout(3000),
) => {
  const resolver = await start(() => ({}));
  const found = await whyLate(new Set(names), finder, [resolver.at], signal);
  return found.map(({ text }) => text.replaceAll(/127\.0\.0\.1:\d+/g, 'A'));
};

it('says which servers have which serial, where they differ', async () => {
  expect(await reasons(await finderOf(7, 5, 7))).toEqual(['the serials of example.com differ: 7 at A, A; 5 at A']);
  expect(await reasons(await finderOf(7, 7))).toEqual([]);
});

it('says it once for all names of a zone', async () => {
  expect(await reasons(await finderOf(1, 2), [NAME, normaliseName('_acme-challenge.www.example.com')])).toHaveLength(1);
});

it('ends with the signal, and never throws', async () => {
  const failing: AuthorityFinder = { find: () => Promise.reject(new Error('no')), zoneOf: async () => undefined };
  expect(await reasons(failing)).toEqual([]);
  expect(await reasons(await finderOf(1, 2), [NAME], AbortSignal.abort())).toEqual([]);
});
