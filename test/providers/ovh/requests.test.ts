import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isDns01Error } from '../../../src/errors.ts';
import type { TxtChange } from '../../../src/provider.ts';
import schema from '../../schemas/ovh.json' with { type: 'json' };
import { vendorSchema } from '../../support/vendor-schema.ts';
import { OTHER, onOvh, RECORD, recordAt, signedGet, VALUE, ZONE } from './support.ts';

const fits = vendorSchema(schema);

describe('ovh, requests', () => {
  it('are as few as the API allows', async () => {
    await onOvh(async (provider, { server, plant }) => {
      const { changed, ...handle } = await provider.addTxt(RECORD);
      expect([changed, handle.proven]).toEqual([true, true]);
      expect(server.takeCalls()).toEqual(['GET records', 'POST records', 'POST refresh']);
      plant(RECORD.name, OTHER);
      await provider.removeTxt(RECORD, handle);
      expect(server.takeCalls()).toEqual(['DELETE record', 'POST refresh']);
      await provider.addTxt(RECORD);
      expect(server.takeCalls()).toEqual(['GET records', 'GET record', 'POST records', 'POST refresh']);
      await provider.removeTxt(RECORD);
      expect(server.takeCalls()).toEqual(['GET records', 'GET record', 'GET record', 'DELETE record', 'POST refresh']);
    });
  });

  it('are one for each of many changes, one list and one refresh', async () => {
    await onOvh(async (provider, { server, held, plant }) => {
      plant('www.example.com', 'v=spf1 -all');
      const records = Array.from({ length: 50 }, (_, index) => recordAt(`_acme-challenge.h${index}`));
      const outcomes = await provider.changeTxt?.(
        ZONE,
        records.map((record): TxtChange => ({ action: 'add', record })),
      );
      expect(server.takeCalls()).toEqual([
        'GET records',
        'GET record',
        ...records.map(() => 'POST records'),
        'POST refresh',
      ]);
      expect(records.every(({ name }) => held(name).join() === VALUE)).toBe(true);
      const removals = records.map((record, index): TxtChange => {
        const outcome = outcomes?.[index];
        const handle = outcome?.state === 'done' ? { ...outcome.handle, zone: ZONE } : undefined;
        return { action: 'remove', record, handle };
      });
      await provider.changeTxt?.(ZONE, removals);
      expect(server.takeCalls()).toEqual([...records.map(() => 'DELETE record'), 'POST refresh']);
      expect(records.flatMap(({ name }) => held(name))).toEqual([]);
    });
  });

  it('read single names where the zone has many records', async () => {
    await onOvh(async (provider, { server, plant }) => {
      for (const index of [1, 2, 3, 4]) plant(`h${index}.example.com`, 'other');
      const changes = [RECORD, recordAt('_acme-challenge.www')].map((record): TxtChange => ({ action: 'add', record }));
      await provider.changeTxt?.(ZONE, changes);
      expect(server.takeCalls().filter((call) => call.startsWith('GET'))).toEqual(Array(3).fill('GET records'));
    });
  });

  it('are signed, and fit the schema of OVHcloud', async () => {
    await onOvh(async (provider, { server, options }) => {
      await provider.addTxt({ ...RECORD, ttl: 30 });
      const [list, create, refresh] = server.requests;
      expect([list?.path, list?.query]).toEqual([
        '/1.0/domain/zone/example.com/record',
        'fieldType=TXT&subDomain=_acme-challenge',
      ]);
      const body = { fieldType: 'TXT', subDomain: '_acme-challenge', target: `"${VALUE}"`, ttl: 60 };
      expect(JSON.parse(create?.body ?? '')).toEqual(body);
      fits('/components/schemas/domain.zone.RecordCreate', body);
      const { 'x-ovh-timestamp': time, ...headers } = create?.headers ?? {};
      const parts = [options['applicationSecret'], options['consumerKey'], 'POST', `${server.origin}${create?.path}`];
      const digest = createHash('sha1')
        .update([...parts, create?.body, time].join('+'))
        .digest('hex');
      expect(headers).toMatchObject({
        'x-ovh-application': options['applicationKey'],
        'x-ovh-consumer': options['consumerKey'],
        'x-ovh-signature': `$1$${digest}`,
      });
      expect([refresh?.method, refresh?.path, refresh?.body]).toEqual([
        'POST',
        '/1.0/domain/zone/example.com/refresh',
        '',
      ]);
    });
  });

  it('get answers from the stand-in that fit the schema too', async () => {
    await onOvh(async (provider, { options }) => {
      const { id } = await provider.addTxt(RECORD);
      const fitting = async (path: string, name: string) =>
        fits(`/components/schemas/${name}`, await signedGet(options, path));
      await fitting(`/domain/zone/${ZONE}/record/${id}`, 'domain.zone.Record');
      await fitting(`/domain/zone/${ZONE}`, 'domain.Zone');
      await fitting('/auth/currentCredential', 'auth.ApiCredential');
    });
  });

  it('learn the time of the API only after it has refused ours, and once', async () => {
    await onOvh(
      async (provider, { server, held }) => {
        await provider.addTxt(RECORD);
        expect(server.takeCalls()).toEqual([
          'GET records',
          'GET /auth/time',
          'GET records',
          'POST records',
          'POST refresh',
        ]);
        await provider.addTxt({ ...RECORD, value: OTHER });
        expect(server.takeCalls()).not.toContain('GET /auth/time');
        expect(held(RECORD.name)).toEqual([VALUE, OTHER]);
      },
      { aheadSeconds: -7200 },
    );
  });
});

describe('ovh, a refresh that fails', () => {
  const failing = (times: number) =>
    onOvh(async (provider, { server, held, unrefreshed }) => {
      server.inject({ kind: '500', call: 'POST refresh', effect: 'before', times });
      const failure = await provider.addTxt(RECORD).then(
        () => undefined,
        (error: unknown) => error,
      );
      const before = [held(RECORD.name).length, unrefreshed()];
      await provider.addTxt(RECORD);
      return { failure, before, after: [held(RECORD.name).length, unrefreshed()] };
    });

  it('is repeated', async () => {
    expect(await failing(2)).toMatchObject({ failure: undefined, before: [1, 0], after: [1, 0] });
  });

  it('is told as a change that may have been made, and made up for by the next run', async () => {
    const { failure, ...rest } = await failing(3);
    expect(isDns01Error(failure) && failure).toMatchObject({ code: 'E_REMOTE', outcomeUnknown: true });
    expect(String(failure)).toContain('stored in example.com but not served yet');
    expect(rest).toEqual({ before: [0, 1], after: [1, 0] });
  });

  it('is not taken for a missing zone, and fails every change of a batch', async () => {
    const rules = ['GET', 'POST', 'DELETE'].map((method) => ({ method, path: '/domain/zone/example.com/record*' }));
    await onOvh(
      async (provider) => {
        const changes = [RECORD, recordAt('_acme-challenge.www')].map(
          (record): TxtChange => ({ action: 'add', record }),
        );
        await expect(provider.changeTxt?.(ZONE, changes)).rejects.toMatchObject({
          code: 'E_AUTH',
          outcomeUnknown: true,
          tryNextZone: false,
          hint: expect.stringContaining('POST /domain/zone/example.com/refresh'),
        });
      },
      { rules },
    );
  });

  it('is made up for by a removal that finds nothing', async () => {
    await onOvh(async (provider, { server, held }) => {
      await provider.addTxt(RECORD);
      server.inject({ kind: 'reset', call: 'POST refresh', effect: 'before', times: 3 });
      await expect(provider.removeTxt(RECORD)).rejects.toMatchObject({ outcomeUnknown: true });
      expect(held(RECORD.name)).toEqual([VALUE]);
      expect(await provider.removeTxt(RECORD)).toBe('absent');
      expect(held(RECORD.name)).toEqual([]);
    });
  });
});
