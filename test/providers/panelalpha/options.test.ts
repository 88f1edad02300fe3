import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import definition from '../../../providers/panelalpha/index.ts';
import { secretSourceOf } from '../../../src/provider.ts';
import { type PanelalphaFake, startPanelalphaFake } from '../../fakes/panelalpha.ts';
import { ACCOUNT_ID, failureOf, inProcess, NAME, recordAt, VALUE } from './support.ts';

const LEAST = { url: 'https://panel.example.com:8443', token: 't' };

describe('the options of a panelalpha account', () => {
  it('need an address and a token', () => {
    const parsed = z.parse(definition.options, { url: `${LEAST.url}/`, token: { file: '/etc/token' } });
    expect(parsed).toMatchObject({ url: LEAST.url, nameStyle: 'auto' });
    expect(secretSourceOf(parsed.token)).toEqual({ file: '/etc/token' });
    expect(parsed).not.toHaveProperty('userId');
  });

  it('take ids with and without quotes', () => {
    const parsed = z.parse(definition.options, { ...LEAST, userId: 5, accountId: '12' });
    expect(parsed).toMatchObject({ userId: '5', accountId: '12' });
  });

  it.each([
    [{ token: 't' }],
    [{ url: LEAST.url }],
    [{ ...LEAST, url: 'panel.example.com' }],
    [{ ...LEAST, token: '' }],
    [{ ...LEAST, userId: 'me' }],
    [{ ...LEAST, userId: '' }],
    [{ ...LEAST, userId: 0 }],
    [{ ...LEAST, accountId: 1.5 }],
    [{ ...LEAST, accountId: '../1' }],
    [{ ...LEAST, nameStyle: 'full' }],
    [{ ...LEAST, zone: 'example.com' }],
  ])('are refused: %j', (options) => {
    expect(z.safeParse(definition.options, options).success).toBe(false);
  });

  it('come with a lock, for line numbers move', () => {
    expect(definition).toMatchObject({ type: 'panelalpha', http: true, exclusive: true });
  });
});

describe("panelalpha's token", () => {
  let fake: PanelalphaFake;
  beforeEach(async () => {
    fake = await startPanelalphaFake();
  });
  afterEach(() => fake.close());

  it('is in no error and in no log line, whatever goes wrong', async () => {
    const access = { ...fake, accountId: ACCOUNT_ID };
    const record = recordAt(NAME, VALUE, 'example.com');
    const told: string[] = [];
    await inProcess(access, async (provider, { context }) => {
      const faults = [
        ['500', 'GET records', 3],
        ['reset', 'GET records', 3],
        ['garbage', 'GET records', 1],
        ['502-html', 'POST record', 3],
      ] as const;
      for (const [kind, call, times] of faults) {
        fake.server.inject({ kind, call, effect: 'before', times });
        const { message, hint, stack, cause } = await failureOf(provider.addTxt(record));
        told.push(message, String(hint), String(stack), String(cause));
      }
      const { message } = await failureOf(
        inProcess({ ...access, token: `${fake.token}x` }, (other) => other.addTxt(record)),
      );
      told.push(message, ...context.lines);
    });
    expect(told.length).toBeGreaterThan(25);
    expect(told.join('\n')).not.toContain(fake.token);
    expect(told.join('\n')).not.toMatch(/bearer/i);
  });
});
