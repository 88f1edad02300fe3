import { describe, expect, it } from 'vitest';
import { certbotAuth, certbotCleanup, certbotOutput } from '../../src/hooks/certbot.ts';
import { VALUE } from '../support/cli.ts';

const env = {
  CERTBOT_DOMAIN: 'example.com',
  CERTBOT_VALIDATION: VALUE,
  CERTBOT_ALL_DOMAINS: 'example.com,example.com',
  CERTBOT_REMAINING_CHALLENGES: '1',
};
const challenge = { name: '_acme-challenge.example.com', value: VALUE };

describe('certbot auth', () => {
  it('asks for the challenge name of the domain, and says how much of the order is to come', () => {
    expect(certbotAuth(env)).toEqual({
      action: 'add',
      challenge,
      order: { key: 'example.com,example.com', remaining: 1 },
    });
  });

  it('understands the newer variables', () => {
    const newer = { ...env, CERTBOT_IDENTIFIER: 'example.com', CERTBOT_ALL_IDENTIFIERS: 'example.com,www.example.com' };
    expect(certbotAuth(newer)).toMatchObject({ challenge, order: { key: 'example.com,www.example.com' } });
  });

  it('waits for itself where certbot says nothing about the order', () => {
    const { CERTBOT_REMAINING_CHALLENGES: _, ...older } = env;
    expect(certbotAuth(older).order).toBeUndefined();
  });

  it.each([
    ['nothing of certbot in the environment', {}, /certbot calls this hook/],
    ['http-01', { ...env, CERTBOT_TOKEN: 'token' }, /asks for http-01/],
    ['an address', { ...env, CERTBOT_DOMAIN: '192.0.2.1' }, /asks for http-01/],
  ])('refuses %s', (_, wrong, message) => {
    expect(() => certbotAuth(wrong)).toThrow(message);
  });
});

describe('certbot cleanup', () => {
  const handle = { zone: 'example.com', id: '17' };

  it('brings back the handle that auth printed, as one line of ASCII', () => {
    const output = certbotOutput(challenge, handle);
    expect(output).toMatch(/^[ -~]+$/);
    expect(certbotCleanup({ ...env, CERTBOT_AUTH_OUTPUT: `${output}\n` })).toEqual({
      action: 'remove',
      challenge,
      handle,
    });
  });

  it.each([
    ['another challenge', certbotOutput({ ...challenge, value: 'x'.repeat(43) }, handle)],
    ['another hook', 'some text of another tool'],
    ['nothing', ''],
  ])('takes no handle from the output of %s', (_, output) => {
    expect(certbotCleanup({ ...env, CERTBOT_AUTH_OUTPUT: output }).handle).toBeUndefined();
  });
});
