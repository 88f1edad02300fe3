import type { WaitState } from '../challenge/wait.ts';
import { oneColumn } from './text.ts';

/** @param sinceMs the age of the state */
export function waitSentence({ elapsedMs, leftMs, ...round }: WaitState, sinceMs: number): string {
  const [elapsed, left] = [seconds(elapsedMs + sinceMs), seconds(leftMs - sinceMs)];
  return `waiting for the name servers for ${elapsed}, at most ${left} more: ${shownText(round)}`;
}

/** From this width on there is room for words and a bar. */
const WIDE_COLUMNS = 60;

const BAR_CELLS = 10;

/** The same for one line of a terminal, with the times first: what is too long is cut at the end. */
export function waitLine({ elapsedMs, leftMs, ...round }: WaitState, sinceMs: number, columns: number): string {
  const times = `${seconds(elapsedMs + sinceMs)}, ${seconds(leftMs - sinceMs)} left`;
  if (columns >= WIDE_COLUMNS) return `dns01: waiting ${times} ${bar(round.shown, round.asked)} ${shownText(round)}`;
  const { shown, asked, lagging } = round;
  return `${times}, ${shown}/${asked}${lagging === undefined ? '' : `, not ${oneColumn(lagging)}`}`;
}

type Shown = Pick<WaitState, 'shown' | 'asked' | 'lagging'>;

function shownText({ shown, asked, lagging }: Shown): string {
  if (asked === 0) return 'none has answered';
  return `${shown} of ${asked} show it, ${lagging === undefined ? 'confirming' : `not ${oneColumn(lagging)}`}`;
}

/** Of many lines or values. @param total undefined where it is not known */
export function countLine(done: number, total: number | undefined, elapsedMs: number, columns: number): string {
  const perSecond = elapsedMs < MIN_RATE_MS ? undefined : (done * 1000) / elapsedMs;
  const rate = perSecond === undefined ? '' : `, ${perSecond < 10 ? perSecond.toFixed(1) : perSecond.toFixed(0)}/s`;
  const isEstimated = total !== undefined && perSecond !== undefined && done > 0 && total >= done;
  const left = isEstimated ? `, ${duration(((total - done) / perSecond) * 1000)} left` : '';
  const isWide = columns >= WIDE_COLUMNS;
  const count = total === undefined ? `${done} done` : `${done} of ${total} done`;
  return `${isWide ? 'dns01: ' : ''}${isWide && total !== undefined ? `${bar(done, total)} ` : ''}${count}${rate}${left}`;
}

/** Before that a rate says nothing. */
const MIN_RATE_MS = 1000;

function bar(done: number, all: number): string {
  const full = all > 0 ? Math.min(BAR_CELLS, Math.floor((done / all) * BAR_CELLS)) : 0;
  return `[${'#'.repeat(full)}${'-'.repeat(BAR_CELLS - full)}]`;
}

const seconds = (milliseconds: number): string => `${Math.max(0, Math.round(milliseconds / 1000))} s`;

function duration(milliseconds: number): string {
  const minutes = milliseconds / 60_000;
  if (minutes < 2) return seconds(milliseconds);
  return minutes < 120 ? `${minutes.toFixed(0)} min` : `${(minutes / 60).toFixed(0)} h`;
}
