import { KEYS } from '../../support/typing.ts';
import { certificateNames } from '../lab/certificate.ts';
import type { Machine } from './machine.ts';

/** What somebody has seen who went one of the ways. */
export interface Way {
  readonly seconds: number;
  readonly steps: readonly Step[];
  /** The names on the certificate in the end. */
  readonly names: readonly string[];
  /** Every file that dns01 has written, with its mode. */
  readonly files: Readonly<Record<string, string>>;
}

export interface Step {
  readonly line: string;
  readonly code: number;
  /** What the terminal showed in the end. */
  readonly screen: string;
  /** Everything that was ever on it. */
  readonly shown: string;
  readonly answers: number;
}

/** A question, and what is typed then. */
export type Answer = readonly [question: string, typed: string];

/** Types a line and the answers to its questions. */
export async function take(machine: Machine, line: string, answers: readonly Answer[] = []): Promise<Step> {
  const terminal = machine.type(line);
  for (const [question, typed] of answers) await terminal.answer(question, `${typed}${KEYS.enter}`);
  const code = await terminal.ended;
  return { line, code, screen: terminal.screen(), shown: terminal.shown(), answers: answers.length };
}

/** @param walk gives the steps, and the file of the certificate */
export async function timed(machine: Machine, walk: () => Promise<readonly [readonly Step[], string]>): Promise<Way> {
  const started = performance.now();
  const [steps, certificate] = await walk();
  const seconds = (performance.now() - started) / 1000;
  const names = await certificateNames(`${machine.root}${certificate}`).catch(() => []);
  const found = await take(machine, "find /etc/dns01 -printf '%p %m\\n'");
  const files = Object.fromEntries(
    found.screen
      .trim()
      .split('\n')
      .map((row) => row.split(' ')),
  );
  return { seconds, steps, names, files };
}
