import { spawn } from 'node:child_process';

export interface Measured {
  readonly name: string;
  /** Milliseconds, sorted. */
  readonly times: readonly number[];
  /** The largest resident set, in MB; undefined where it could not be seen. */
  readonly memory: number | undefined;
}

export interface Command {
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the commands in turn, again and again, so that a machine whose speed drifts is fair to all of them. */
export async function measureInTurn(commands: readonly Command[], rounds: number): Promise<Measured[]> {
  const times = new Map(commands.map(({ name }) => [name, [] as number[]]));
  const memory = new Map<string, number>();
  for (let round = -1; round < rounds; round++) {
    for (const command of commands) {
      const { milliseconds, kilobytes } = await runOnce(command);
      // The first round only warms up.
      if (round >= 0) times.get(command.name)?.push(milliseconds);
      if (kilobytes) memory.set(command.name, Math.max(memory.get(command.name) ?? 0, kilobytes / 1024));
    }
  }
  return commands.map(({ name }) => ({
    name,
    times: (times.get(name) ?? []).sort((a, b) => a - b),
    memory: memory.get(name),
  }));
}

/** `/usr/bin/time` tells the peak memory of exactly this process; without it only the time is known. */
const TIME = '/usr/bin/time';

function runOnce({ name, argv, env }: Command): Promise<{ milliseconds: number; kilobytes: number | undefined }> {
  const [program, args] = hasTime ? [TIME, ['-f', 'peak %M', ...argv]] : [argv[0], argv.slice(1)];
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(program, args, {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0) return reject(new Error(`${name} failed with ${code}: ${stderr}`));
      const peak = /peak (\d+)/.exec(stderr)?.[1];
      resolve({ milliseconds: performance.now() - started, kilobytes: peak === undefined ? undefined : Number(peak) });
    });
  });
}

const hasTime = await import('node:fs').then(({ existsSync }) => existsSync(TIME));

export function median(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
