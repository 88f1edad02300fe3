import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import {
  absolutePath,
  callTimeout,
  defineProvider,
  environment,
  fileCheck,
  type ProviderDocs,
  type TxtRecord,
} from '../../src/provider.ts';
import { findProgram, openLexicon } from './client.ts';

const options = z.strictObject({
  service: z
    .string()
    .check(
      z.regex(/^[a-z0-9_]+$/, "expected one of lexicon's names for providers, like cloudflare"),
      z.describe("lexicon's name for the DNS provider: `lexicon --help` lists them"),
    ),
  env: environment(
    'the credentials, by the names of environment variables that lexicon reads (`LEXICON_CLOUDFLARE_AUTH_TOKEN`), each a secret',
    /^[A-Z_][A-Z0-9_]*$/,
  ),
  command: z.optional(
    absolutePath.check(
      z.describe('absolute path of lexicon; default: `/usr/local/bin/lexicon`, else `/usr/bin/lexicon`'),
    ),
  ),
  timeout: callTimeout(120),
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
    'lexicon cuts zones by a list of public suffixes that it loads from the internet; dns01 hands it one that fits the zone, so that zones like corp.lan work and nothing is loaded. TLDEXTRACT_CACHE_PATH in env turns that off',
  ],
};

export default defineProvider({
  type: 'lexicon',
  title: 'Any provider of dns-lexicon',
  docs,
  options,
  http: false,
  create({ service, env = {}, command, timeout }, context) {
    const lexicon = openLexicon({ service, secrets: env, command, timeoutMs: timeout * 1000 }, context);
    const isThere = async ({ zone, name, value }: TxtRecord) => (await lexicon.list(zone, name)).includes(value);

    // lexicon does not say whether something changed, so the list comes first.
    return {
      async addTxt(record) {
        refuseSyntax(record.value);
        const { zone } = record;
        if (await isThere(record)) return { zone, changed: false };
        return context.writeOnce({
          async write() {
            await lexicon.create(record);
            return { zone, changed: true };
          },
          look: async () => ((await isThere(record)) ? { zone, changed: true } : undefined),
        });
      },

      async removeTxt(record) {
        refuseSyntax(record.value);
        if (!(await isThere(record))) return 'absent';
        return context.writeOnce<'removed'>({
          async write() {
            await lexicon.delete(record);
            return 'removed';
          },
          look: async () => ((await isThere(record)) ? undefined : 'removed'),
        });
      },

      listTxt: (name, zone) => lexicon.list(zone, name),

      async checkRights() {
        const program = fileCheck(
          'run',
          findProgram(command),
          'make it executable, or set command to the path of lexicon',
        );
        if (!program.held) return [program];
        const hint = 'set service to a name that lexicon --help lists, and install what lexicon needs for it';
        return [program, { right: `provider ${service} of lexicon`, held: await lexicon.knowsService(), hint }];
      },
    };
  },
});

/** Some of lexicon's providers pass the value on as zone file text, where these characters have a meaning. */
function refuseSyntax(value: string): void {
  if (!/[\s;@()$]/.test(value)) return;
  throw new Dns01Error('E_REJECTED', `lexicon may not store this value correctly: ${value}`, {
    hint: 'some of its providers read spaces, semicolons, parentheses, @ and $ as zone file syntax; use another provider',
  });
}
