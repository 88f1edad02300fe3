import type { WaitProgress, WaitState } from '../challenge/wait.ts';
import type { Io } from './io.ts';
import { createLog, type LogOptions } from './log.ts';

/** What a person sees of a run that takes long. */
export interface Progress {
  /** Of many lines or values, where their number is known. */
  count(done: number, total: number | undefined): void;
  /** The progress of a wait for propagation. */
  readonly update: WaitProgress;
  /** The run has gone on, so nothing more is shown of it. */
  clear(): void;
}

/** A log gets a line about a wait this often. */
const LINE_MS = 30_000;

const SILENT: Progress = { count: () => {}, update: () => {}, clear: () => {} };

/** Whether the terminal can show a line that changes. */
export const hasProgressLine = (io: Io, { quiet, logFormat }: Omit<LogOptions, 'verbose'>): boolean =>
  io.isTerminal && !quiet && logFormat !== 'json' && io.env['TERM'] !== 'dumb';

/** One line that changes on a terminal, elsewhere a line every 30 seconds of a wait. */
export async function openProgress(io: Io, options: LogOptions): Promise<Progress> {
  if (options.quiet) return SILENT;
  if (!hasProgressLine(io, options)) return timedLines(io, options);
  const { progressLine } = await import('./progress-line.ts');
  return progressLine(io);
}

function timedLines(io: Io, options: LogOptions): Progress {
  let latest: { readonly state: WaitState; readonly at: number } | undefined;
  let timer: NodeJS.Timeout | undefined;
  const say = async () => {
    const [{ waitSentence }, log] = await Promise.all([import('./wait-text.ts'), createLog(options, io)]);
    if (latest) log.info(waitSentence(latest.state, performance.now() - latest.at));
  };
  return {
    ...SILENT,
    update(state) {
      latest = { state, at: performance.now() };
      timer ??= setInterval(() => void say(), LINE_MS).unref();
    },
    clear() {
      clearInterval(timer);
      timer = undefined;
      latest = undefined;
    },
  };
}
