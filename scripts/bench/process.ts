import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { PROGRAM_PATH } from '../../test/e2e/lab/programs.ts';

export interface Command {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** The cost of a whole process, from start to end. */
export interface Cost {
  readonly milliseconds: number;
  /** Milliseconds of CPU time, user and system; undefined without /usr/bin/time. */
  readonly processor: number | undefined;
  /** The largest resident set, in MB; undefined without /usr/bin/time. */
  readonly peak: number | undefined;
}

/** GNU time measures exactly this process. Without it only the elapsed time is known. */
const TIME = '/usr/bin/time';
const hasTime = existsSync(TIME);
const FORMAT = 'cost %M %U %S';

/** Runs a command to its end, with only PATH from this environment. @throws where it fails */
export function runProcess({ argv, env, input = '' }: Command): Promise<Cost> {
  const [program = '', ...args] = hasTime ? [TIME, '-f', FORMAT, ...argv] : argv;
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(program, args, {
      env: { PATH: PROGRAM_PATH, LANG: 'C.UTF-8', ...env },
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdin.on('error', () => {}).end(input);
    child.on('error', reject);
    child.on('close', (code) => {
      const milliseconds = performance.now() - started;
      if (code === 0) resolve({ milliseconds, ...resources(stderr) });
      else reject(new Error(`${argv.join(' ')} failed with ${code}: ${stderr}`));
    });
  });
}

function resources(stderr: string): Pick<Cost, 'processor' | 'peak'> {
  const [, kilobytes, user, system] = /^cost (\d+) ([\d.]+) ([\d.]+)$/m.exec(stderr) ?? [];
  if (kilobytes === undefined) return { processor: undefined, peak: undefined };
  return { processor: (Number(user) + Number(system)) * 1000, peak: Number(kilobytes) / 1024 };
}

/** A command with another name each time, so that nothing from an earlier run speeds it up. */
export interface Contender {
  readonly name: string;
  command(round: number): Command;
}

export interface Measured {
  readonly name: string;
  readonly costs: readonly Cost[];
}

/** The contenders in turn, round by round, so that a change in the machine's speed affects all of them. */
export async function inTurn(contenders: readonly Contender[], rounds: number): Promise<Measured[]> {
  const measured = contenders.map(({ name, command }) => ({ name, command, costs: [] as Cost[] }));
  for (let round = -1; round < rounds; round++) {
    for (const { command, costs } of measured) {
      const cost = await runProcess(command(round));
      // The first round only warms up.
      if (round >= 0) costs.push(cost);
    }
  }
  return measured;
}
