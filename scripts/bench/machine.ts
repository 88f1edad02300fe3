import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { version } from '../../package.json';
import { pathTo } from '../../test/e2e/lab/programs.ts';

/** The option of each program that prints its version. */
const PROGRAMS: readonly (readonly [title: string, program: string, ask: string])[] = [
  ['curl', 'curl', '--version'],
  ['lego', 'lego', '--version'],
  ['lexicon', 'lexicon', '--version'],
  ['certbot', 'certbot', '--version'],
  ['BIND', 'named', '-v'],
  ['Knot', 'knotd', '--version'],
  ['pebble', 'pebble', '-version'],
];

/** The machine that the numbers are from. */
export function describeMachine(): string[] {
  const programs = PROGRAMS.map(([title, program, ask]) => `${title} ${versionOf(program, ask)}`);
  return [
    `- dns01 ${version}, Node ${process.versions.node}`,
    `- ${systemName()}, Linux ${release()}, ${describeProcessors()}`,
    `- ${programs.join(', ')}`,
  ];
}

export function describeProcessors(): string {
  const [processor] = cpus();
  return `${cpus().length} × ${processor?.model.trim() ?? 'unknown processor'}`;
}

/** Where a program does not know its version, that of its package. */
function versionOf(program: string, ask: string): string {
  const path = pathTo(program);
  if (path === undefined) return 'not installed';
  return numberIn(path, [ask]) ?? numberIn('dpkg-query', ['-W', program]) ?? 'of an unknown version';
}

/** The first number with a dot in a program's output, which may have more text. */
function numberIn(program: string, args: readonly string[]): string | undefined {
  try {
    const said = execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return /\d+\.\d[\w.+~-]*/.exec(said)?.[0];
  } catch {
    return undefined;
  }
}

function systemName(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? process.platform;
  } catch {
    return process.platform;
  }
}
