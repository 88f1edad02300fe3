import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { version } from '../../package.json';
import { pathTo } from './programs.ts';

/** How each program tells its version, and the package to ask for the one that does not. */
const PROGRAMS: readonly (readonly [title: string, program: string, ...args: string[]])[] = [
  ['curl', 'curl', '--version'],
  ['lego', 'lego', '--version'],
  ['lexicon', 'lexicon', '--version'],
  ['certbot', 'certbot', '--version'],
  ['BIND', 'named', '-v'],
  ['Knot', 'knotd', '--version'],
  ['pebble', 'dpkg-query', '-W', 'pebble'],
];

/** Whose numbers these are. */
export function describeMachine(): string[] {
  const [processor] = cpus();
  const programs = PROGRAMS.map(([title, program, ...args]) => `${title} ${versionOf(program, args)}`);
  return [
    `- dns01 ${version}, Node ${process.versions.node}`,
    `- ${systemName()}, Linux ${release()}, ${cpus().length} × ${processor?.model.trim() ?? 'unknown processor'}`,
    `- ${programs.join(', ')}`,
  ];
}

/** The first number with a dot in it; some say more about themselves than that. */
function versionOf(program: string, args: readonly string[]): string {
  const path = pathTo(program);
  if (path === undefined) return 'not installed';
  try {
    const said = execFileSync(path, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return /\d+\.\d[\w.+~-]*/.exec(said)?.[0] ?? 'of an unknown version';
  } catch {
    return 'of an unknown version';
  }
}

function systemName(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? process.platform;
  } catch {
    return process.platform;
  }
}
