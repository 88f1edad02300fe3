import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { Dns01Error, type ErrorCode } from '../../src/errors.ts';
import {
  type CommandOutcome,
  excerpt,
  type Fqdn,
  isSameName,
  type ProviderContext,
  parseJson,
  type TxtRecord,
  unquoteTxt,
} from '../../src/provider.ts';

interface LexiconSettings {
  readonly service: string;
  readonly secrets: Readonly<Record<string, string>>;
  readonly command: string | undefined;
  /** For one call. */
  readonly timeoutMs: number;
}

/** pip and others install it into the first, Debian into the second. */
const USUAL_PLACES = ['/usr/local/bin/lexicon', '/usr/bin/lexicon'];

/** The file names of tldextract's list of public suffixes, since 3.0: upstream's and Debian's. */
export const SUFFIX_LISTS = ['de84b5ca2167d4c83e38fb162f2e8738', '704b6b0e53ba2966d92e690044b663f4'];

/** `lexicon SERVICE list … --output JSON` of 3.11.7: one line. Warnings come on lines before it. */
const listSchema = z.array(z.looseObject({ type: z.string(), name: z.string(), content: z.string() }));

/** The output of `create` and `delete`: whether it was done. */
const doneSchema = z.boolean();

/** The calls of the program that a DNS-01 hook needs. */
export function openLexicon({ service, secrets, command, timeoutMs }: LexiconSettings, context: ProviderContext) {
  const start = (call: string, args: readonly string[], env = {}) =>
    context.runCommand({ call, file: findProgram(command), args, env, secrets, timeoutMs });

  async function run(action: 'list' | 'create' | 'delete', zone: Fqdn, name: Fqdn, more: readonly string[] = []) {
    const call = `lexicon ${service} ${action}`;
    // Both set the zone: --delegated for zones below a known suffix, the list for all others.
    const args = ['--delegated', zone, service, action, zone, 'TXT', `--name=${name}`, ...more, '--output', 'JSON'];
    const outcome = await start(call, args, { TLDEXTRACT_CACHE_PATH: await suffixesFor(zone) });
    if (outcome.exitCode !== 0) throw failedWith(call, outcome);
    return { call, stdout: outcome.stdout };
  }

  /**
   * lexicon takes a public suffix and one more label as the zone, so `corp.lan` would become `corp.lan.lan`. With a list of
   * only the name above this zone, it takes the zone itself.
   */
  async function suffixesFor(zone: Fqdn): Promise<string> {
    const above = zone.split('.').slice(1).join('.');
    const cache = join(await context.dataDirectory(), `suffix-${above}`);
    const folder = join(cache, 'publicsuffix.org-tlds');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const list of SUFFIX_LISTS) {
      await writeFile(join(folder, `${list}.tldextract.json`), JSON.stringify([[above], []]), { mode: 0o600 });
    }
    return cache;
  }

  async function change(
    action: 'create' | 'delete',
    { zone, name }: TxtRecord,
    more: readonly string[],
  ): Promise<void> {
    const { call, stdout } = await run(action, zone, name, more);
    if (readJson(call, stdout, doneSchema)) return;
    throw new Dns01Error('E_REJECTED', `${call}: lexicon says that it was not done`, {
      outcomeUnknown: true,
      hint: 'see the whole output of lexicon with --verbose',
    });
  }

  return {
    /** The TXT values at the name, unquoted. @throws E_PROTOCOL for output that is not lexicon's */
    async list(zone: Fqdn, name: Fqdn): Promise<string[]> {
      const { call, stdout } = await run('list', zone, name);
      return readJson(call, stdout, listSchema)
        .filter((record) => record.type === 'TXT' && isSameName(record.name, name, zone))
        .map(({ content }) => unquoteTxt(content));
    },
    create: (record: TxtRecord) => change('create', record, [`--content=${record.value}`, `--ttl=${record.ttl}`]),
    delete: (record: TxtRecord) => change('delete', record, [`--content=${record.value}`]),
    knowsService: async () => (await start(`lexicon ${service}`, [service, '--help'])).exitCode === 0,
  };
}

/** @throws E_CONFIG */
export function findProgram(command: string | undefined): string {
  const places = command === undefined ? USUAL_PLACES : [command];
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw new Dns01Error('E_CONFIG', `lexicon was not found: looked for ${places.join(' and ')}`, {
    hint: 'install it (Debian: apt-get install lexicon), or set command to its path',
  });
}

function readJson<Schema extends z.core.$ZodType>(call: string, stdout: string, schema: Schema): z.output<Schema> {
  const line = stdout.trimEnd().split('\n').at(-1) ?? '';
  const parsed = z.safeParse(schema, parseJson(line));
  if (parsed.success) return parsed.data;
  throw new Dns01Error('E_PROTOCOL', `${call}: cannot read lexicon's output: ${excerpt(line) || 'nothing'}`, {
    outcomeUnknown: true,
    hint: 'check that command is dns-lexicon, version 3',
  });
}

/** Known last lines of lexicon's tracebacks: `package.Exception: text`. The first match counts. */
const SIGNS: readonly { readonly sign: RegExp; readonly code: ErrorCode; readonly hint: string }[] = [
  {
    sign: /No domain found|NotAuth\b|domain\b.*\bnot found/i,
    code: 'E_ZONE',
    hint: 'check that the provider holds the zone, and that the credentials are for it',
  },
  {
    sign: /AuthenticationError|\b(401|403) (Client Error|Unauthorized|Forbidden)|PeerBadKey|PeerBadSignature|BadSignature/,
    code: 'E_AUTH',
    hint: 'check the credentials in env of the account, and that they are for this zone',
  },
  {
    sign: /ProviderNotAvailableError|invalid choice|unrecognized arguments|ModuleNotFoundError|ImportError/,
    code: 'E_CONFIG',
    hint: 'set service to a name that lexicon --help lists, and install what lexicon needs for it',
  },
  {
    sign: /\b429 (Client Error|Too Many)/,
    code: 'E_RATE',
    hint: 'the provider asks for fewer requests: try again later',
  },
  {
    sign: /ConnectionError|ConnectionRefusedError|Timeout|gaierror|SSLError|OSError|\b5\d\d Server Error/,
    code: 'E_REMOTE',
    hint: 'the provider cannot be reached or is out of order: try again later',
  },
];

const OTHERWISE = { code: 'E_REJECTED', hint: 'see the whole output of lexicon with --verbose' } as const;

/** After these, nothing was written, because lexicon logs in first. */
const NOTHING_DONE: ReadonlySet<ErrorCode> = new Set(['E_ZONE', 'E_AUTH', 'E_CONFIG', 'E_RATE']);

/** An exit code other than 0, as an error. */
function failedWith(call: string, { exitCode, complaint }: CommandOutcome): Dns01Error {
  const { code, hint } = SIGNS.find(({ sign }) => sign.test(complaint)) ?? OTHERWISE;
  const because = complaint === '' ? '' : `: ${complaint}`;
  return new Dns01Error(code, `${call}: failed (exit code ${exitCode})${because}`, {
    hint,
    outcomeUnknown: !NOTHING_DONE.has(code),
  });
}
