import { describe, expect, it } from 'vitest';
import definition from '../../../providers/inwx/index.ts';
import { normaliseName } from '../../../src/names.ts';
import type { DnsProvider, TxtRecord } from '../../../src/provider.ts';
import { type InwxSettings, startInwxFake } from '../../fakes/inwx.ts';
import type { StandIn } from '../../fakes/stand-in.ts';
import type { TestContextSettings } from '../../support/context.ts';
import { type OpenedProvider, openOn, withoutPauses } from '../../support/stand-in-contract.ts';

const ZONE = normaliseName('example.com');
const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
const OTHER = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';
const PERIOD_MS = 30_000;

const recordIn = (zone: string, value = VALUE): TxtRecord => ({
  name: normaliseName(`_acme-challenge.${zone}`),
  value,
  ttl: 60,
  zone: normaliseName(zone),
});
const RECORD = recordIn(ZONE);

async function onInwx<Result>(
  task: (provider: DnsProvider, standIn: StandIn, opened: OpenedProvider) => Promise<Result>,
  settings: InwxSettings & { readonly options?: Readonly<Record<string, unknown>> } = {},
  context: TestContextSettings = {},
): Promise<Result> {
  const standIn = await startInwxFake(settings);
  const opened = openOn(definition, { options: { ...standIn.options, ...settings.options } }, context);
  try {
    return await task(opened.provider, standIn, opened);
  } finally {
    await opened.close();
    await standIn.close();
  }
}

describe('inwx, requests', () => {
  it('are one for an add and two for a removal, in one session', async () => {
    await onInwx(async (provider, { server, plant }) => {
      const { changed, ...handle } = await provider.addTxt(RECORD);
      expect([changed, handle.proven]).toEqual([true, false]);
      expect(server.takeCalls()).toEqual(['account.login', 'nameserver.createRecord']);
      plant(RECORD.name, OTHER);
      await provider.removeTxt(RECORD, handle);
      expect(server.takeCalls()).toEqual(['nameserver.info', 'nameserver.deleteRecord']);
      await provider.addTxt(RECORD);
      expect((await provider.addTxt(RECORD)).changed).toBe(false);
      const create = 'nameserver.createRecord';
      expect(server.takeCalls()).toEqual([create, create, 'nameserver.info']);
    });
  });

  it('have the documented form, and the session in a cookie that is a secret', async () => {
    await onInwx(async (provider, { server, options }, { context }) => {
      await provider.addTxt(RECORD);
      const [login, create] = server.requests;
      const { username: user, password: pass } = options;
      const call = { jsonrpc: '2.0', id: 1 };
      expect(JSON.parse(login?.body ?? '')).toEqual({
        ...call,
        method: 'account.login',
        params: { user, pass, lang: 'en' },
      });
      const params = { domain: 'example.com', type: 'TXT', name: RECORD.name, content: VALUE, ttl: 300 };
      expect(JSON.parse(create?.body ?? '')).toEqual({ ...call, method: 'nameserver.createRecord', params });
      const [secret] = context.secrets;
      expect(create?.headers['cookie']).toBe(`domrobot=${secret}`);
      expect(create?.path).toBe('/jsonrpc/');
    });
  });

  it('read zones page by page, and name servers', async () => {
    const zones = Array.from({ length: 101 }, (_, index) => `z${index}.example`);
    await onInwx(
      async (provider, { server, plant }) => {
        const listed = [];
        for await (const { name } of provider.listZones?.() ?? []) listed.push(name);
        expect(listed).toEqual(zones);
        expect(server.takeCalls()).toEqual(['account.login', 'nameserver.list', 'nameserver.list']);
        plant('z1.example', 'ns.inwx.de', 'NS');
        expect(await provider.nameServers?.(normaliseName('z1.example'))).toEqual(['ns.inwx.de']);
      },
      { zones },
    );
  });
});

describe('inwx, two-factor authentication', () => {
  const twoFactor = true;

  it('is passed with a code', async () => {
    await onInwx(
      async (provider, { server }) => {
        await provider.addTxt(RECORD);
        expect(server.takeCalls()).toEqual(['account.login', 'account.unlock', 'nameserver.createRecord']);
      },
      { twoFactor },
    );
  });

  it('waits for the next code where another process has used this one', async () => {
    const { pauses, deadline } = withoutPauses();
    const usedCodes = new Set([Math.floor(Date.now() / PERIOD_MS) * PERIOD_MS]);
    const onward = {
      ...deadline,
      async sleep(milliseconds: number) {
        await deadline.sleep(milliseconds);
        // The period is over for the stand-in too.
        usedCodes.clear();
      },
    };
    await onInwx(
      async (provider, { held }) => {
        await provider.addTxt(RECORD);
        expect(held(RECORD.name)).toEqual([VALUE]);
        expect(pauses).toHaveLength(1);
        expect(pauses[0]).toBeGreaterThan(0);
        expect(pauses[0]).toBeLessThanOrEqual(PERIOD_MS + 1000);
      },
      { twoFactor, usedCodes },
      { deadline: onward },
    );
  });

  it.each([
    ['a wrong secret', { totpSecret: 'AAAAAAAA' }, { code: 'E_AUTH', loginRefused: true, hint: /totpSecret/ }],
    ['no secret', { totpSecret: undefined }, { code: 'E_AUTH', loginRefused: true, hint: /totpSecret/ }],
    ['a code as the secret', { totpSecret: '01189' }, { code: 'E_CONFIG' }],
  ])(
    'ends with %s',
    async (_what, options, expected: {
      readonly code: string;
      readonly loginRefused?: boolean;
      readonly hint?: RegExp;
    }) => {
      await onInwx(
        async (provider, { server }) => {
          await expect(provider.addTxt(RECORD)).rejects.toMatchObject({
            ...expected,
            hint: expect.stringMatching(expected.hint ?? /./),
          });
          expect(server.takeCalls().filter((call) => call === 'account.unlock').length).toBeLessThanOrEqual(4);
        },
        { twoFactor, options },
      );
    },
  );
});

describe('inwx, refusals', () => {
  it.each([
    ['a wrong password', { options: { password: 'no' } }, { code: 'E_AUTH', loginRefused: true }],
    ['another zone', { zones: ['example.net'] }, { code: 'E_ZONE', tryNextZone: true }],
    ['a session that ends at once', { callsPerSession: 0 }, { code: 'E_REMOTE' }],
  ])('%s', async (_what, settings, expected) => {
    await onInwx(async (provider, { everything }) => {
      await expect(provider.addTxt(RECORD)).rejects.toMatchObject({ ...expected, outcomeUnknown: false });
      expect(everything()).toEqual([]);
    }, settings);
  });

  it('a value that INWX does not take', async () => {
    await onInwx(async (provider) => {
      const record = { ...RECORD, value: 'a`b' };
      await expect(provider.addTxt(record)).rejects.toMatchObject({ code: 'E_REJECTED', message: /content/ });
    });
  });

  it('an answer of another server', async () => {
    await onInwx(async (provider, { server }) => {
      server.inject({ kind: '200-html', call: 'account.login', effect: 'before', times: 9 });
      await expect(provider.addTxt(RECORD)).rejects.toMatchObject({ code: 'E_PROTOCOL' });
    });
  });
});

describe('inwx, sessions', () => {
  it('that have ended are renewed once, and changes are made once', async () => {
    await onInwx(
      async (provider, { server, held }) => {
        await provider.addTxt(RECORD);
        await provider.addTxt({ ...RECORD, value: OTHER });
        const create = 'nameserver.createRecord';
        expect(server.takeCalls()).toEqual(['account.login', create, create, 'account.login', create]);
        expect(held(RECORD.name)).toEqual([VALUE, OTHER]);
      },
      { callsPerSession: 1 },
    );
  });
});

describe('inwx, records', () => {
  it.each(['both', 'unicode'] as const)('of an internationalised zone that the API knows in %s', async (idn) => {
    const zone = 'xn--bcher-kva.example';
    const record = recordIn(zone);
    await onInwx(
      async (provider, { held }) => {
        const { changed: _, ...handle } = await provider.addTxt(record);
        expect(held(record.name)).toEqual([VALUE]);
        expect(await provider.listTxt(record.name, record.zone)).toEqual([VALUE]);
        expect(await provider.removeTxt(record, handle)).toBe('removed');
        const names = [];
        for await (const { name } of provider.listZones?.() ?? []) names.push(name);
        expect(names).toEqual([zone]);
      },
      { zones: [zone], idn },
    );
  });

  it('of two clients at once are all there, and each is removed alone', async () => {
    await onInwx(async (provider, standIn) => {
      const second = openOn(definition, standIn);
      const other = { ...RECORD, value: OTHER };
      const added = await Promise.all([
        provider.addTxt(RECORD),
        second.provider.addTxt(RECORD),
        provider.addTxt(other),
      ]);
      expect(added.map(({ changed }) => changed).sort()).toEqual([false, true, true]);
      expect(standIn.held(RECORD.name).sort()).toEqual([VALUE, OTHER].sort());
      await Promise.all([provider.removeTxt(other), second.provider.removeTxt(RECORD)]);
      expect(standIn.everything()).toEqual([]);
      await second.close();
    });
  });

  it('of others stay: other types, names and letter case', async () => {
    await onInwx(async (provider, { everything, plant }) => {
      plant('example.com', 'v=spf1 -all');
      plant('www.example.com', '192.0.2.1', 'A');
      plant(RECORD.name, VALUE.toLowerCase());
      const before = everything();
      await provider.addTxt(RECORD);
      expect(await provider.removeTxt(RECORD)).toBe('removed');
      expect(everything()).toEqual(before);
      expect(await provider.listTxt(ZONE, ZONE)).toEqual(['v=spf1 -all']);
    });
  });

  it('with 1,024 octets are stored in strings of 255', async () => {
    const long = recordIn(ZONE, `${'a b;c='.repeat(170)}abcd`);
    await onInwx(async (provider, { held }) => {
      await provider.addTxt(long);
      expect(held(long.name)).toEqual([long.value]);
      expect((await provider.addTxt(long)).changed).toBe(false);
    });
  });
});
