import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from '../../../src/cli/main.ts';
import { createIo } from '../../../src/output/io.ts';
import { openJournal } from '../../../src/state/files/journal.ts';
import { entriesIn, type JournalEntry } from '../../../src/state/journal.ts';
import { bundle } from '../../support/paths.ts';
import { type Gate, openGate } from './gate.ts';
import type { Subject, SubjectKind } from './subjects.ts';
import { ZONE } from './subjects.ts';

export interface Ended {
  /** As the shell counts; -1 for one that was killed. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

export interface StartSettings {
  /** Set by root alone. */
  readonly uid?: number;
  /** A line of sh before the program, e.g. a limit. */
  readonly before?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What comes on stdin, which stays open until the process ends; nothing, unless said. */
  readonly input?: string;
}

export interface PlaceSettings {
  /** Name servers of the zone, for what is waited for. */
  readonly nameserver?: string;
}

/** One machine with dns01 on it, the account `it` that has the zone, another one `elsewhere`, and the provider's server behind a gate. */
export interface Place {
  readonly subject: Subject;
  readonly gate: Gate;
  readonly stateDirectory: string;
  /** Everything that was printed so far. */
  readonly outputs: string[];
  /** The verb in this process: quick, with the exit code that it would have. */
  run(args: readonly string[], patience?: Patience): Promise<Ended>;
  /** The verb in a process of its own. */
  start(args: readonly string[], settings?: StartSettings): Started;
  journal(): Promise<JournalEntry[]>;
  /** The names of the secrets, by their place in the list, that stand in the open, and where. */
  secretsInTheOpen(): Promise<string[]>;
  close(): Promise<void>;
}

/** `hasty`: gives a request up after a moment. `patient`: for runs that nothing is done to. */
export type Patience = 'hasty' | 'patient';

const REQUEST_TIMES: Readonly<Record<Patience, number>> = { hasty: 0.35, patient: 20 };

export async function openPlace({ provider, start }: SubjectKind, settings: PlaceSettings = {}): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'dns01-faults-'));
  const stateDirectory = join(directory, 'state');
  await mkdir(stateDirectory);
  await chmod(directory, 0o755);
  const subject = await start(stateDirectory);
  const gate = await openGate(hostOf(subject) ?? '127.0.0.1:9', subject.lineOf);
  const outputs: string[] = [];
  const configOf = (patience: Patience) => join(directory, `${patience}.yaml`);
  for (const patience of ['hasty', 'patient'] as const) {
    await writeFile(configOf(patience), configText({ provider, subject, gate, patience, ...settings }));
    await chmod(configOf(patience), 0o644);
  }
  const environment = { DNS01_CONFIG: configOf('patient'), DNS01_STATE_DIR: stateDirectory };

  return {
    subject,
    gate,
    stateDirectory,
    outputs,
    async run(args, patience = 'patient') {
      const said = { stdout: '', stderr: '' };
      const io = createIo({
        env: { ...environment, DNS01_CONFIG: configOf(patience) },
        stdout(text) {
          said.stdout += text;
        },
        stderr(text) {
          said.stderr += text;
        },
        isTerminal: false,
        stop: new AbortController().signal,
      });
      const code = await main(args, io);
      outputs.push(said.stdout, said.stderr);
      return { code, ...said };
    },
    start(args, { uid, before, env, input } = {}) {
      const command = [process.execPath, bundle, ...args];
      const [file = '', ...rest] =
        before === undefined ? command : ['sh', '-c', `${before}; exec "$@"`, 'sh', ...command];
      const child = spawn(file, rest, {
        env: { ...environment, ...env },
        stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
        ...(uid === undefined ? {} : { uid }),
      });
      child.stdin?.on('error', () => {}).write(input ?? '');
      return { child, ended: ending(child, outputs) };
    },
    // One that is not to be read holds nothing.
    journal: () => entriesIn(openJournal(stateDirectory, () => {})).catch(() => []),
    async secretsInTheOpen() {
      const found: string[] = [];
      const look = (where: string, text: string) =>
        subject.secrets.forEach((secret, index) => {
          const forms = [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')];
          if (forms.some((form) => text.includes(form))) found.push(`secret ${index} in ${where}`);
        });
      for (const output of outputs) look('the output', output);
      for (const [file, text] of await filesBelow(stateDirectory)) look(file, text);
      return found;
    },
    async close() {
      await gate.close();
      await subject.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

interface ConfigParts extends PlaceSettings {
  readonly provider: string;
  readonly subject: Subject;
  readonly gate: Gate;
  readonly patience: Patience;
}

function configText({ provider, subject, gate, patience, nameserver }: ConfigParts): string {
  const host = hostOf(subject);
  const isHttp = host !== undefined && subject.lineOf === undefined;
  const account = {
    provider,
    ...subject.options,
    ...(isHttp ? { timeout: REQUEST_TIMES[patience] } : {}),
    ...(patience === 'hasty' ? subject.hasty : {}),
  };
  const text = JSON.stringify({
    accounts: {
      it: account,
      // The same server, by another name.
      twin: account,
      elsewhere: { provider: 'embedded', zones: [ZONE] },
    },
    zones: { [ZONE]: 'it' },
    dns: { followCnames: false, ...(nameserver === undefined ? {} : { nameservers: { [ZONE]: [nameserver] } }) },
  });
  return host === undefined ? text : text.replaceAll(host, gate.host);
}

const hostOf = ({ server }: Subject): string | undefined => server?.origin.replace(/^http:\/\//, '');

function ending(child: ChildProcess, outputs: string[]): Promise<Ended> {
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      outputs.push(said.stdout, said.stderr);
      resolve({ code: code ?? -1, ...said });
    });
  });
}

async function filesBelow(directory: string): Promise<[file: string, text: string][]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    files.map(async (file): Promise<[string, string]> => [file, await readFile(file, 'utf8').catch(() => '')]),
  );
}
