import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { accountsIn } from '../../src/import/accounts.ts';
import { readAcmeSh } from '../../src/import/acme-sh.ts';
import { readCertbot } from '../../src/import/certbot.ts';
import { readLego } from '../../src/import/environment-file.ts';
import { readLexicon } from '../../src/import/lexicon.ts';
import { NAMES, type Tool } from '../../src/import/names.ts';
import { openReader } from '../../src/import/sources.ts';
import { EXPECTED, STORED } from './stored.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dns01-import-'));
  await file('tsig.key', 'key "acme-key" {\n\talgorithm hmac-sha512;\n\tsecret "c2VjcmV0";\n};\n');
});
afterAll(() => rm(directory, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  await chmod(path, 0o600);
  return path;
}

/** Writes values as the tool stores them, and reads them back. */
async function importOf(tool: Tool, provider: string, values: Readonly<Record<string, string>>) {
  const reader = openReader({});
  const lines = (separator: string, quote = '') =>
    Object.entries(values)
      .map(([name, value]) => `${name}${separator}${quote}${value.replace('DIRECTORY', directory)}${quote}\n`)
      .join('');
  switch (tool) {
    case 'acme.sh':
      return accountsIn(
        readAcmeSh(await file(`${provider}/account.conf`, `${lines('=', "'")}X=$(exit 1)\n`), reader),
        tool,
        reader,
      );
    case 'lego':
      return accountsIn(readLego(await file(`${provider}.env`, lines('=')), reader), tool, reader);
    case 'certbot':
      return accountsIn(
        readCertbot(await file(`${provider}.ini`, `# for certbot\n${lines(' = ')}`), reader),
        tool,
        reader,
      );
    case 'lexicon': {
      const service = provider === 'rfc2136' ? 'ddns' : provider;
      return accountsIn(readLexicon(await file(`lexicon_${service}.yml`, lines(': ')), reader), tool, reader);
    }
  }
}

const pairs = Object.entries(STORED).flatMap(([tool, all]) =>
  Object.entries(all).map(([provider, values]) => [tool as Tool, provider, values] as const),
);

it.each(pairs)('%s: an account of %s', async (tool, provider, values) => {
  const { accounts, warnings } = await importOf(tool, provider, values);
  expect(warnings).toEqual([]);
  expect(accounts.map((account) => account.provider)).toEqual([provider]);
  const [account] = accounts;
  const all = Object.fromEntries([...(account?.options ?? []), ...(account?.secrets ?? [])]);
  const [always, sometimes = {}] = EXPECTED[provider] ?? [{}];
  expect(all).toMatchObject(always);
  for (const option of Object.keys(all)) expect({ ...always, ...sometimes }, option).toHaveProperty([option]);
  for (const [option, value] of Object.entries(sometimes)) {
    if (Object.values(values).includes(String(value))) expect(all[option], option).toEqual(value);
  }
});

it('every provider that a tool and dns01 know is tested, except where the tool lacks what we need', () => {
  const known = Object.entries(NAMES).flatMap(([type, tools]) => Object.keys(tools).map((tool) => `${tool} ${type}`));
  const tested = pairs.map(([tool, type]) => `${tool} ${type}`);
  const withoutAddress = ['lego namecheap', 'certbot namecheap'];
  expect([...tested, ...withoutAddress].sort()).toEqual(known.sort());
});

it.each(['lego', 'certbot'] as const)('%s: a namecheap account lacks the address of this machine', async (tool) => {
  const values = {
    lego: { NAMECHEAP_API_USER: 'user', NAMECHEAP_API_KEY: 'key' },
    certbot: { dns_namecheap_username: 'user', dns_namecheap_api_key: 'key' },
  };
  const { accounts, warnings } = await importOf(tool, 'namecheap', values[tool]);
  expect(accounts).toEqual([]);
  expect(warnings[0]).toMatch(/an account of namecheap was found, without clientIp/);
});

it.each<[Tool, Readonly<Record<string, string>>, RegExp]>([
  ['acme.sh', { SAVED_CF_Key: 'key', SAVED_CF_Email: 'me@example.com' }, /CF_Key is for a global API key/],
  ['lego', { HETZNER_API_KEY: 'key' }, /HETZNER_API_KEY is of the old DNS Console/],
  ['certbot', { dns_gandi_api_key: 'key' }, /dns_gandi_api_key is an old API key of Gandi/],
  [
    'lexicon',
    { auth_username: 'me@example.com', auth_token: 'key' },
    /CLOUDFLARE_AUTH_USERNAME is for a global API key/,
  ],
  [
    'certbot',
    { dns_rfc2136_server: 'ns', dns_rfc2136_name: 'k', dns_rfc2136_secret: 'eA==' },
    /tsig\.algorithm of rfc2136: expected hmac-sha256/,
  ],
  [
    'lego',
    { OVH_APPLICATION_KEY: 'a', OVH_APPLICATION_SECRET: 'b', OVH_CONSUMER_KEY: 'c', OVH_ENDPOINT: 'moon' },
    /url of ovh: expected/,
  ],
  [
    'acme.sh',
    { SAVED_CF_Token: `__ACME_BASE64__START_${Buffer.from('a\nb').toString('base64')}__ACME_BASE64__END_` },
    /CF_Token .* has characters that no credential has/,
  ],
  ['acme.sh', { SAVED_DA_Api: 'https://u:p%0Aq@host:2222' }, /loginKey .* has characters that no credential has/],
  ['lego', { DESEC_TOKEN: 'x'.repeat(5000) }, /DESEC_TOKEN is too long/],
])('%s: what dns01 does not take is said (%#)', async (tool, values, warning) => {
  const { accounts, warnings } = await importOf(tool, 'cloudflare', values);
  expect(accounts).toEqual([]);
  expect(warnings).toEqual([expect.stringMatching(warning)]);
});

it('lego: a value in a file stays there', async () => {
  const token = await file('do.token', 'token\n');
  const { accounts } = await importOf('lego', 'digitalocean', { DO_AUTH_TOKEN_FILE: token });
  expect(accounts).toMatchObject([{ provider: 'digitalocean', options: new Map([['token', { file: token }]]) }]);
});

/** Lines that look like those of the tools, with anything in them. */
const hostileText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc
        .tuple(
          fc.constantFrom('SAVED_CF_Token', 'CF_DNS_API_TOKEN', 'dns_cloudflare_api_token', 'auth_token', 'DA_Api'),
          fc.constantFrom('=', ' = ', ': ', "='"),
          fc.string({ unit: 'binary', maxLength: 60 }),
        )
        .map((parts) => `${parts.join('')}'`),
    ),
    { maxLength: 8 },
  )
  .map((lines) => lines.join('\n'));

it.each(['acme.sh', 'lego', 'certbot', 'lexicon'] as const)(
  '%s: no file makes import fail in a way of its own',
  async (tool) => {
    const readers = { 'acme.sh': readAcmeSh, lego: readLego, certbot: readCertbot, lexicon: readLexicon };
    const names = {
      'acme.sh': 'fuzz/account.conf',
      lego: 'fuzz.env',
      certbot: 'fuzz.ini',
      lexicon: 'lexicon_cloudflare.yml',
    };
    await fc.assert(
      fc.asyncProperty(hostileText, async (text) => {
        const path = await file(names[tool], text);
        const reader = openReader({});
        try {
          const { accounts } = await accountsIn(readers[tool](path, reader), tool, reader);
          for (const { secrets } of accounts)
            for (const secret of secrets.values()) expect(secret).not.toMatch(/\p{Cc}/u);
        } catch (error) {
          expect(error).toMatchObject({ code: 'E_CONFIG' });
        }
      }),
      { numRuns: 150 },
    );
  },
);
