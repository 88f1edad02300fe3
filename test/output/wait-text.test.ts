import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createIo } from '../../src/output/io.ts';
import { openProgress } from '../../src/output/progress.ts';
import { countLine, waitLine, waitSentence } from '../../src/output/wait-text.ts';

const STATE = { shown: 1, asked: 2, lagging: 'ns2.example.com', elapsedMs: 12_000, leftMs: 288_000 };

describe('the line of a wait', () => {
  it('has the times, the servers and the name of one that lags', () => {
    expect(waitLine(STATE, 0, 80)).toBe(
      'dns01: waiting 12 s, 288 s left [#####-----] 1 of 2 show it, not ns2.example.com',
    );
    expect(waitLine(STATE, 3000, 40)).toBe('15 s, 285 s left, 1/2, not ns2.example.com');
    const confirming = waitLine({ ...STATE, shown: 2, lagging: undefined }, 0, 80);
    expect(confirming).toMatch(/\[#{10}\] 2 of 2 show it, confirming$/);
    expect(waitLine({ ...STATE, shown: 0, asked: 0, lagging: undefined }, 0, 80)).toContain('none has answered');
  });

  it('stays one line whatever a server calls itself', () => {
    expect(waitSentence({ ...STATE, lagging: 'ns\nroot# x' }, 0)).not.toContain('\n');
  });

  it('is cut to the width of the terminal, after the redactor', () => {
    const written: string[] = [];
    const io = createIo({
      env: {},
      stdout: () => {},
      stderr: (text) => void written.push(text),
      isTerminal: true,
      columns: () => 40,
      stop: new AbortController().signal,
    });
    io.redactor.keep('ns2.example.com');
    io.status(waitLine(STATE, 0, 40));
    expect(written.join('')).toBe('\r\u001b[K12 s, 288 s left, 1/2, not ***');
    io.status('x'.repeat(100));
    expect(written.at(-1)).toBe(`\r\u001b[K${'x'.repeat(36)}…`);
  });
});

it('the line of a batch has what is done, the rate and the time left', () => {
  expect(countLine(50, 200, 10_000, 80)).toBe('dns01: [##--------] 50 of 200 done, 5.0/s, 30 s left');
  expect(countLine(120_000, 500_000, 1_200_000, 40)).toBe('120000 of 500000 done, 100/s, 63 min left');
  expect(countLine(50, undefined, 10_000, 80)).toBe('dns01: 50 done, 5.0/s');
  // Too early for a rate.
  expect(countLine(1, 200, 10, 40)).toBe('1 of 200 done');
});

describe('a wait where stderr is no terminal', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  async function linesAfter(seconds: number, settings: object = {}): Promise<string[]> {
    const written: string[] = [];
    const io = createIo({
      env: {},
      stdout: () => {},
      stderr: (text) => void written.push(text),
      isTerminal: false,
      stop: new AbortController().signal,
    });
    const progress = await openProgress(io, { quiet: false, verbose: false, ...settings });
    progress.update(STATE);
    await vi.advanceTimersByTimeAsync(seconds * 1000);
    await vi.dynamicImportSettled();
    progress.clear();
    await vi.advanceTimersByTimeAsync(120_000);
    return written;
  }

  it('is reported every 30 seconds, and not after its end', async () => {
    expect(await linesAfter(29)).toEqual([]);
    const lines = await linesAfter(61);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(
      /^dns01: waiting for the name servers for \d+ s, at most \d+ s more: 1 of 2 show it, not ns2\.example\.com\n$/,
    );
  });

  it('is reported as JSON with --log-format json, and never with --quiet', async () => {
    const [line = ''] = await linesAfter(31, { logFormat: 'json' });
    expect(JSON.parse(line)).toMatchObject({ level: 30, msg: expect.stringContaining('1 of 2 show it') });
    expect(await linesAfter(61, { quiet: true })).toEqual([]);
  });
});
