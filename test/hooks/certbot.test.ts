import { describe, expect, it } from 'vitest';
import { certbot } from '../../src/hooks/certbot.ts';
import { normaliseName } from '../../src/names.ts';
import { VALUE } from '../support/cli.ts';

const env = {
  CERTBOT_DOMAIN: 'example.com',
  CERTBOT_VALIDATION: VALUE,
  CERTBOT_ALL_DOMAINS: 'example.com,example.com',
  CERTBOT_REMAINING_CHALLENGES: '1',
};
const challenge = { name: '_acme-challenge.example.com', value: VALUE };
const auth = (environment: Record<string, string>) => certbot.translate(['auth'], environment);
const cleanup = (environment: Record<string, string>) => certbot.translate(['cleanup'], environment);

describe('certbot auth', () => {
  it('asks for the challenge name of the domain, and says how much of the order is to come', () => {
    expect(auth(env)).toEqual({
      action: 'add',
      challenges: [challenge],
      order: { key: 'example.com,example.com', remaining: 1 },
    });
  });

  it('understands the newer variables', () => {
    const newer = { ...env, CERTBOT_IDENTIFIER: 'example.com', CERTBOT_ALL_IDENTIFIERS: 'example.com,www.example.com' };
    expect(auth(newer)).toMatchObject({ challenges: [challenge], order: { key: 'example.com,www.example.com' } });
  });

  it('waits for itself where certbot says nothing about the order', () => {
    const { CERTBOT_REMAINING_CHALLENGES: _, ...older } = env;
    expect(auth(older)).toMatchObject({ action: 'add', order: undefined });
  });

  it('is an add although an output of another lineage is still set', () => {
    expect(auth({ ...env, CERTBOT_AUTH_OUTPUT: 'stale' })).toMatchObject({ action: 'add' });
  });

  it.each([
    ['nothing of certbot in the environment', {}, /certbot calls this hook/],
    ['http-01', { ...env, CERTBOT_TOKEN: 'token' }, /asks for http-01/],
    ['an address', { ...env, CERTBOT_DOMAIN: '192.0.2.1' }, /asks for http-01/],
  ])('refuses %s', (_, wrong, message) => {
    expect(() => auth(wrong)).toThrow(message);
  });
});

describe('certbot cleanup', () => {
  const handle = { zone: normaliseName('example.com'), id: '17' };
  const output = (of: typeof challenge) => certbot.output?.(of, handle) ?? '';

  it('brings back the handle that auth printed, as one line of ASCII', () => {
    expect(output(challenge)).toMatch(/^[ -~]+$/);
    const call = cleanup({ ...env, CERTBOT_AUTH_OUTPUT: `${output(challenge)}\n` });
    expect(call).toEqual({ action: 'remove', challenges: [challenge], handle });
  });

  it.each([
    ['another challenge', output({ ...challenge, value: 'x'.repeat(43) })],
    ['another hook', 'some text of another tool'],
    ['nothing', ''],
  ])('takes no handle from the output of %s', (_, text) => {
    expect(cleanup({ ...env, CERTBOT_AUTH_OUTPUT: text })).toMatchObject({ action: 'remove', handle: undefined });
  });
});

it.each([[[]], [['auth', 'more']], [['deploy']], [['--help']]])('certbot %j is no call of certbot', (args) => {
  expect(() => certbot.translate(args, env)).toThrow(/the hook for certbot was called with/);
});
