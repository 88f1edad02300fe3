import { describe, expect, it } from 'vitest';
import definition from '../../../providers/ovh/index.ts';
import type { RightCheck } from '../../../src/provider.ts';
import { openOn } from '../../support/stand-in-contract.ts';
import { OTHER, onOvh, RECORD, recordAt, VALUE, ZONE } from './support.ts';

const pathsOf = (rights: readonly RightCheck[] = []) => rights.map(({ right, held }) => `${held ? '' : 'no '}${right}`);

describe('ovh, refusals', () => {
  it.each([
    ['a wrong secret', { options: { applicationSecret: 'wrong' } }, { code: 'E_AUTH', loginRefused: true }],
    ['a wrong application key', { options: { applicationKey: 'wrong' } }, { code: 'E_AUTH', loginRefused: true }],
    ['a wrong consumer key', { options: { consumerKey: 'wrong' } }, { code: 'E_AUTH', loginRefused: true }],
    ['a consumer key that has ended', { status: 'expired' as const }, { code: 'E_AUTH', loginRefused: true }],
    ['a right that is missing', { rules: [] }, { code: 'E_AUTH', loginRefused: false, tryNextZone: true }],
    ['another zone', { zones: ['example.org'] }, { code: 'E_ZONE', tryNextZone: true }],
  ])('%s', async (_what, settings, expected) => {
    await onOvh(async (provider, { server, everything }) => {
      await expect(provider.addTxt(RECORD)).rejects.toMatchObject({ ...expected, outcomeUnknown: false });
      expect(server.takeCalls()).toEqual(['GET records']);
      expect(everything()).toEqual([]);
    }, settings);
  });

  it('a clock that stays wrong', async () => {
    await onOvh(
      async (provider, { server }) => {
        server.inject({ kind: '200-html', call: 'GET /auth/time', effect: 'after' });
        await expect(provider.addTxt(RECORD)).rejects.toMatchObject({ code: 'E_PROTOCOL' });
      },
      { aheadSeconds: 9999 },
    );
  });

  it('a consumer key that cannot be one', async () => {
    const options = { consumerKey: 'two\nlines' };
    await expect(onOvh(async () => {}, { options })).rejects.toMatchObject({ code: 'E_CONFIG' });
  });

  it('a wrong address', async () => {
    await onOvh(async (_provider, { server }, { context }) => {
      const keys = { applicationKey: 'a', applicationSecret: 'b', consumerKey: 'c' };
      const provider = definition.create({ ...keys, url: `${server.origin}/v1` }, context);
      await expect(provider.addTxt(RECORD)).rejects.toMatchObject({ code: 'E_REJECTED', status: 404 });
    });
  });
});

describe('ovh, records', () => {
  it('of others with a name that the filter also finds stay', async () => {
    await onOvh(async (provider, { held, plant, server }) => {
      plant('xacme-challenge.example.com', VALUE);
      plant('_acme-challenge.example.com', VALUE.toLowerCase());
      plant('_acme-challenge.example.com', 'host.example.net.', 'PTR');
      await provider.addTxt(RECORD);
      expect(server.takeCalls().filter((call) => call === 'GET record')).toHaveLength(2);
      expect((await provider.listTxt(RECORD.name, ZONE)).sort()).toEqual([VALUE, VALUE.toLowerCase()].sort());
      await provider.removeTxt(RECORD);
      expect(held('xacme-challenge.example.com')).toEqual([VALUE]);
      expect(held(RECORD.name)).toEqual([VALUE.toLowerCase()]);
    });
  });

  it('of two clients at once are all there, and each is removed alone', async () => {
    await onOvh(async (provider, standIn) => {
      const second = openOn(definition, standIn);
      const other = { ...RECORD, value: OTHER };
      await Promise.all([provider.addTxt(RECORD), second.provider.addTxt(other)]);
      expect(standIn.held(RECORD.name).sort()).toEqual([VALUE, OTHER].sort());
      await Promise.all([provider.removeTxt(other), second.provider.removeTxt(RECORD)]);
      expect(standIn.everything()).toEqual([]);
      await second.close();
    });
  });

  it('with 1,024 octets are kept in strings of 255', async () => {
    const long = recordAt('_acme-challenge', `${'a b;c='.repeat(170)}abcd`);
    await onOvh(async (provider, { held }) => {
      await provider.addTxt(long);
      expect(held(long.name)).toEqual([long.value]);
      expect(await provider.removeTxt(long)).toBe('removed');
    });
  });

  it('of the zone itself are found', async () => {
    await onOvh(async (provider, { plant }) => {
      plant(ZONE, 'v=spf1 -all');
      expect(await provider.listTxt(ZONE, ZONE)).toEqual(['v=spf1 -all']);
    });
  });
});

describe('ovh, rights', () => {
  it('are checked for the zones that the rules name, with the end of the key', async () => {
    const rules = [
      { method: 'GET', path: '/auth/currentCredential' },
      { method: 'GET', path: '/domain/zone/example.com/record*' },
      { method: 'POST', path: '/domain/zone/example.com/*' },
    ];
    await onOvh(
      async (provider) => {
        const rights = await provider.checkRights?.();
        expect(pathsOf(rights)).toEqual([
          'consumer key',
          'GET /domain/zone/example.com/record',
          'GET /domain/zone/example.com/record/*',
          'POST /domain/zone/example.com/record',
          'no DELETE /domain/zone/example.com/record/*',
          'POST /domain/zone/example.com/refresh',
        ]);
        expect(rights?.[0]?.until).toEqual(new Date('2026-12-24T11:00:00Z'));
      },
      { rules, expiration: '2026-12-24T12:00:00+01:00' },
    );
  });

  it('are checked for any zone where the rules name none', async () => {
    await onOvh(async (provider) => {
      const rights = await provider.checkRights?.();
      expect(rights?.every(({ held }) => held)).toBe(true);
      expect(rights?.[0]?.until).toBeUndefined();
    });
  });

  it('are unknown where the key may not read them', async () => {
    await onOvh(
      async (provider) => expect(pathsOf(await provider.checkRights?.())).toEqual(['no GET /auth/currentCredential']),
      {
        rules: [],
      },
    );
  });

  it('to list zones and name servers are used', async () => {
    await onOvh(
      async (provider) => {
        const zones = [];
        for await (const { name } of provider.listZones?.() ?? []) zones.push(name);
        expect(zones).toEqual(['example.com', 'example.org']);
        expect(await provider.nameServers?.(ZONE)).toEqual(['dns103.ovh.net', 'ns103.ovh.net']);
      },
      { zones: ['example.com', 'example.org'] },
    );
  });
});
