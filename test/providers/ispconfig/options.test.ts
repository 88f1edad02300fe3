import { expect, it } from 'vitest';
import * as z from 'zod/mini';
import ispconfig from '../../../providers/ispconfig/index.ts';
import { secretSourceOf } from '../../../src/provider.ts';

const least = { url: 'https://panel.example.com:8080/remote/json.php', username: 'acme', password: { env: 'PANEL' } };

it('needs a url, a user name and a password, and nothing else', () => {
  const options = z.parse(ispconfig.options, least);
  expect(options).toMatchObject({ url: least.url, username: 'acme', clientLogin: false, clientId: 0 });
  expect(secretSourceOf(options.password)).toEqual({ env: 'PANEL' });
});

it.each([
  ['url', 'https://panel.example.com:8080'],
  ['url', 'https://panel.example.com:8080/remote/index.php'],
  ['url', 'panel.example.com'],
  ['username', ''],
  ['password', ''],
  ['clientLogin', 'false'],
  ['clientId', -1],
  ['clientId', '4'],
  ['ttl', 59],
  ['clientID', 4],
])('refuses %s: %j', (key, value) => {
  const result = z.safeParse(ispconfig.options, { ...least, [key]: value });
  expect(result.success).toBe(false);
  if (key === 'url') expect(JSON.stringify(result.error)).toMatch(/json\.php|http/);
});

it('describes every option', () => {
  const { properties } = z.toJSONSchema(ispconfig.options, { io: 'input', unrepresentable: 'any' });
  const described = Object.entries(properties ?? {}).filter(
    ([, property]) => typeof property === 'object' && (property.description ?? '').length > 20,
  );
  expect(described.map(([name]) => name)).toEqual(['url', 'username', 'password', 'clientLogin', 'clientId', 'ttl']);
});
