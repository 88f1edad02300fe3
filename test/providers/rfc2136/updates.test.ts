import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startDeadline } from '../../../src/deadline.ts';
import { normaliseName } from '../../../src/names.ts';
import { startUpdateFake, type UpdateFake, type UpdateFakeSettings } from '../../fakes/dns-update.ts';
import { failureOf, NAME, OTHER, openUpdates, recordOf, VALUE, withFake } from './support.ts';

const ZONE = 'example.com';

describe('an update', () => {
  let fake: UpdateFake;
  beforeEach(async () => {
    fake = await startUpdateFake({ zones: [ZONE, `sub.${ZONE}`] });
  });
  afterEach(() => fake.close());

  const provider = () => openUpdates(fake).provider;
  const calls = () => fake.server.takeCalls();

  it('adds with one message, where the zone is known and the name is free', async () => {
    expect(await provider().addTxt({ ...recordOf(VALUE, ZONE), ttl: 77 })).toEqual({ zone: ZONE, changed: true });
    expect(calls()).toEqual(['add']);
    expect(fake.ttls.get(NAME)).toBe(77);
  });

  it('is in the log with its server, result and milliseconds, as are questions', async () => {
    fake.plant(NAME, OTHER);
    const { provider, context } = openUpdates(fake);
    await provider.addTxt(recordOf(VALUE, ZONE));
    const logged = context.lines.map((line) => line.replace(/"ms":\d+/, '"ms":N').replace(String(fake.port), 'PORT'));
    expect(logged).toContain(
      'debug: update {"server":"127.0.0.1 port PORT","call":"UPDATE example.com","result":"NOERROR","changes":1,"ms":N}',
    );
    expect(logged.some((line) => line.includes(`"call":"query ${NAME}`))).toBe(true);
  });

  it('removes with one message, where the value stands alone', async () => {
    fake.plant(NAME, VALUE);
    expect(await provider().removeTxt(recordOf(VALUE, ZONE))).toBe('removed');
    expect(calls()).toEqual(['delete']);
    expect(fake.held(NAME)).toEqual([]);
  });

  it('asks only where there is something else, all over one connection', async () => {
    fake.plant(NAME, OTHER);
    expect((await provider().addTxt(recordOf(VALUE, ZONE))).changed).toBe(true);
    expect(calls()).toEqual(['add', 'TXT', 'add']);
    expect(fake.connections.count).toBe(1);
    expect((await provider().addTxt(recordOf(VALUE, ZONE))).changed).toBe(false);
    expect(calls()).toEqual(['add', 'TXT']);
    expect(await provider().removeTxt(recordOf(VALUE, ZONE))).toBe('removed');
    expect(calls()).toEqual(['delete', 'TXT', 'delete']);
    expect(await provider().removeTxt(recordOf(VALUE, ZONE))).toBe('absent');
    expect(calls()).toEqual(['delete', 'TXT']);
    expect(fake.held(NAME)).toEqual([OTHER]);
  });

  it('removes where the handle says, with no question', async () => {
    const name = `_acme-challenge.sub.${ZONE}`;
    fake.plant(name, VALUE);
    expect(await provider().removeTxt(recordOf(VALUE, undefined, name), { zone: normaliseName(`sub.${ZONE}`) })).toBe(
      'removed',
    );
    expect(calls()).toEqual(['delete']);
  });

  it('is refused for each zone that the server does not hold, and done in the deepest', async () => {
    const name = `_acme-challenge.www.sub.${ZONE}`;
    expect((await provider().addTxt(recordOf(VALUE, undefined, name))).zone).toBe(`sub.${ZONE}`);
    expect(calls()).toEqual(['add', 'add']);
  });

  it('says which zones it tried where the server holds none', async () => {
    const failure = await failureOf(provider().addTxt(recordOf(VALUE, undefined, '_acme-challenge.example.org')));
    expect(failure).toMatchObject({
      code: 'E_ZONE',
      message:
        'no zone of this account holds _acme-challenge.example.org, tried: example.org, _acme-challenge.example.org',
    });
    expect(failure.hint).toContain('primary of the zone');
    expect(calls()).toEqual(['add', 'add']);
  });

  it('knows a value however it is cut into strings, and removes it as it is stored', async () => {
    fake.plant(NAME, VALUE.slice(0, 9), VALUE.slice(9));
    expect((await provider().addTxt(recordOf(VALUE, ZONE))).changed).toBe(false);
    expect(await provider().listTxt(NAME, ZONE)).toEqual([VALUE]);
    fake.plant(NAME, OTHER);
    expect(await provider().removeTxt(recordOf(VALUE, ZONE))).toBe('removed');
    expect(fake.held(NAME)).toEqual([OTHER]);
  });

  it.each(['reset', 'hang', 'truncated', 'garbage', 'empty'] as const)(
    'is looked for when its answer is lost, and not made twice: %s',
    async (kind) => {
      fake.server.inject({ kind, effect: 'after', call: 'add' });
      expect(await provider().addTxt(recordOf(VALUE, ZONE))).toEqual({ zone: ZONE, changed: true });
      expect(calls()).toEqual(['add', 'TXT']);
      fake.server.inject({ kind, effect: 'after', call: 'delete' });
      expect(await provider().removeTxt(recordOf(VALUE, ZONE))).toBe('removed');
      expect(calls()).toEqual(['delete', 'TXT']);
    },
  );

  it('is made again when it was lost itself', async () => {
    fake.server.inject({ kind: 'reset', effect: 'before', call: 'add' });
    expect((await provider().addTxt(recordOf(VALUE, ZONE))).changed).toBe(true);
    expect(calls()).toEqual(['add', 'TXT', 'add']);
  });
});

it('takes no word of a zone from a server that does not speak for it', async () => {
  await withFake({ authoritative: false }, async (fake, provider) => {
    fake.plant(NAME, VALUE);
    const failure = await failureOf(provider.addTxt(recordOf(OTHER, ZONE)));
    expect(failure).toMatchObject({ code: 'E_ZONE', message: expect.stringContaining('not authoritative') });
    expect(await failureOf(provider.listTxt(NAME))).toMatchObject({ code: 'E_ZONE' });
    expect(fake.held(NAME)).toEqual([VALUE]);
  });
});

it('copes with a server that closes the connection after each answer', async () => {
  await withFake({ oneAnswer: true }, async (fake, provider) => {
    fake.plant(NAME, OTHER);
    expect(await provider.addTxt(recordOf(VALUE))).toEqual({ zone: ZONE, changed: true });
    expect(fake.held(NAME)).toEqual([OTHER, VALUE]);
    expect(await provider.removeTxt(recordOf(VALUE))).toBe('removed');
    expect(fake.held(NAME)).toEqual([OTHER]);
    expect((await failureOf(provider.addTxt(recordOf(VALUE, undefined, '_acme-challenge.a.b.org')))).code).toBe(
      'E_ZONE',
    );
  });
});

describe('what a server refuses', () => {
  it.each([
    [1, 'E_REJECTED', 'FORMERR', 'RFC 2136'],
    [2, 'E_REMOTE', 'SERVFAIL', 'journal'],
    [3, 'E_REJECTED', 'NXDOMAIN', 'log'],
    [4, 'E_REJECTED', 'NOTIMP', 'enable them'],
    [5, 'E_AUTH', 'REFUSED', 'update-policy'],
    [9, 'E_ZONE', 'NOTAUTH', 'primary of the zone'],
    [10, 'E_ZONE', 'NOTZONE', '--zone'],
    [14, 'E_REJECTED', 'response code 14', 'log'],
  ])('%d is explained', async (rcode, code, message, hint) => {
    const failure = await withFake({ refuse: { updates: rcode } }, (_fake, provider) =>
      failureOf(provider.addTxt(recordOf(VALUE, ZONE))),
    );
    expect(failure).toMatchObject({ code, message: expect.stringContaining(message) });
    expect(failure.message).toMatch(/^UPDATE example\.com at 127\.0\.0\.1 port \d+: /);
    expect(failure.hint).toContain(hint);
    expect(failure.outcomeUnknown).toBe(rcode === 2);
  });

  it('is believed without a signature, for it changes nothing', async () => {
    const failure = await withFake({ refuse: { updates: 5 }, signs: false }, (_fake, provider) =>
      failureOf(provider.addTxt(recordOf(VALUE, ZONE))),
    );
    expect(failure.code).toBe('E_AUTH');
  });

  it('is told for a question as well', async () => {
    const failure = await withFake({ refuse: { everything: 5 } }, (_fake, provider) =>
      failureOf(provider.listTxt(NAME)),
    );
    expect(failure).toMatchObject({ code: 'E_AUTH', message: expect.stringContaining(`query ${NAME} TXT`) });
  });

  it('is a record beside a CNAME, which a server would ignore and say NOERROR', async () => {
    await withFake({ cnames: [NAME] }, async (fake, provider) => {
      const failure = await failureOf(provider.addTxt(recordOf(VALUE, ZONE)));
      expect(failure).toMatchObject({ code: 'E_REJECTED', message: expect.stringContaining('CNAME') });
      expect(fake.held(NAME)).toEqual([]);
      expect(await failureOf(provider.listTxt(NAME))).toMatchObject({ code: 'E_REJECTED' });
    });
  });
});

describe('a signature that is refused', () => {
  const refusedWith = (settings: UpdateFakeSettings, key: object, now?: () => number) =>
    withFake(settings, async (fake) => {
      const { provider } = openUpdates(fake, { key, ...(now ? { now } : {}) });
      const failure = await failureOf(provider.addTxt(recordOf(VALUE, ZONE)));
      expect(fake.server.takeCalls(), 'never sent again').toEqual(['add']);
      return failure;
    });

  it.each([
    [
      'another name',
      { name: 'nobody' },
      'BADKEY, the server does not know the key nobody with hmac-sha256',
      'exactly the same',
    ],
    ['another algorithm', { algorithm: 'hmac-sha512' }, 'BADKEY', 'algorithm'],
    ['another secret', { secret: 'c2VjcmV0' }, 'BADSIG', 'tsig.secret'],
  ])('says why: %s', async (_what, key, message, hint) => {
    const failure = await refusedWith({}, key);
    expect(failure).toMatchObject({ code: 'E_AUTH', outcomeUnknown: false, message: expect.stringContaining(message) });
    expect(failure.hint).toContain(hint);
    expect(failure.message + failure.hint).not.toContain('c2VjcmV0');
  });

  it.each([
    [-600, 'behind'],
    [600, 'ahead of'],
  ])('says how far the clocks are apart: %d s', async (seconds, where) => {
    const failure = await refusedWith({}, {}, () => Date.now() + seconds * 1000);
    expect(failure).toMatchObject({ code: 'E_AUTH', message: expect.stringContaining('BADTIME') });
    expect(failure.message).toMatch(new RegExp(`this machine is (599|600|601) s ${where} the server$`));
    expect(failure.hint).toContain('NTP');
  });
});

describe('an answer that is not signed by the server', () => {
  const UNREADABLE = 'is not a DNS message for this request';
  const spoilt: readonly [string, UpdateFakeSettings, string][] = [
    ['no signature', { signs: false }, 'it is not signed'],
    ['a changed bit', { spoil: (answer) => flip(answer, answer.length - 20) }, 'its signature is wrong'],
    ['another message', { spoil: (answer) => flip(answer, 0) }, UNREADABLE],
    ['no answer but a question', { spoil: (answer) => flip(answer, 2, 0x80) }, UNREADABLE],
    ['another kind of message', { spoil: (answer) => flip(answer, 2, 0x08) }, UNREADABLE],
    ['a record behind the signature', { spoil: (answer) => withRecordBehind(answer) }, 'it is not signed'],
    ['nothing', { spoil: () => Buffer.alloc(0) }, UNREADABLE],
  ];

  it.each(spoilt)('is not believed: %s', async (_what, settings, why) => {
    await withFake(settings, async (_fake, provider) => {
      const failure = await failureOf(provider.addTxt(recordOf(VALUE, ZONE)));
      expect(failure).toMatchObject({
        code: 'E_PROTOCOL',
        outcomeUnknown: true,
        message: expect.stringContaining(why),
      });
      expect(failure.hint).toBeDefined();
      expect((await failureOf(provider.listTxt(NAME, ZONE))).code).toBe('E_PROTOCOL');
    });
  });

  it('bears almost five minutes between the clocks', async () => {
    await withFake({ clock: 290 }, async (_fake, provider) => {
      expect((await provider.addTxt(recordOf(VALUE, ZONE))).changed).toBe(true);
    });
  });
});

describe('a server that cannot be reached', () => {
  it('is told with the address, and that nothing was sent', async () => {
    const fake = await startUpdateFake();
    await fake.close();
    const failure = await failureOf(openUpdates(fake).provider.addTxt(recordOf(VALUE, ZONE)));
    expect(failure).toMatchObject({ code: 'E_REMOTE', outcomeUnknown: false });
    expect(failure.message).toBe(`no TCP connection to 127.0.0.1 port ${fake.port} (ECONNREFUSED)`);
    expect(failure.hint).toContain('firewall');
  });

  it('is not asked any more when the time is up', async () => {
    await withFake({}, async (fake) => {
      const { provider } = openUpdates(fake, { context: { deadline: startDeadline(1000, AbortSignal.abort()) } });
      expect(await failureOf(provider.addTxt(recordOf(VALUE, ZONE)))).toMatchObject({
        code: 'E_REMOTE',
        message: expect.stringContaining('time limit'),
      });
      expect(fake.server.takeCalls()).toEqual([]);
    });
  });

  it('is left at once when the time is up meanwhile', async () => {
    await withFake({}, async (fake) => {
      fake.server.inject({ kind: 'hang', effect: 'before', call: 'add' });
      const { provider } = openUpdates(fake, { context: { time: 100 } });
      const failure = await failureOf(provider.addTxt(recordOf(VALUE, ZONE)));
      expect(failure).toMatchObject({ code: 'E_REMOTE', outcomeUnknown: true });
      expect(failure.message).toContain('time limit');
    });
  });
});

function flip(answer: Buffer, at: number, bit = 1): Buffer {
  const spoiled = Buffer.from(answer);
  spoiled.writeUInt8(spoiled.readUInt8(at) ^ bit, at);
  return spoiled;
}

/** The signature has to be the last record (RFC 8945 section 5.1): what follows it is not signed. */
function withRecordBehind(answer: Buffer): Buffer {
  const longer = Buffer.concat([answer, Buffer.from('00001000010000003c0000', 'hex')]);
  longer.writeUInt16BE(longer.readUInt16BE(10) + 1, 10);
  return longer;
}
