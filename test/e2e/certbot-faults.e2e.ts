import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { describeLab } from './lab/describe-lab.ts';
import { expectSuccess } from './support/outcome.ts';
import { awaitedNames, phases, published } from './support/timeline.ts';
import { openWorld, startWatchedLab, type WatchedLab, type World } from './support/world.ts';

const ISPCONFIG_REMOVE = ['login', 'dns_txt_get', 'dns_txt_delete', 'logout'];

describeLab('certbot, when something goes wrong', () => {
  let lab: WatchedLab;
  let world: World;
  const takeAllCalls = () => [...world.ispconfig.server.takeCalls(), ...world.zoneid.server.takeCalls()];

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
    } finally {
      await world.close();
    }
  });

  it('is told loudly that the provider is in maintenance, and gets no certificate', async () => {
    world.ispconfig.panel.maintenance = true;
    // The cleanup finds the panel back at work; so would an add that tried again.
    world.ispconfig.before('login', () => {});
    world.ispconfig.before('login', () => {
      world.ispconfig.panel.maintenance = false;
    });

    const { code, stdout, stderr } = await world.certonly(['www.example.com']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/dns01: FAILED for _acme-challenge\.www\.example\.com; certbot goes on anyway/);
    expect(stderr).toMatch(/dns01: error: account panel \(ispconfig\): .*under maintenance/);
    expect(stdout + stderr).toMatch(/Type: +unauthorized/);

    expect(world.ispconfig.server.takeCalls()).toEqual(['login', 'login', 'dns_txt_get', 'dns_zone_get', 'logout']);
    expect(published(lab.timeline)).toEqual([]);
    expect(await world.journalled()).toBe(0);
    await world.expectHeld('_acme-challenge.www.example.com', []);
  });

  it('makes one login with a wrong password for all hook calls: the panel counts them', async () => {
    const wrong = 'Wrong+Pass/wörd "43"';
    await world.configure({ panelPassword: wrong });
    const { code, stderr } = await world.certonly(['example.com', '*.example.com']);
    expect(code).toBe(1);
    expect(stderr.match(/dns01: FAILED for _acme-challenge\.example\.com/g)).toHaveLength(2);
    expect(stderr).toMatch(/dns01: error: account panel \(ispconfig\): .*wrong user name or password/);
    // Two values, and certbot wants both cleaned up although neither came to be.
    expect(world.ispconfig.server.takeCalls()).toEqual(['login']);
    expect(await world.journalled()).toBe(0);
    await world.expectNoSecret(wrong);
  });

  const whileItWaits = () => awaitedNames(lab.timeline).length > 0;
  const whileTheProviderAnswers = () => published(lab.timeline).length > 0;

  it.each([
    ['while it waits', whileItWaits, 'example.ee', ['DELETE txt']],
    ['while the provider answers', whileTheProviderAnswers, 'example.com', ISPCONFIG_REMOVE],
  ])(
    'is killed %s: a later run succeeds, and what was left can be withdrawn',
    async (_title, moment, domain, calls) => {
      const name = `_acme-challenge.${domain}`;
      const domains = [domain, `*.${domain}`];
      // The answer to the panel's first add never comes.
      world.ispconfig.server.inject({ kind: 'hang', call: 'dns_txt_add', effect: 'after' });

      const killer = new AbortController();
      const killed = expect(world.certonly(domains, { signal: killer.signal })).rejects.toThrow(
        'was killed by the test',
      );
      await until(moment);
      killer.abort();
      await killed;
      const left = published(lab.timeline).map(({ value }) => value);
      expect(left.length).toBeGreaterThan(0);
      await world.expectHeld(name, left);

      expectSuccess(await world.certonly(domains));
      expect(await world.certificateNames(domain)).toEqual([...domains].sort());
      await world.expectHeld(name, left);
      expect(await world.journalled()).toBe(left.length);

      // By now nothing but the journal knows whose the values are.
      await world.configure({ zones: {} });
      for (const value of left) {
        takeAllCalls();
        expectSuccess(await world.here.run(['remove-txt', name, value]));
        expect(takeAllCalls()).toEqual(calls);
      }
      expect(await world.journalled()).toBe(0);
      await world.expectHeld(name, []);
    },
  );

  it('renews two certificates in one run, where it brings the output of one to the hooks of the other', async () => {
    const [first, second] = ['a.example.ee', 'b.example.ee'];
    const serialNumbers = () => Promise.all([first, second].map((name) => serialNumber(world.certificateFile(name))));
    for (const domain of [first, second]) expectSuccess(await world.certonly([domain]));
    const before = await serialNumbers();
    lab.timeline.length = 0;
    world.zoneid.server.takeCalls();

    expectSuccess(await world.certbot(['renew', '--force-renewal']));
    const after = await serialNumbers();
    expect(new Set([...before, ...after]).size).toBe(4);
    for (const domain of [first, second]) expect(await world.certificateNames(domain)).toEqual([domain]);
    const order = ['published', 'awaited', 'withdrawn'];
    expect(phases(lab.timeline)).toEqual([...order, ...order]);
    expect(world.zoneid.server.takeCalls()).toEqual(['POST txt', 'DELETE txt', 'POST txt', 'DELETE txt']);
    for (const domain of [first, second]) await world.expectHeld(`_acme-challenge.${domain}`, []);
  });

  it('may bring a value that begins with a dash', async () => {
    const name = '_acme-challenge.www.example.com';
    const value = '-hy3zwicVs3W0123456789-abcdefghijklmnopqrst';
    const env = {
      CERTBOT_DOMAIN: 'www.example.com',
      CERTBOT_VALIDATION: value,
      CERTBOT_ALL_DOMAINS: 'www.example.com',
      CERTBOT_REMAINING_CHALLENGES: '0',
    };
    const auth = await world.here.run(['hook', 'certbot', 'auth'], { env });
    expectSuccess(auth);
    expect(await lab.txt('secondary', name)).toEqual([value]);
    expect(await lab.txt('primary', name)).toEqual([value]);

    const output = { CERTBOT_AUTH_OUTPUT: auth.stdout.trim() };
    const cleanup = await world.here.run(['hook', 'certbot', 'cleanup'], { env: { ...env, ...output } });
    expect(cleanup).toEqual({ code: 0, stdout: '', stderr: '' });
    await world.expectHeld(name, []);
  });
});

async function serialNumber(pemFile: string): Promise<string> {
  return new X509Certificate(await readFile(pemFile)).serialNumber;
}
