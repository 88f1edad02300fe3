import { DEFAULT_COLUMNS, type Io } from './io.ts';
import type { Progress } from './progress.ts';
import { countLine, waitLine } from './wait-text.ts';

/** Milliseconds between two lines: more of them nobody can read. */
const MIN_PAUSE_MS = 100;
/** The seconds go on while nothing else happens. */
const TICK_MS = 1000;

/** One line of a terminal that changes. */
export function progressLine(io: Io): Progress {
  const started = performance.now();
  const columns = () => io.columns?.('stderr') ?? DEFAULT_COLUMNS;
  let line: (() => string) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let drawnAt = Number.NEGATIVE_INFINITY;
  const draw = () => {
    if (!line) return;
    drawnAt = performance.now();
    io.status(line());
  };
  const show = (text: () => string) => {
    line = text;
    timer ??= setInterval(draw, TICK_MS).unref();
    if (performance.now() - drawnAt >= MIN_PAUSE_MS) draw();
  };
  return {
    count: (done, total) => show(() => countLine(done, total, performance.now() - started, columns())),
    update(state) {
      const at = performance.now();
      show(() => waitLine(state, performance.now() - at, columns()));
    },
    clear() {
      clearInterval(timer);
      timer = undefined;
      if (line) io.status('');
      line = undefined;
    },
  };
}
