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
      z.describe("lexicon's name for the DNS provider; `lexicon --help` lists them"),
    ),
  env: environment(
    'the credentials, as the environment variables that lexicon reads (`LEXICON_CLOUDFLARE_AUTH_TOKEN`); each is a secret',
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
    'lexicon on this machine (Debian: `apt-get install lexicon`), with the packages that it needs for the provider.',
    'The credentials that lexicon needs, in `env`. `lexicon PROVIDER --help` lists them: `--auth-token` of cloudflare is LEXICON_CLOUDFLARE_AUTH_TOKEN.',
    'The zone, in `zones:` of the config or with `--zone`.',
    'lexicon must belong to root or to you, and no one else may be able to write it.',
  ],
  requests: {
    add: 'two runs of lexicon (list, create); one if the value exists',
    remove: 'two runs of lexicon (list, delete); one if the value does not exist',
  },
  tried: 'With lexicon 3.11.7 (Debian 12), its provider ddns and a real BIND. None of its other providers.',
  notes: [
    "lexicon's providers differ in what they do. If dns01 has its own provider for your DNS, use that.",
    'Each run of lexicon takes a quarter of a second or more to start.',
    'lexicon may report success although the provider refused: its ddns, for example, ignores the answer to an update. Only the propagation check shows whether the value is there.',
    'dns01 refuses values with spaces, semicolons or at signs here, because some of the providers read them as zone file syntax.',
    'dns01 passes credentials in the environment, never as arguments.',
    'lexicon finds zones with a list of public suffixes that it downloads. dns01 gives it a list that fits the zone, so that zones like corp.lan work and nothing is downloaded. Set TLDEXTRACT_CACHE_PATH in `env` to turn this off.',
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
