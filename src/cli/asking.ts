import type { Io } from '../output/io.ts';
import type { Questions } from './init-questions.ts';

/** The exit code of a shell for a process that Ctrl-C has ended. */
const CANCELLED_CODE = 130;

/**
 * Does work that returns an exit code, with a way to ask where there is a terminal that can move its cursor. Ctrl-C at a
 * question ends it.
 */
export async function withQuestions(
  io: Io,
  { json }: { readonly json: boolean },
  work: (questions?: Questions) => Promise<number>,
): Promise<number> {
  if (json || !io.isTerminal || !process.stdin.isTTY || io.env['TERM'] === 'dumb') return work();
  const { CANCELLED, openQuestions } = await import('./init-questions.ts');
  try {
    return await work(openQuestions(io.stop));
  } catch (error) {
    if (error !== CANCELLED) throw error;
    io.stderr('dns01: nothing was written\n');
    return CANCELLED_CODE;
  }
}
