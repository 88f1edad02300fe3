import { afterAll, beforeAll, expect, it } from 'vitest';
import { openWorkplace, type Workplace } from '../support/cli.ts';

let here: Workplace;
beforeAll(async () => {
  here = await openWorkplace();
  await here.configure(
    'accounts: { office: { provider: embedded, zones: [example.com] } }\nzones: { example.com: office, _acme-challenge.example.org: office }\n',
  );
});
afterAll(() => here.remove());

it.each([
  ['a command', ['add'], ['add-txt']],
  ['a command after an option with a value', ['--account', 'office', 'wait'], ['wait-txt']],
  ['a subcommand', ['persist', 'ver'], ['verify']],
  ['an option', ['sweep', '--sc'], ['--scan']],
  ['a common option', ['add-txt', '--acc'], ['--account']],
  ['an account', ['zones', '--account', ''], ['office']],
  ['a zone', ['--zone', 'exam'], ['example.com']],
  ['a challenge name', ['add-txt', ''], ['_acme-challenge.example.com', '_acme-challenge.example.org']],
  ['a second name', ['doctor', 'example.org', 'exa'], ['example.com']],
  ['a client', ['hook', 'cert'], ['certbot']],
  ['a provider', ['providers', 'clou'], ['cloudflare']],
  ['a shell', ['completion', ''], ['bash', 'zsh', 'fish']],
  ['no value of a challenge', ['add-txt', '_acme-challenge.example.com', ''], []],
  ['no hidden command', ['hook-'], []],
])('%s is completed', async (_, words, candidates) => {
  const { code, stdout } = await here.run(['complete-words', '--', ...words]);
  expect(code).toBe(0);
  expect(stdout.split('\n').flatMap((line) => line.split('\t')[0] || [])).toEqual(candidates);
});

it('a config that is wrong or missing does not disturb the completion', async () => {
  const { code, stdout, stderr } = await here.run([
    'complete-words',
    '--',
    '--config',
    '/nowhere',
    'zones',
    '--account',
    '',
  ]);
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
});
