import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { writeProgram } from '../e2e/clients/hook-calls.ts';
import { missingOf } from '../e2e/lab/programs.ts';
import { type FakeRecord, startFakeDns } from '../fakes/dns-server.ts';
import { openWorkplace, type Workplace } from '../support/cli.ts';
import { KEYS, openTerminal } from '../support/typing.ts';

const TOKEN = 'cf-token-hunter2';
const { enter, down, ctrlC, ctrlD } = KEYS;

let here: Workplace;
let target: string;
let bin: string;
beforeEach(async () => {
  here = await openWorkplace();
  target = join(here.directory, 'out', 'config.yaml');
  bin = join(here.directory, 'bin');
  await mkdir(bin);
});
afterEach(() => here.remove());

/** With no other program in the PATH than these clients. */
async function open(args: readonly string[], clients: readonly string[] = ['lego', 'uacme'], env = {}) {
  for (const client of clients) await writeProgram(join(bin, client), ['true']);
  return openTerminal(['init', '--config', target, '--no-test', ...args], {
    PATH: bin,
    HOME: here.directory,
    DNS01_STATE_DIR: here.stateDirectory,
    ...env,
  });
}

/** A config with a private DNS, where the zone has name servers of Cloudflare. */
async function privateDns(): Promise<void> {
  const server = await startFakeDns();
  onTestFinished(() => server.close());
  const records: FakeRecord[] = [{ name: 'example.com', type: 'NS', data: 'dina.ns.cloudflare.com' }];
  const address: FakeRecord = { name: 'dina.ns.cloudflare.com', type: 'A', data: '127.0.0.1' };
  server.serve([
    { name: 'example.com', records },
    { name: 'ns.cloudflare.com', records: [address] },
  ]);
  await mkdir(dirname(target), { mode: 0o700 });
  const text = `# mine
accounts: { other: { provider: embedded, zones: [example.org] } }
zones: { example.org: other }
dns: { resolvers: ["${server.at}"], roots: ["${server.at}"], allowNetworks: [127.0.0.0/8], doh: false }
`;
  await writeFile(target, text, { mode: 0o600 });
}

const missing = missingOf(['script']);
describe.skipIf(missing.length > 0)(
  `on a terminal, init${missing.length > 0 ? ` (not installed: ${missing})` : ''}`,
  () => {
    it('asks for what is missing, and shows no secret', async () => {
      const terminal = await open(['--zone', 'example.com', '--provider', 'route53']);
      await terminal.answer('accessKeyId', `AKIA${enter}`);
      await terminal.answer('expected an access key id', `IOSFODNN7EXAMPLE${enter}`);
      await terminal.answer('secretAccessKey', `wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY${enter}`);
      await terminal.answer('Which ACME client', `${down}${enter}`);
      expect(await terminal.ended).toBe(0);
      expect(terminal.screen()).toMatch(
        /^The certificate, with uacme:\n {2}uacme new\n {2}DNS01_CONFIG=\S+ uacme -h "\$\(command -v dns01-hook\)" issue example\.com '\*\.example\.com'$/m,
      );
      expect(terminal.shown()).not.toContain('wJalr');
      expect(parse(await readFile(target, 'utf8'))).toEqual({
        accounts: {
          route53: {
            provider: 'route53',
            accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
            secretAccessKey: { file: join(dirname(target), 'route53.secretAccessKey') },
          },
        },
        zones: { 'example.com': 'route53' },
      });
    });

    it('proposes the provider by the name servers, finds the zone, and asks before it adds to a config', async () => {
      await privateDns();
      const before = await readFile(target, 'utf8');
      for (const [answer, isAdded] of [
        [enter, false],
        [`y${enter}`, true],
      ] as const) {
        const terminal = await open([], ['certbot']);
        await terminal.answer('Which domain', `www.example.com${enter}`);
        await terminal.answer('Its name servers are those of Cloudflare (dina.ns.cloudflare.com)', enter);
        await terminal.answer('API token', `${TOKEN}${enter}`);
        await terminal.answer('Add the account cloudflare to', answer);
        expect(await terminal.ended).toBe(0);
        expect(existsSync(join(dirname(target), 'cloudflare.token'))).toBe(isAdded);
        if (isAdded) expect(terminal.screen()).toMatch(/^ {4}-d www\.example\.com$/m);
        else expect(await readFile(target, 'utf8')).toBe(before);
      }
      const text = await readFile(target, 'utf8');
      expect(text).toMatch(/^# mine/);
      expect(parse(text).zones).toEqual({ 'example.org': 'other', 'example.com': 'cloudflare' });
    });

    it('writes nothing into a config that somebody changes while it asks', async () => {
      await privateDns();
      const terminal = await open(['--zone', 'example.com', '--provider', 'cloudflare'], ['certbot']);
      await terminal.answer('API token', `${TOKEN}${enter}`);
      const edited = (await readFile(target, 'utf8')).replace('# mine', '# mine, and edited');
      await terminal.answer('Add the account cloudflare to', '');
      await writeFile(target, edited);
      await terminal.answer('', `y${enter}`);
      expect(await terminal.ended).toBe(78);
      expect(terminal.screen().replaceAll(/\s+/g, ' ')).toContain(
        'has changed since it was read, so nothing was written',
      );
      expect(await readFile(target, 'utf8')).toBe(edited);
      expect(await readdir(dirname(target))).toEqual(['config.yaml']);
    });

    it.each([
      ['at the domain', [], [['Which domain', ctrlC]]],
      ['by Ctrl-D', [], [['Which domain', ctrlD]]],
      ['at a secret', ['--zone', 'example.com', '--provider', 'cloudflare'], [['API token', `${TOKEN}${ctrlC}`]]],
      [
        'at the last question',
        ['--zone', 'example.com', '--provider', 'cloudflare'],
        [
          ['API token', `${TOKEN}${enter}`],
          ['Which ACME client', ctrlC],
        ],
      ],
    ])('writes nothing where it is stopped %s', async (_, args, answers) => {
      const terminal = await open(args);
      for (const [question = '', typed = ''] of answers) await terminal.answer(question, typed);
      expect(await terminal.ended).toBe(130);
      expect(terminal.screen()).toContain('dns01: nothing was written');
      expect(existsSync(dirname(target))).toBe(false);
      expect(terminal.shown()).not.toContain(TOKEN);
    });

    it('asks nothing on a terminal that cannot move its cursor', async () => {
      const terminal = await open(['--zone', 'example.com', '--provider', 'cloudflare'], ['certbot'], { TERM: 'dumb' });
      expect(await terminal.ended).toBe(64);
      expect(terminal.shown()).toContain('init cannot ask here, and needs --token-file FILE');
    });

    it('asks which secret there is, where a provider takes one of several', async () => {
      const url = 'https://panel.example.com:8443';
      const terminal = await open(['--zone', 'example.com', '--provider', 'plesk', '--url', url], ['certbot']);
      await terminal.answer('what do you log in with?', `${down}${enter}`);
      await terminal.answer('Plesk: username,', `office${enter}`);
      await terminal.answer('Plesk: password,', `plesk-hunter2${enter}`);
      expect(await terminal.ended).toBe(0);
      expect((await readdir(dirname(target))).sort()).toEqual(['config.yaml', 'plesk.password']);
    });
  },
);

describe.skipIf(missing.length > 0)('on a terminal, import', () => {
  it.each([
    ['Ctrl-C', ctrlC, 130],
    ['Ctrl-D', ctrlD, 130],
    ['Enter', enter, 0],
    ['no', 'n', 0],
  ])('writes nothing after %s', async (_, key, code) => {
    const file = join(here.directory, 'lego.env');
    await writeFile(file, `CF_DNS_API_TOKEN=${TOKEN}\n`, { mode: 0o600 });
    const terminal = openTerminal(['import', 'lego', '--from', file, '--config', target], { HOME: here.directory });
    await terminal.answer('Write these 2 files?', key);
    expect(await terminal.ended, terminal.screen()).toBe(code);
    expect(terminal.screen()).toMatch(/^dns01: nothing was written$/m);
    expect(existsSync(dirname(target))).toBe(false);
    expect(terminal.shown()).not.toContain(TOKEN);
  });
});
