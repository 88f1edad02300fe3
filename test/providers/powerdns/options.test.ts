import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import definition from '../../../providers/powerdns/index.ts';
import { secretSourceOf } from '../../../src/provider.ts';

describe('the options of a powerdns account', () => {
  it('need an address and a key, and know the server', () => {
    const parsed = z.parse(definition.options, { url: 'http://127.0.0.1:8081/', apiKey: { env: 'KEY' } });
    expect(parsed).toMatchObject({ url: 'http://127.0.0.1:8081', server: 'localhost' });
    expect(secretSourceOf(parsed.apiKey)).toEqual({ env: 'KEY' });
  });

  it.each([
    [{ apiKey: 'k' }],
    [{ url: '127.0.0.1:8081', apiKey: 'k' }],
    [{ url: 'http://127.0.0.1:8081' }],
    [{ url: 'http://127.0.0.1:8081', apiKey: '' }],
    [{ url: 'http://127.0.0.1:8081', apiKey: 'k', server: '' }],
    [{ url: 'http://127.0.0.1:8081', apiKey: 'k', zone: 'example.com' }],
  ])('are refused: %j', (options) => {
    expect(z.safeParse(definition.options, options).success).toBe(false);
  });

  it('come with a lock, for the API replaces whole record sets', () => {
    expect(definition).toMatchObject({ type: 'powerdns', http: true, exclusive: true });
  });
});
