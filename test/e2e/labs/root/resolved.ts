import { run } from '../../lab/processes.ts';
import { pathOf } from '../../lab/programs.ts';
import type { Resolved } from './zones.ts';

const WORST_FIRST: readonly Resolved[] = ['fails', 'bogus', 'insecure', 'secure'];

/** How long and how often a CA asks its resolver. */
const PATIENCE_S = 8;
const TRIES = 2;

/** What the resolver says of everything that a CA asks about a name: the worst of the answers. */
export async function resolvedBy(resolver: string, name: string): Promise<Resolved> {
  const challenge = name.includes('_acme-challenge.') ? name : `_acme-challenge.${name.replace(/^\*\./, '')}`;
  const domain = challenge.replace(/^.*_acme-challenge\./, '');
  const answers = await Promise.all([stateOf(resolver, challenge, 'TXT'), statesOfCaa(resolver, domain)]);
  const found = answers.flat();
  return WORST_FIRST.find((state) => found.includes(state)) ?? 'fails';
}

/** From the domain up, as far as the first CAA records. */
async function statesOfCaa(resolver: string, domain: string): Promise<Resolved[]> {
  const states: Resolved[] = [];
  for (let at = domain; at !== ''; at = at.split('.').slice(1).join('.')) {
    const { state, records } = await ask(resolver, at, 'CAA');
    states.push(state);
    if (records > 0 || state === 'fails' || state === 'bogus') break;
  }
  return states;
}

const stateOf = async (resolver: string, name: string, type: string): Promise<Resolved> =>
  (await ask(resolver, name, type)).state;

async function ask(resolver: string, name: string, type: string): Promise<{ state: Resolved; records: number }> {
  const { status, flags, records } = await dig(resolver, name, type);
  if (status === 'NOERROR' || status === 'NXDOMAIN') {
    return { state: flags.includes('ad') ? 'secure' : 'insecure', records };
  }
  if (status === 'none') return { state: 'fails', records: 0 };
  const unchecked = await dig(resolver, name, type, '+cdflag');
  return { state: unchecked.status === 'NOERROR' || unchecked.status === 'NXDOMAIN' ? 'bogus' : 'fails', records: 0 };
}

interface Dug {
  /** `none` where no answer came in time. */
  readonly status: string;
  readonly flags: readonly string[];
  readonly records: number;
}

async function dig(resolver: string, name: string, type: string, ...options: string[]): Promise<Dug> {
  const { stdout } = await run(
    pathOf('dig'),
    ['-r', `@${resolver}`, `${name}.`, type, '+dnssec', `+tries=${TRIES}`, `+time=${PATIENCE_S}`, ...options],
    { timeoutSeconds: TRIES * PATIENCE_S + 5 },
  );
  return {
    status: /status: (\w+)/.exec(stdout)?.[1] ?? 'none',
    flags: /flags: ([\w ]*);/.exec(stdout)?.[1]?.split(' ') ?? [],
    records: stdout.split('\n').filter((line) => new RegExp(`^[^;].*\\sIN\\s+${type}\\s`).test(line)).length,
  };
}
