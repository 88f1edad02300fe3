import { existsSync } from 'node:fs';
import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import { excerpt, type Fqdn, type ProviderContext } from '../../src/provider.ts';
import { failedWith } from './failure.ts';

interface LexiconSettings {
  readonly service: string;
  readonly secrets: Readonly<Record<string, string>>;
  /** Where the program may be; the first that is there is taken. */
  readonly places: readonly string[];
  /** Milliseconds for one run. */
  readonly timeout: number;
}

interface Lookup {
  readonly zone: Fqdn;
  readonly name: Fqdn;
}

interface Creation extends Lookup {
  readonly value: string;
  /** Seconds. */
  readonly ttl: number;
}

/** The three calls of the program that a DNS-01 hook needs. */
export interface LexiconClient {
  /** The TXT values at the name, unquoted. @throws E_PROTOCOL for output that is not lexicon's */
  list(lookup: Lookup): Promise<string[]>;
  create(creation: Creation): Promise<void>;
  delete(deletion: Omit<Creation, 'ttl'>): Promise<void>;
}

/** `lexicon SERVICE list … --output JSON` of 3.11.7: one line. What it says beside (warnings) are lines before. */
const listSchema = z.array(z.looseObject({ type: z.string(), name: z.string(), content: z.string() }));

/** `create` and `delete`: whether it was done. */
const doneSchema = z.boolean();

export function openLexicon(settings: LexiconSettings, context: ProviderContext): LexiconClient {
  const { service, secrets, places, timeout } = settings;

  async function run(action: 'list' | 'create' | 'delete', { zone, name }: Lookup, more: readonly string[] = []) {
    const call = `lexicon ${service} ${action}`;
    // Without --delegated it would cut the zone out of the name by the list of public suffixes.
    const args = ['--delegated', zone, service, action, zone, 'TXT', `--name=${name}`, ...more, '--output', 'JSON'];
    const outcome = await context.runCommand({ call, file: findProgram(places), args, secrets, timeout });
    if (outcome.exitCode !== 0) throw failedWith(call, outcome);
    return { call, stdout: outcome.stdout };
  }

  async function change(action: 'create' | 'delete', lookup: Lookup, more: readonly string[]): Promise<void> {
    const { call, stdout } = await run(action, lookup, more);
    if (readJson(call, stdout, doneSchema)) return;
    throw new Dns01Error('E_REJECTED', `${call}: not done, lexicon says`, {
      outcomeUnknown: true,
      hint: 'see all that lexicon says with --verbose',
    });
  }

  return {
    async list(lookup) {
      const { call, stdout } = await run('list', lookup);
      return readJson(call, stdout, listSchema)
        .filter((record) => record.type === 'TXT' && isSameName(record.name, lookup))
        .map(({ content }) => unquoted(content));
    },
    create: ({ value, ttl, ...lookup }) => change('create', lookup, [`--content=${value}`, `--ttl=${ttl}`]),
    delete: ({ value, ...lookup }) => change('delete', lookup, [`--content=${value}`]),
  };
}

function findProgram(places: readonly string[]): string {
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw new Dns01Error('E_CONFIG', `lexicon is not there: looked for ${places.join(' and ')}`, {
    hint: 'install it (Debian: apt-get install lexicon), or say in command where it is',
  });
}

function readJson<Schema extends z.core.$ZodType>(call: string, stdout: string, schema: Schema): z.output<Schema> {
  const line = stdout.trimEnd().split('\n').at(-1) ?? '';
  const parsed = z.safeParse(schema, jsonOf(line));
  if (parsed.success) return parsed.data;
  throw new Dns01Error('E_PROTOCOL', `${call}: cannot read what lexicon says: ${excerpt(line) || 'nothing'}`, {
    outcomeUnknown: true,
    hint: 'check that command is dns-lexicon, version 3',
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Its providers give full names, or names relative to the zone. */
function isSameName(shown: string, { name, zone }: Lookup): boolean {
  const plain = shown.replace(/\.$/, '').toLowerCase();
  return plain === name || `${plain}.${zone}` === name;
}

/** Some of its providers give the text as zone files have it: in quotes, and a long one in several. */
function unquoted(content: string): string {
  return /^"[^"]*"( "[^"]*")*$/.test(content) ? content.slice(1, -1).replaceAll('" "', '') : content;
}
