import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { bundleOf } from './paths.ts';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Workplace {
  readonly directory: string;
  readonly stateDirectory: string;
  /** Writes the config that all later runs use. */
  configure(yaml: string): Promise<string>;
  /** Runs dns01 as a process of its own, with nothing from this environment. */
  run(args: readonly string[], settings?: RunSettings): Promise<Outcome>;
  /** Fails if one of the secrets is in any output so far, or in any file of the state directory. */
  expectNoSecret(...secrets: readonly string[]): Promise<void>;
  remove(): Promise<void>;
}

export interface RunSettings {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Its stdin; default: nothing. */
  readonly input?: string;
  /** Its stdin stays open after that. */
  readonly staysOpen?: boolean;
  /** The name that it is called by. */
  readonly program?: 'dns01' | 'dns01-hook';
  /** Called with the process after its start, e.g. to end it. */
  onStart?(child: ReturnType<typeof spawn>): void;
}

/** A new user's clean directory: a config, a state directory, nothing else. */
export async function openWorkplace(): Promise<Workplace> {
  const directory = await mkdtemp(join(tmpdir(), 'dns01-test-'));
  const stateDirectory = join(directory, 'state');
  const config = join(directory, 'dns01.yaml');
  const outputs: string[] = [];
  return {
    directory,
    stateDirectory,
    async configure(yaml) {
      await writeFile(config, yaml);
      await chmod(config, 0o600);
      return config;
    },
    async run(args, { env, ...settings } = {}) {
      const outcome = await spawnCli(args, {
        ...settings,
        env: { DNS01_CONFIG: config, DNS01_STATE_DIR: stateDirectory, ...env },
      });
      outputs.push(outcome.stdout, outcome.stderr);
      return outcome;
    },
    async expectNoSecret(...secrets) {
      const everything = [...outputs, ...(await filesBelow(stateDirectory))].join('\n');
      for (const secret of secrets) {
        expect(everything).not.toContain(secret);
        expect(everything).not.toContain(Buffer.from(secret).toString('base64'));
      }
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

function spawnCli(
  args: readonly string[],
  { env, cwd, program = 'dns01', input, staysOpen = false, onStart }: RunSettings,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bundleOf(program), ...args], {
      env,
      cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    child.stdin.on('error', () => {}).write(input ?? '');
    if (!staysOpen) child.stdin.end();
    const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    child.stdout.on('data', (chunk: Buffer) => chunks.stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.stderr.push(chunk));
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({
        code: code ?? -1,
        stdout: Buffer.concat(chunks.stdout).toString('utf8'),
        stderr: Buffer.concat(chunks.stderr).toString('utf8'),
      }),
    );
    onStart?.(child);
  });
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  return Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), 'utf8')));
}

/** A failure that a user can read: the exit code, one error line, no stack. */
export function expectFailure(outcome: Outcome, code: number, message: RegExp, hint?: RegExp): void {
  expect(outcome.stderr).toMatch(message);
  expect(outcome.code).toBe(code);
  expect(outcome.stderr).toMatch(/^dns01: error: /m);
  expect(outcome.stderr).not.toMatch(/^\s+at /m);
  if (hint) expect(outcome.stderr.match(/^dns01: hint: (.*)$/m)?.[1]).toMatch(hint);
}

export const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
export const OTHER_VALUE = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';
