import { afterEach, describe, expect, it } from 'vitest';
import httpreq from '../../../providers/httpreq/index.ts';
import type { DnsProvider, ProviderContext } from '../../../src/provider.ts';
import { FAULTS } from '../../fakes/fault-server.ts';
import { type HttpreqFakeSettings, startHttpreqFake } from '../../fakes/httpreq.ts';
import type { StandIn } from '../../fakes/stand-in.ts';
import { itShares, NAME, OTHER, recordOf, VALUE, verbsOn, ZONE } from '../../support/one-provider.ts';
import { openOn } from '../../support/stand-in-contract.ts';

/**
 * The rules of `test/contract.ts` that a server without lists can keep. It cannot keep: tells a value that is there from a
 * new one, finds nothing to remove, lists values, E_ZONE.
 */
describe('httpreq keeps of the provider contract what its protocol can', () => {
  let fake: StandIn;
  const start = async (settings: HttpreqFakeSettings = {}) => {
    fake = await startHttpreqFake(settings);
  };
  afterEach(() => fake.close());
  const { run, add, remove } = verbsOn(httpreq, () => fake);

  it('publishes and withdraws exactly one value, in one request each', async () => {
    await start();
    fake.plant(NAME, OTHER);
    fake.plant(NAME, VALUE.toLowerCase());
    expect(await add()).toEqual({ zone: ZONE, changed: true });
    await add();
    expect(fake.held(NAME)).toEqual([OTHER, VALUE.toLowerCase(), VALUE]);
    expect(await remove()).toBe('removed');
    expect(await remove()).toBe('removed');
    expect(fake.held(NAME)).toEqual([OTHER, VALUE.toLowerCase()]);
    expect(fake.server.takeCalls()).toEqual(['POST /present', 'POST /present', 'POST /cleanup', 'POST /cleanup']);
  });

  it.each([
    { login: { username: 'it', password: 'pass:wörd' } },
    { login: null },
    { prefix: '/api/acme' },
    { body: '{"fqdn":"x","value":"y"}' },
    { body: '' },
  ])('sends what lego sends: %j', async (settings) => {
    await start(settings);
    const long = `letsencrypt.org; accounturi=https://ca.example/acme/${'x'.repeat(348)}`;
    for (const value of [`-${VALUE.slice(1)}`, long]) {
      await add(recordOf({ value }));
      expect(fake.held(NAME)).toEqual([value]);
      await remove(recordOf({ value }));
    }
    expect(fake.server.requests[0]?.body).toBe(`{"fqdn":"${NAME}.","value":"-${VALUE.slice(1)}"}`);
    expect(fake.everything()).toEqual([]);
  });

  it('says that it cannot list', async () => {
    await start();
    await expect(run((provider) => provider.listTxt(NAME, ZONE))).rejects.toMatchObject({ code: 'E_REJECTED' });
    expect(fake.server.requests).toEqual([]);
  });

  it.each([
    [{}, { password: 'wrong' }, { code: 'E_AUTH', loginRefused: true }],
    [{ prefix: '/api' }, { url: 'ORIGIN' }, { code: 'E_CONFIG', hint: expect.stringContaining('/present') }],
    [{}, { username: undefined }, { code: 'E_CONFIG', message: expect.stringContaining('only one of') }],
  ])('says what is wrong: %j %j', async (settings, options, expected) => {
    await start(settings);
    const url = 'url' in options ? fake.server.origin : fake.options['url'];
    const adding = run((provider) => provider.addTxt(recordOf()), { ...options, url });
    await expect(adding).rejects.toMatchObject(expected);
  });

  /** One verb with a DNS that shows what the server holds, or that does not answer. */
  async function inDns<Result>(
    seenInDns: ProviderContext['seenInDns'],
    verb: (provider: DnsProvider) => Promise<Result>,
  ): Promise<Result> {
    const { provider, close } = openOn(httpreq, fake, { seenInDns, requestTimeout: 400 });
    return verb(provider).finally(close);
  }
  const shown: ProviderContext['seenInDns'] = async (name, value) => fake.held(name).includes(value);

  /** With these, the protocol itself takes a false answer for a success: it does not say what a success looks like. */
  const UNTOLD = ['wrong-type', 'empty'];
  const faults = FAULTS.filter((kind) => !UNTOLD.includes(kind)).flatMap((kind) =>
    (['before', 'after'] as const).map((effect) => ({ kind, effect })),
  );

  it.each(faults)('adds and removes in spite of $kind $effect the change', async ({ kind, effect }) => {
    await start();
    fake.plant(NAME, OTHER);
    fake.server.inject({ kind, effect, call: 'POST /present' });
    await inDns(shown, (provider) => provider.addTxt(recordOf()));
    expect(fake.held(NAME)).toEqual([OTHER, VALUE]);
    fake.server.inject({ kind, effect, call: 'POST /cleanup' });
    expect(await inDns(shown, (provider) => provider.removeTxt(recordOf()))).toBe('removed');
    expect(fake.held(NAME)).toEqual([OTHER]);
  });

  it('does not send a value again whose outcome the DNS cannot tell', async () => {
    await start();
    fake.server.inject({ kind: 'reset', effect: 'after', call: 'POST /present' });
    const adding = inDns(
      async () => undefined,
      (provider) => provider.addTxt(recordOf()),
    );
    await expect(adding).rejects.toMatchObject({ code: 'E_REMOTE', outcomeUnknown: true });
    expect(fake.server.takeCalls()).toEqual(['POST /present']);
  });

  it('keeps the login secret', async () => {
    await start();
    await run(async (provider, { context }) => {
      await provider.addTxt(recordOf());
      for (const secret of fake.secrets) {
        expect(context.holdsSecret(secret) || secret === fake.options['password']).toBe(true);
        expect(context.lines.join('\n')).not.toContain(secret);
      }
    });
  });
});

itShares(httpreq, startHttpreqFake);
