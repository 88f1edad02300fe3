import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeLab } from './lab/describe-lab.ts';
import { hooksWithoutWait } from './support/hooks.ts';
import { expectSuccess } from './support/outcome.ts';
import { awaitedNames, phases, publishedNames, resolved } from './support/timeline.ts';
import { openWorld, startWatchedLab, type WatchedLab, type World } from './support/world.ts';

/** As written by somebody whose records must be left alone. */
const FOREIGN = 'not-from-here';

const ISPCONFIG_ADD = ['login', 'dns_zone_get', 'dns_txt_get', 'dns_txt_add', 'logout'];
const ISPCONFIG_REMOVE = ['login', 'dns_txt_get', 'dns_txt_delete', 'logout'];

const challengeName = (domain: string) => `_acme-challenge.${domain.replace(/^\*\./, '')}`;
const namesOf = (domains: readonly string[]) => [...new Set(domains.map(challengeName))];
const times = (count: number, calls: readonly string[]) => Array.from({ length: count }, () => calls).flat();

describeLab('certbot', () => {
  let lab: WatchedLab;
  let world: World;

  beforeAll(async () => {
    lab = await startWatchedLab();
  });
  afterAll(() => lab?.close());

  beforeEach(async () => {
    world = await openWorld(lab);
  });
  afterEach(async () => {
    try {
      await world.expectNoSecret();
      // A caching resolver that hears of a challenge too early remembers that it is not there.
      expect(resolved(lab.timeline).filter((question) => question.startsWith('_acme-challenge'))).toEqual([]);
    } finally {
      await world.close();
    }
  });

  it.each([
    ['one name at ISPConfig', ['www.example.com']],
    ['one name at ZoneID', ['www.example.ee']],
    ['a name and its wildcard at ISPConfig', ['example.com', '*.example.com']],
    ['a name and its wildcard at ZoneID', ['example.ee', '*.example.ee']],
    ['a name and its wildcard at each', ['example.com', '*.example.com', 'example.ee', '*.example.ee']],
    [
      'five names at ISPConfig',
      ['example.com', '*.example.com', 'www.example.com', 'example.org', 'deep.under.example.org'],
    ],
    ['five names at ZoneID', ['example.ee', 'www.example.ee', '*.example.ee', 'sub.example.ee', 'a.sub.example.ee']],
    ['five names at both', ['www.example.com', 'www.sub.example.ee', 'example.org', 'example.ee', '*.example.ee']],
  ])('gets %s after one wait, and leaves nothing but what was there before', async (_title, domains) => {
    const names = namesOf(domains);
    for (const name of names) await world.plant(name, FOREIGN);
    lab.timeline.length = 0;

    expectSuccess(await world.certonly(domains));
    expect(await world.certificateNames(domains[0] ?? '')).toEqual([...domains].sort());

    // All of the order is published before the first question for any of it, and withdrawn after the last one.
    expect(phases(lab.timeline)).toEqual(['published', 'awaited', 'withdrawn']);
    expect(publishedNames(lab.timeline)).toEqual(domains.map(challengeName).sort());
    expect(awaitedNames(lab.timeline)).toEqual([...names].sort());

    const atZoneid = domains.filter((domain) => domain.endsWith('.ee')).length;
    const atIspconfig = domains.length - atZoneid;
    expect(world.zoneid.server.takeCalls()).toEqual([
      ...times(atZoneid, ['POST txt']),
      ...times(atZoneid, ['DELETE txt']),
    ]);
    expect(world.ispconfig.server.takeCalls()).toEqual([
      ...times(atIspconfig, ISPCONFIG_ADD),
      ...times(atIspconfig, ISPCONFIG_REMOVE),
    ]);
    for (const name of names) await world.expectHeld(name, [FOREIGN]);
    expect(await world.journalled()).toBe(0);
  });

  it('is led to the name servers by the NS records, as long as port 53 can be had', async (test) => {
    test.skip(Object.keys(lab.nameservers).length > 0, 'port 53 of the loopback addresses cannot be had');
    expectSuccess(await world.certonly(['a.sub.example.ee', 'deep.under.example.org']));
    const expected = ['example.org', 'sub.example.ee'].flatMap((zone) => [
      `${zone} NS`,
      `ns1.${zone} A`,
      `ns2.${zone} A`,
    ]);
    expect(resolved(lab.timeline)).toEqual(expect.arrayContaining(expected));
  });

  it.each([
    ['one name', ['www.example.com']],
    ['one name at the second try', ['www.example.com']],
    ['one name at the third try', ['www.example.com']],
    ['a name and its wildcard', ['example.ee', '*.example.ee']],
  ])('gets no certificate from hooks that do not wait: %s', async (_title, domains) => {
    const outcome = await world.certonly(domains, { hooks: await hooksWithoutWait(world.here.directory) });
    expect(outcome.code).toBe(1);
    expect(outcome.stdout + outcome.stderr).toMatch(/Type: +unauthorized\s+Detail: .*TXT record/);
    expect(publishedNames(lab.timeline)).toEqual(domains.map(challengeName).sort());
    expect(awaitedNames(lab.timeline)).toEqual([]);
    for (const name of namesOf(domains)) await world.expectHeld(name, []);
  });
});
