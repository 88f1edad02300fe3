import { describe, expect, it } from 'vitest';
import definition from '../../../providers/netcup/index.ts';
import { normaliseName } from '../../../src/names.ts';
import type { DnsProvider, TxtChange, TxtRecord } from '../../../src/provider.ts';
import { type NetcupSettings, startNetcupFake } from '../../fakes/netcup.ts';
import type { StandIn } from '../../fakes/stand-in.ts';
import { type OpenedProvider, openOn } from '../../support/stand-in-contract.ts';

const ZONE = normaliseName('example.com');
const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
const OTHER = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';

const recordAt = (host: string, value = VALUE): TxtRecord => ({
  name: normaliseName(`${host}.${ZONE}`),
  value,
  ttl: 60,
  zone: ZONE,
});
const RECORD = recordAt('_acme-challenge');
const adding = (record: TxtRecord): TxtChange => ({ action: 'add', record });

async function onNetcup<Result>(
  task: (provider: DnsProvider, standIn: StandIn, opened: OpenedProvider) => Promise<Result>,
  settings: NetcupSettings & { readonly options?: Readonly<Record<string, unknown>> } = {},
): Promise<Result> {
  const standIn = await startNetcupFake(settings);
  const opened = openOn(definition, { options: { ...standIn.options, ...settings.options } });
  try {
    return await task(opened.provider, standIn, opened);
  } finally {
    await opened.close();
    await standIn.close();
  }
}

describe('netcup, requests', () => {
  it('are one for an add and one for a removal, in one session', async () => {
    await onNetcup(async (provider, { server, plant }) => {
      const { changed, ...handle } = await provider.addTxt(RECORD);
      expect([changed, handle.proven]).toEqual([true, true]);
      expect(server.takeCalls()).toEqual(['login', 'updateDnsRecords']);
      plant(RECORD.name, OTHER);
      await provider.removeTxt(RECORD, handle);
      expect(server.takeCalls()).toEqual(['updateDnsRecords']);
      await provider.addTxt(RECORD);
      expect(server.takeCalls()).toEqual(['updateDnsRecords']);
      await provider.removeTxt(RECORD);
      expect(server.takeCalls()).toEqual(['infoDnsRecords', 'updateDnsRecords']);
      await provider.close?.();
      expect(server.takeCalls()).toEqual(['logout']);
    });
  });

  it('are four for fifty adds, and for fifty removals', async () => {
    await onNetcup(async (provider, { server, held, plant }) => {
      plant('www.example.com', '192.0.2.1', 'A');
      const records = Array.from({ length: 50 }, (_, index) => recordAt(`_acme-challenge.h${index}`));
      await provider.changeTxt?.(ZONE, records.map(adding));
      expect(server.takeCalls()).toEqual(['login', 'infoDnsRecords', 'updateDnsRecords']);
      expect(records.every(({ name }) => held(name).join() === VALUE)).toBe(true);
      const removals = records.map((record): TxtChange => ({ action: 'remove', record }));
      await provider.changeTxt?.(ZONE, removals);
      expect(server.takeCalls()).toEqual(['infoDnsRecords', 'updateDnsRecords']);
      expect(records.flatMap(({ name }) => held(name))).toEqual([]);
    });
  });

  it('have the documented form, and no other records', async () => {
    await onNetcup(async (provider, { server, options, plant }) => {
      plant('www.example.com', '192.0.2.1', 'A');
      const { changed: _, ...handle } = await provider.addTxt(RECORD);
      await provider.removeTxt(RECORD, handle);
      const { customerNumber: customernumber, apiKey: apikey, apiPassword: apipassword } = options;
      const bodies = server.requests.map(({ body }) => JSON.parse(body) as { param: { apisessionid?: string } });
      const apisessionid = expect.stringMatching(/^NWNU/);
      const common = { apisessionid, customernumber, apikey, domainname: 'example.com' };
      const record = { hostname: '_acme-challenge', type: 'TXT', destination: VALUE };
      expect(bodies).toEqual([
        { action: 'login', param: { customernumber, apikey, apipassword } },
        {
          action: 'updateDnsRecords',
          param: { ...common, dnsrecordset: { dnsrecords: [{ ...record, deleterecord: false }] } },
        },
        {
          action: 'updateDnsRecords',
          param: { ...common, dnsrecordset: { dnsrecords: [{ ...record, id: handle.id, deleterecord: true }] } },
        },
      ]);
      expect(server.requests[0]).toMatchObject({ method: 'POST', query: 'JSON' });
    });
  });

  it('keep the session a secret', async () => {
    await onNetcup(async (provider, _standIn, { context }) => {
      await provider.addTxt(RECORD);
      expect(context.secrets).toEqual([expect.stringMatching(/^NWNU/)]);
    });
  });
});

describe('netcup, refusals', () => {
  it.each([
    ['a wrong password', { options: { apiPassword: 'no' } }, { code: 'E_AUTH', loginRefused: true }],
    ['a wrong key', { options: { apiKey: 'no' } }, { code: 'E_AUTH', hint: expect.stringContaining('customerNumber') }],
    [
      'a key of the REST API',
      { options: { apiKey: 'x'.repeat(64) } },
      { hint: expect.stringContaining('legacy API key') },
    ],
    ['too many requests', { requests: 0 }, { code: 'E_RATE', loginRefused: false }],
    ['too many requests later', { requests: 1 }, { code: 'E_RATE' }],
    ['another zone', { zones: ['example.net'] }, { code: 'E_ZONE', tryNextZone: true }],
    ['a session that ends at once', { callsPerSession: 0 }, { code: 'E_REMOTE' }],
  ])('%s', async (_what, settings, expected) => {
    await onNetcup(async (provider, { everything }) => {
      await expect(provider.addTxt(RECORD)).rejects.toMatchObject({ ...expected, outcomeUnknown: false });
      expect(everything()).toEqual([]);
    }, settings);
  });

  it('a name that the API does not take for a domain', async () => {
    await onNetcup(async (provider) => {
      const zone = normaliseName('a.b.example.com');
      const record = { ...RECORD, zone, name: normaliseName(`_acme-challenge.${zone}`) };
      await expect(provider.addTxt(record)).rejects.toMatchObject({ code: 'E_ZONE', tryNextZone: true });
    });
  });

  it.each(['all', 'single'] as const)('one bad record among others, where the API refuses %s', async (refusals) => {
    await onNetcup(
      async (provider, { held }) => {
        const bad = { ...recordAt('bad'), value: 'a"b' };
        const outcomes = await provider.changeTxt?.(ZONE, [adding(RECORD), adding(bad)]);
        const first = refusals === 'all' ? 'refused' : 'done';
        expect(outcomes?.map(({ state }) => state)).toEqual([first, 'refused']);
        expect(held(RECORD.name)).toEqual(refusals === 'all' ? [] : [VALUE]);
        await expect(provider.addTxt(bad)).rejects.toMatchObject({
          code: 'E_REJECTED',
          message: expect.stringContaining('quotation marks'),
        });
      },
      { refusals },
    );
  });
});

describe('netcup, sessions', () => {
  it('that have ended are renewed once, and changes are made once', async () => {
    await onNetcup(
      async (provider, { server, held }) => {
        await provider.addTxt(RECORD);
        await provider.addTxt({ ...RECORD, value: OTHER });
        expect(server.takeCalls()).toEqual([
          'login',
          'updateDnsRecords',
          'updateDnsRecords',
          'login',
          'updateDnsRecords',
        ]);
        expect(held(RECORD.name)).toEqual([VALUE, OTHER]);
      },
      { callsPerSession: 1 },
    );
  });
});

describe('netcup, records', () => {
  it('that are there already are not left twice', async () => {
    await onNetcup(async (provider, { held, plant, server }) => {
      plant(RECORD.name, VALUE);
      expect((await provider.addTxt(RECORD)).changed).toBe(false);
      expect(held(RECORD.name)).toEqual([VALUE]);
      expect(server.takeCalls()).toEqual(['login', 'updateDnsRecords', 'updateDnsRecords']);
    });
  });

  it('with a copy that another client has added are all removed by one id', async () => {
    await onNetcup(async (provider, { held, plant }) => {
      const { changed: _, ...handle } = await provider.addTxt(RECORD);
      plant(RECORD.name, VALUE);
      expect(await provider.removeTxt(RECORD, handle)).toBe('removed');
      expect(held(RECORD.name)).toEqual([]);
    });
  });

  it('of two clients that add the same value at once are left once', async () => {
    await onNetcup(async (provider, standIn) => {
      const second = openOn(definition, standIn);
      await Promise.all([provider.addTxt(RECORD), second.provider.addTxt(RECORD)]);
      expect(standIn.held(RECORD.name)).toEqual([VALUE]);
      await Promise.all([provider.removeTxt(RECORD), second.provider.removeTxt(RECORD)]);
      expect(standIn.everything()).toEqual([]);
      await second.close();
    });
  });

  it('of others stay: other types, names and letter case', async () => {
    await onNetcup(async (provider, { everything, plant }) => {
      plant('example.com', 'v=spf1 -all');
      plant('www.example.com', '192.0.2.1', 'A');
      plant(RECORD.name, VALUE.toLowerCase());
      plant('_acme-challenge.www.example.com', VALUE);
      const before = everything();
      await provider.addTxt(RECORD);
      expect(await provider.removeTxt(RECORD)).toBe('removed');
      expect(everything()).toEqual(before);
      expect(await provider.listTxt(ZONE, ZONE)).toEqual(['v=spf1 -all']);
    });
  });

  it('of a zone without any are none', async () => {
    await onNetcup(async (provider, { server }) => {
      expect(await provider.listTxt(RECORD.name, ZONE)).toEqual([]);
      expect(server.takeCalls()).toEqual(['login', 'infoDnsRecords', 'infoDnsZone']);
    });
  });

  it('with 1,024 octets are stored as they are', async () => {
    const long = recordAt('_acme-challenge', `${'a b;c='.repeat(170)}abcd`);
    await onNetcup(async (provider, { held }) => {
      await provider.addTxt(long);
      expect(held(long.name)).toEqual([long.value]);
    });
  });
});
