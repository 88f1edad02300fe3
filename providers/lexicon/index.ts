import * as z from 'zod/mini';
import { defineProvider, type ProviderDocs, secret } from '../../src/provider.ts';
import { openLexicon } from './client.ts';
import { createRecords } from './records.ts';

const options = z.strictObject({
  service: z
    .string()
    .check(
      z.regex(/^[a-z0-9_]+$/, "expected one of lexicon's names for providers, like cloudflare"),
      z.describe("lexicon's name for the DNS provider: `lexicon --help` lists them"),
    ),
  env: z.optional(
    z
      .record(
        z.string().check(z.regex(/^[A-Z_][A-Z0-9_]*$/, 'expected a name like LEXICON_CLOUDFLARE_AUTH_TOKEN')),
        secret('the value of the variable'),
      )
      .check(
        z.describe(
          'the credentials, by the names of environment variables that lexicon reads (`LEXICON_CLOUDFLARE_AUTH_TOKEN`), each a secret',
        ),
      ),
  ),
  command: z.optional(
    z
      .string()
      .check(
        z.regex(/^\/[^\0]*[^/\0]$/, 'expected the absolute path of a program'),
        z.describe('absolute path of lexicon; default: `/usr/local/bin/lexicon`, else `/usr/bin/lexicon`'),
      ),
  ),
  timeout: z._default(
    z.number().check(z.minimum(0.1), z.maximum(3600), z.describe('seconds for one call, then it is stopped')),
    120,
  ),
});

const docs: ProviderDocs = {
  url: 'https://dns-lexicon.github.io/dns-lexicon/',
  rights: [
    'lexicon, installed on this machine (Debian: apt-get install lexicon), with what it needs for the provider',
    'the credentials that lexicon asks for, in env: `lexicon PROVIDER --help` lists them, `--auth-token` of cloudflare is LEXICON_CLOUDFLARE_AUTH_TOKEN',
    'the zone named in the config or with --zone',
    'other users must not be able to write lexicon',
  ],
  requests: {
    add: 'two runs of lexicon, list and create; one where the value is there already',
    remove: 'two runs of lexicon, list and delete; one where the value is not there',
  },
  tried: 'lexicon 3.11.7 (Debian 12) with its provider ddns and a real BIND; no other of its providers',
  notes: [
    'a bridge can promise only what lexicon keeps, and its providers differ: where dns01 has a provider of its own, take that',
    'one run takes about a quarter of a second before it sends anything',
    'lexicon may say yes although the provider said no: ddns, for one, never looks at the answer to an update. Whether the value is there shows in the wait for it',
    'values with spaces, semicolons or at signs are refused, for some of its providers read them as zone file syntax',
    'the credentials are only in the environment of lexicon, never in its arguments',
    'lexicon loads a list of public suffixes from the internet and keeps it below ~/.lexicon_tld_set; TLDEXTRACT_CACHE_PATH in env puts it elsewhere',
  ],
};

/** Debian installs it into the second, pip and other package managers into the first. */
const USUAL_PLACES = ['/usr/local/bin/lexicon', '/usr/bin/lexicon'];

export default defineProvider({
  type: 'lexicon',
  title: 'Any provider of dns-lexicon',
  docs,
  options,
  http: false,
  create({ service, env = {}, command, timeout }, context) {
    const places = command === undefined ? USUAL_PLACES : [command];
    return createRecords(openLexicon({ service, secrets: env, places, timeout: timeout * 1000 }, context), context);
  },
});
