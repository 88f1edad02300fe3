import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closestTo } from '../src/closest.ts';
import { expectFailure, openWorkplace, type Workplace } from './support/cli.ts';

it.each([
  ['apikey', ['apiKey', 'url'], 'apiKey'],
  ['usre', ['user', 'url'], 'user'],
  ['cloudfalre', ['cloudflare', 'cpanel'], 'cloudflare'],
  ['user', ['username', 'url'], undefined],
  ['xyz', ['apiKey', 'url'], undefined],
  ['u'.repeat(100_000), ['u'.repeat(100_000)], undefined],
  ['', ['ns'], undefined],
])('%.20s is closest to what was meant, if anything is close', (word, known, meant) => {
  expect(closestTo(word, known)).toBe(meant);
});

describe('a misspelt word gets a suggestion', () => {
  let here: Workplace;
  beforeAll(async () => {
    here = await openWorkplace();
  });
  afterAll(() => here.remove());

  const GOOD = { accounts: { panel: { provider: 'porkbun', apiKey: 'x', secretApiKey: 'y' } } };
  const porkbun = (account: object) => ({ accounts: { panel: { provider: 'porkbun', ...account } } });

  it.each<[string, object, string[], number, RegExp, RegExp]>([
    ['command', GOOD, ['add-tx', 'a', 'b'], 64, /unknown command 'add-tx' \(Did you mean add-txt\?\)/, /--help/],
    ['command after help', GOOD, ['help', 'certbot'], 64, /error: there is no such command$/m, /--help/],
    ['option', GOOD, ['sweep', '--scna'], 64, /unknown option '--scna' \(Did you mean --scan\?\)/, /--help/],
    [
      'key',
      { ...GOOD, propagatoin: {} },
      ['zones'],
      78,
      /propagatoin: is not a known key/,
      /^did you mean propagation\?$/,
    ],
    [
      'option of a provider',
      porkbun({ apikey: 'x', secretApiKey: 'y' }),
      ['zones'],
      78,
      /accounts\.panel\.apikey: is not a known key/,
      /^did you mean apiKey\? see: dns01 providers porkbun$/,
    ],
    [
      'option of a connection',
      porkbun({ apiKey: 'x', secretApiKey: 'y', finger_print: 'z' }),
      ['zones'],
      78,
      /finger_print: is not a known key/,
      /^did you mean fingerprint\?/,
    ],
    [
      'provider',
      { accounts: { a: { provider: 'prokbun' } } },
      ['zones'],
      78,
      /no provider "prokbun"/,
      /^did you mean porkbun\?$/,
    ],
    [
      'provider on the command line',
      GOOD,
      ['providers', 'prokbun'],
      64,
      /no provider "prokbun"/,
      /^did you mean porkbun\?$/,
    ],
    ['client', GOOD, ['hook', 'certbto', 'auth'], 64, /no hook for "certbto"/, /^did you mean certbot\?$/],
    ['account', GOOD, ['zones', '--account', 'pannel'], 64, /no account "pannel"/, /^did you mean panel\?$/],
    [
      'account of a zone',
      { ...GOOD, zones: { 'example.com': 'pannel' } },
      ['zones'],
      78,
      /no account "pannel"/,
      /^did you mean panel\?$/,
    ],
  ])('%s', async (_, config, args, code, message, hint) => {
    await here.configure(JSON.stringify(config));
    expectFailure(await here.run(args), code, message, hint);
  });
});
