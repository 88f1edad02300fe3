import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import definition from '../../../providers/zoneid/index.ts';
import { secretSourceOf } from '../../../src/provider.ts';
import { startZoneidFake, type ZoneidFake } from '../../fakes/zoneid.ts';
import { openZoneid, recordAt, VALUE } from './support.ts';

describe('the options of a zoneid account', () => {
  it('need a username and a key, and know the address of the API', () => {
    const parsed = z.parse(definition.options, { username: 'me', apiKey: { env: 'KEY' } });
    expect(parsed).toMatchObject({ username: 'me', url: 'https://api.zone.eu/v2' });
    expect(secretSourceOf(parsed.apiKey)).toEqual({ env: 'KEY' });
  });

  it('take another address without its last slash', () => {
    const parsed = z.parse(definition.options, { username: 'me', apiKey: 'k', url: 'http://127.0.0.1:8080/v2/' });
    expect(parsed.url).toBe('http://127.0.0.1:8080/v2');
  });

  it.each([
    [{ apiKey: 'k' }],
    [{ username: '', apiKey: 'k' }],
    [{ username: 'me:you', apiKey: 'k' }],
    [{ username: 'me' }],
    [{ username: 'me', apiKey: '' }],
    [{ username: 'me', apiKey: 'k', url: 'ftp://api.zone.eu' }],
    [{ username: 'me', apiKey: 'k', url: 'https://me:k@api.zone.eu/v2' }],
    [{ username: 'me', apiKey: 'k', zone: 'example.com' }],
  ])('are refused: %j', (options) => {
    expect(z.safeParse(definition.options, options).success).toBe(false);
  });
});

describe("zoneid's credentials", () => {
  const LOGIN = { username: 'zoneid-user', apiKey: 'sup3r-secret-ke¥' };
  const BASE64 = Buffer.from(`${LOGIN.username}:${LOGIN.apiKey}`).toString('base64');
  let fake: ZoneidFake;
  beforeEach(async () => {
    fake = await startZoneidFake(LOGIN);
  });
  afterEach(() => fake.close());

  it('work beyond ASCII', async () => {
    const { provider, close } = openZoneid(fake);
    expect((await provider.addTxt(recordAt('_acme-challenge.example.com'))).changed).toBe(true);
    await close();
  });

  it('are kept from every output in the form in which they travel', async () => {
    const { context, close } = openZoneid(fake);
    expect(context.secrets).toContain(BASE64);
    await close();
  });

  it('are in no error and in no log line, whatever goes wrong', async () => {
    const { provider, context, close } = openZoneid(fake, { requestTimeout: 400 });
    const told: string[] = [];
    const attempt = (verb: Promise<unknown>) => verb.catch((error: unknown) => told.push(everythingOf(error)));
    const known = recordAt('_acme-challenge.example.com', VALUE, 'example.com');
    for (const kind of ['500', '502-html', 'reset', 'hang', 'garbage', 'wrong-type'] as const) {
      fake.server.inject({ kind, effect: 'before', call: 'POST txt', times: 3 });
      await attempt(provider.addTxt(known));
    }
    await attempt(provider.addTxt(recordAt('_acme-challenge.example.org')));
    await attempt(provider.removeTxt(known, { zone: 'example.com', id: '..', proven: true }));
    const wrong = openZoneid({ ...fake, apiKey: `${LOGIN.apiKey}x` });
    await attempt(wrong.provider.addTxt(known));
    await wrong.close();
    await close();
    expect(told).toHaveLength(9);
    const output = [...told, ...context.lines, ...wrong.context.lines].join('\n');
    expect(context.lines.length).toBeGreaterThan(20);
    expect(output).not.toContain(LOGIN.apiKey);
    expect(output).not.toContain(BASE64.slice(0, 30));
    expect(output).not.toMatch(/authorization|basic /i);
  });
});

/** An error with its hint, its stack and all of its causes. */
function everythingOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { hint = '' } = error as { hint?: string };
  return [error.message, hint, error.stack, JSON.stringify(error), everythingOf(error.cause)].join('\n');
}
