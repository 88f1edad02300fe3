import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import {
  createApi,
  createRecordVerbs,
  eachPage,
  normaliseName,
  parseZones,
  type RecordCalls,
  refusalBody,
  type ShownTxt,
} from '../../src/provider.ts';
import { type FakeReply, type FaultServer, startFaultServer } from '../fakes/fault-server.ts';
import { createTestContext, type TestContext } from '../support/context.ts';

const ZONE = normaliseName('example.com');
const RECORD = { name: normaliseName('_acme-challenge.example.com'), value: 'VALUE', ttl: 60, zone: ZONE };

let context: TestContext;
beforeEach(() => {
  context = createTestContext();
});
afterEach(() => context.http.close());

describe('createApi', () => {
  let server: FaultServer;
  let reply: FakeReply;
  beforeEach(async () => {
    server = await startFaultServer({ nameOf: ({ method }) => method, reply: () => reply });
  });
  afterEach(() => server.close());

  const call = (expected?: readonly number[]) =>
    createApi(context, { url: server.origin, headers: {} }).send({
      method: 'DELETE',
      path: '/1',
      ...(expected ? { expected } : {}),
    });

  it.each([204, 404])('gives the answer with a status that is expected: %s', async (status) => {
    reply = { status };
    expect((await call([204, 404])).status).toBe(status);
  });

  it.each([
    [401, 'E_AUTH', false],
    [404, 'E_ZONE', true],
    [422, 'E_REJECTED', false],
  ])('throws the refusal of status %s as %s', async (status, code, tryNextZone) => {
    reply = { status };
    await expect(call()).rejects.toMatchObject({ code, status, tryNextZone, outcomeUnknown: false });
    await expect(call([204])).rejects.toMatchObject({ code, status });
  });

  it('does not take any other status for success', async () => {
    reply = { status: 200, body: '<html>Log in</html>' };
    await expect(call([204])).rejects.toMatchObject({ code: 'E_PROTOCOL', outcomeUnknown: true });
    expect((await call()).status).toBe(200);
  });

  it('makes headers anew for each attempt, because a signature may have ended while it waited', async () => {
    reply = { status: 204 };
    server.inject({ kind: '429', call: 'DELETE', effect: 'before' });
    let made = 0;
    const api = createApi(context, { url: server.origin, headers: () => ({ 'x-made': String(++made) }) });
    await api.send({ method: 'DELETE', path: '/1' });
    expect(server.requests.map(({ headers }) => headers['x-made'])).toEqual(['1', '2']);
  });

  it('repeats what a refusal says without control characters, and nothing of it where the login failed', async () => {
    reply = { status: 422, body: '\u001b[31mno\u0007' };
    await expect(call()).rejects.toMatchObject({ message: 'DELETE /1: refused (status 422): ?[31mno?' });
    reply = { status: 403, body: 'no right for token 1234' };
    await expect(call()).rejects.toMatchObject({ message: expect.not.stringContaining('1234') });
  });

  it('reads the body of a refusal only where it fits', () => {
    const schema = z.object({ error: z.string() });
    const bodyOf = (text: string) => refusalBody({ call: 'GET /', status: 400, headers: {}, text }, schema);
    expect(bodyOf('{"error":"x","more":1}')).toEqual({ error: 'x' });
    for (const text of ['', '<html>', '{"error":1}', 'null']) expect(bodyOf(text)).toBeUndefined();
  });
});

describe('lists', () => {
  it('that never end are an error, not a short list', async () => {
    const pages = eachPage(1, async (page) => ({ items: [page], next: page + 1 }));
    const read = async () => {
      for await (const _ of pages);
    };
    await expect(read()).rejects.toMatchObject({ code: 'E_PROTOCOL', message: 'a list has more than 1000 pages' });
  });

  it('of zones have each name once, and no text that is no name', async () => {
    const shown = eachPage(1, async () => ({
      items: [{ name: 'B.example.' }, { name: 'b.example', active: false }, { name: 'a b' }, { name: 'a.example' }],
      next: undefined,
    }));
    const zones = [];
    for await (const zone of parseZones(shown)) zones.push(zone);
    expect(zones).toEqual([{ name: 'b.example' }, { name: 'a.example' }]);
  });
});

describe('createRecordVerbs', () => {
  let records: ShownTxt[];
  let calls: string[];
  const verbs = (special: Partial<RecordCalls> = {}) =>
    createRecordVerbs(
      {
        async *list() {
          calls.push('list');
          yield* records;
        },
        async create({ name, value }) {
          calls.push('create');
          const record = { id: String(records.length), name, value };
          records.push(record);
          return record;
        },
        async remove(_zone, id) {
          calls.push(`remove ${id}`);
          const before = records.length;
          records = records.filter((record) => record.id !== id);
          return records.length < before ? 'removed' : 'absent';
        },
        ...special,
      },
      context,
    );
  beforeEach(() => {
    records = [
      { id: 'other', name: '_dmarc', value: 'VALUE' },
      { id: 'quoted', name: '_acme-challenge.example.com.', value: '"OTHER"' },
    ];
    calls = [];
  });

  it('look before they add, and remember an id only next to name and value', async () => {
    expect(await verbs().addTxt(RECORD)).toEqual({ zone: ZONE, id: '2', proven: true, changed: true });
    expect(calls).toEqual(['list', 'create']);
    expect(await verbs().addTxt(RECORD)).toMatchObject({ id: '2', changed: false });
    expect(await verbs({ create: async () => ({ id: '9' }) }).addTxt({ ...RECORD, value: 'x' })).toEqual({
      zone: ZONE,
      id: '9',
      proven: false,
      changed: true,
    });
    const foreign = async () => ({ id: '9', name: '_dmarc', value: 'x' });
    expect(await verbs({ create: foreign }).addTxt({ ...RECORD, value: 'x' })).toEqual({ zone: ZONE, changed: true });
  });

  it('delete by a proven id at once, by any other only what the list shows as this record', async () => {
    await verbs().addTxt(RECORD);
    calls = [];
    expect(await verbs().removeTxt(RECORD, { zone: ZONE, id: 'other' })).toBe('removed');
    expect(calls).toEqual(['list', 'remove 2']);
    expect(records.map(({ id }) => id)).toEqual(['other', 'quoted']);
    expect(await verbs().removeTxt(RECORD, { zone: ZONE, id: '2', proven: true })).toBe('absent');
    expect(calls.slice(2)).toEqual(['remove 2']);
  });

  it('delete nothing where one of the records is locked', async () => {
    records = ['1', '2'].map((id) => ({ id, name: RECORD.name, value: RECORD.value, locked: id === '2' }));
    await expect(verbs().removeTxt(RECORD)).rejects.toMatchObject({
      code: 'E_REJECTED',
      message: expect.stringContaining('TXT record 2'),
    });
    expect(calls).toEqual(['list']);
  });

  it('list the values at a name without their quotes', async () => {
    expect(await verbs().listTxt(RECORD.name, ZONE)).toEqual(['OTHER']);
  });
});
