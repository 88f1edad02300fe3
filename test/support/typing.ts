import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';
import { quoted } from '../../src/cli/client-lines.ts';
import { bundle } from './paths.ts';
import { screenOf } from './screen.ts';

/** The keys that a person presses. */
export const KEYS = { enter: '\r', down: '\u001b[B', ctrlC: '\u0003', ctrlD: '\u0004' } as const;

/** A program in a pseudo-terminal. */
export interface Terminal {
  /** Waits until this is on the screen after everything that was typed so far, then types. */
  answer(question: string, typed: string): Promise<void>;
  /** Everything that was written to the terminal, without colours. */
  shown(): string;
  /** What is on the screen, from its first line. */
  screen(): string;
  /** The exit code. */
  ended: Promise<number>;
}

const WAIT_MS = 20_000;

/** dns01 in a pseudo-terminal. */
export function openTerminal(args: readonly string[], env: Readonly<Record<string, string>>): Terminal {
  // The PATH of dns01 alone: it need not have the programs of this function.
  const { PATH = '', ...others } = env;
  return typeInto(`PATH=${quoted(PATH)} exec ${[process.execPath, bundle, ...args].map(quoted).join(' ')}`, others);
}

/** A command of the shell in a pseudo-terminal. */
export function typeInto(command: string, env: Readonly<Record<string, string>>, columns = 120): Terminal {
  const child = spawn('script', ['-qec', `stty cols ${columns} rows 40; ${command}`, '/dev/null'], {
    env: { PATH: process.env['PATH'], TERM: 'xterm', LANG: 'C.UTF-8', ...env },
  });
  let output = '';
  let seen = 0;
  let notify = () => {};
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
    notify();
  });
  const text = () => stripVTControlCharacters(output);
  return {
    async answer(question, typed) {
      const timeUp = AbortSignal.timeout(WAIT_MS);
      while (!text().slice(seen).includes(question)) {
        if (timeUp.aborted || child.exitCode !== null) throw new Error(`no "${question}" in\n${text()}`);
        await new Promise<void>((resolve) => {
          notify = resolve;
          setTimeout(resolve, 100);
        });
      }
      seen = text().length;
      child.stdin.write(typed);
    },
    shown: text,
    screen: () => screenOf(output),
    ended: once(child, 'close').then(([code]) => Number(code)),
  };
}
