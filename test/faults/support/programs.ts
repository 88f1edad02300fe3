import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { STAND_IN as ACMESH } from '../../providers/acmesh/stand-in.ts';
import { openScratch, type Scratch } from '../../providers/exec/support.ts';
import { STAND_IN as LEXICON } from '../../providers/lexicon/stand-in.ts';
import { FOREIGN, type Subject } from './subjects.ts';

/** How a program goes wrong, in sh. */
const MISHAPS = {
  killed: 'kill -9 $$',
  fails: 'echo "out of luck" >&2; exit 1',
  'fails for now': 'exit 75',
  hangs: 'sleep 30',
  // With exit code 0, so that it may not come before the work is done: no other program could see through that.
  'talks nonsense': 'head -c 300 /dev/urandom; exit 0',
} as const;

export interface Mishap {
  readonly kind: keyof typeof MISHAPS;
  /** The call that it happens to. */
  readonly call: 'list' | 'write';
  readonly effect: 'before' | 'after';
  /** Whether it also happens to every later call. */
  readonly again: boolean;
}

/** Everything that can happen to a program. Only lexicon is ever asked for a list. */
export function mishapsOf(name: ProgramName): Mishap[] {
  const calls = name === 'lexicon' ? (['list', 'write'] as const) : (['write'] as const);
  const kinds = Object.keys(MISHAPS) as (keyof typeof MISHAPS)[];
  return kinds.flatMap((kind) =>
    calls.flatMap((call) =>
      effectsOf(kind, call).flatMap((effect) => [false, true].map((again) => ({ kind, call, effect, again }))),
    ),
  );
}

/** For a call that only reads it is all the same whether it was done. */
const effectsOf = (kind: Mishap['kind'], call: Mishap['call']): readonly Mishap['effect'][] =>
  kind === 'talks nonsense' ? ['after'] : call === 'list' ? ['before'] : ['before', 'after'];

/** A program that keeps `NAME VALUE` lines in a file, for a provider that runs programs. */
export interface ProgramSubject extends Subject {
  /** From now on it happens. */
  suffer(mishap: Mishap): Promise<void>;
  /** Whether it has happened. */
  isSuffering(): boolean;
  /** Nothing happens any more. Whether it ever did. */
  recover(): Promise<boolean>;
}

type Options = Readonly<Record<string, unknown>>;

/** Each writes its program, and tells the keys of the account. */
const PROGRAMS = {
  async exec(scratch: Scratch): Promise<Options> {
    const verbs = `case $1 in present) add ;; cleanup) remove ;; esac`;
    const command = await scratch.script('program', `#!/bin/sh\nname=\${2%.} value=$3\n${sourceOf(scratch)}${verbs}\n`);
    return { command };
  },

  async acmesh(scratch: Scratch): Promise<Options> {
    await mkdir(scratch.path('dnsapi'));
    await scratch.script('acme.sh', ACMESH);
    const verbs = ['add', 'rm'].map((verb, index) => {
      return `dns_file_${verb}() { name=$1 value=$2; ${['add', 'remove'][index]}; }\n`;
    });
    await scratch.script('dnsapi/dns_file.sh', `${sourceOf(scratch)}${verbs.join('')}`);
    return { script: 'dns_file', home: scratch.directory };
  },

  async lexicon(scratch: Scratch): Promise<Options> {
    return { service: 'file', command: await scratch.script('lexicon', LEXICON(scratch.directory)) };
  },
};

export type ProgramName = keyof typeof PROGRAMS;
export const PROGRAM_NAMES = Object.keys(PROGRAMS) as ProgramName[];

/** Adds and removes exactly one line, which done twice is done once. */
const sourceOf = ({ directory }: Scratch): string => `
happens() { [ ! -f "${directory}/$1" ] || . "${directory}/$1"; }
add() {
  happens before
  grep -qxF -e "$name $value" '${directory}/records' || echo "$name $value" >>'${directory}/records'
  happens after
}
remove() {
  happens before
  grep -vxF -e "$name $value" '${directory}/records' >'${directory}/records.new'
  mv '${directory}/records.new' '${directory}/records'
  happens after
}
`;

export async function startProgram(name: ProgramName): Promise<ProgramSubject> {
  const scratch = await openScratch();
  const token = 'right';
  const options = await PROGRAMS[name](scratch);
  await writeFile(scratch.path('records'), FOREIGN.map(([owner, value]) => `${owner} ${value}\n`).join(''));
  const lines = async () => (await readFile(scratch.path('records'), 'utf8')).split('\n').filter((line) => line !== '');
  return {
    server: undefined,
    options: { ...options, env: { LEXICON_FILE_AUTH_TOKEN: token } },
    // Longer than a shell takes to start on a busy machine, for what is given up too early is a mishap, too.
    hasty: { timeout: 1.5 },
    secrets: [],
    async held(owner) {
      const own = (await lines()).filter((line) => line.startsWith(`${owner} `));
      return own.map((line) => line.slice(owner.length + 1));
    },
    everything: lines,
    async suffer({ kind, call, effect, again }) {
      const unlessMeant = `[ "\${action:-write}" ${call === 'list' ? '=' : '!='} list ] || return 0\n`;
      const once = again ? '' : `rm '${scratch.path(effect)}'\n`;
      await writeFile(
        scratch.path(effect),
        `${unlessMeant}touch '${scratch.path('happened')}'\n${once}${MISHAPS[kind]}\n`,
      );
    },
    isSuffering: () => existsSync(scratch.path('happened')),
    async recover() {
      for (const effect of ['before', 'after']) await rm(scratch.path(effect), { force: true });
      return existsSync(scratch.path('happened'));
    },
    close: () => scratch.remove(),
  };
}
