import { type Finding, type Findings, verdictOf } from '../check/finding.ts';
import { Dns01Error } from '../errors.ts';
import type { Io } from '../output/io.ts';
import type { CommonOptions } from './options.ts';

/**
 * Prints findings: a line as soon as each is known, or one document in the end. Returns the exit code.
 * @throws E_REJECTED or E_CONFIG with what is bad, E_REMOTE where nothing could be asked or the run was stopped; with
 * `json` only the last
 */
export async function showFindings(
  action: string,
  source: Findings,
  { json }: Pick<CommonOptions, 'json'>,
  io: Io,
): Promise<number> {
  const findings: Finding[] = [];
  const dress = await dressFor(io);
  for await (const finding of source) {
    // What a stop signal has ended says nothing about its subject.
    if (io.stop.aborted && finding.level !== 'good') continue;
    findings.push(finding);
    if (!json) io.stdout(asLines(finding), dress && ((text) => dress(finding.level, text)));
  }
  if (io.stop.aborted) throw new Dns01Error('E_REMOTE', 'stopped before everything was checked');
  const failure = failureOf(findings);
  if (json) io.stdout(`${JSON.stringify({ ok: failure === undefined, action, findings })}\n`);
  if (failure && !json) throw failure;
  return failure?.exitCode ?? 0;
}

const MARKS = { good: 'ok         ', info: 'not checked', warning: 'warning    ', bad: 'BAD        ' } as const;

const MARGIN = MARKS.good.length + 1;

function asLines({ level, subject, check, text, hint }: Finding): string {
  const line = `${MARKS[level]} ${subject}: ${check}: ${text}\n`;
  return hint ? `${line}${' '.repeat(MARGIN)}hint: ${hint}\n` : line;
}

/** Undefined where the lines stay as they are: in scripts and mails. */
async function dressFor(io: Io): Promise<((level: Finding['level'], text: string) => string) | undefined> {
  const columns = io.columns?.('stdout');
  const hasColour = io.hasColour('stdout');
  if (columns === undefined && !hasColour) return undefined;
  const { dressFinding } = await import('./finding-lines.ts');
  return (level, text) => dressFinding(level, text, { columns, hasColour, margin: MARGIN });
}

function failureOf(findings: readonly Finding[]): Dns01Error | undefined {
  const verdict = verdictOf(findings);
  if (verdict === 'good') return undefined;
  if (verdict === 'unknown') {
    return new Dns01Error('E_REMOTE', 'nothing could be checked, so it is unknown whether issuing would work', {
      hint: findings.find(({ level, hint }) => level === 'info' && hint)?.hint,
    });
  }
  const bad = findings.filter(({ level }) => level === 'bad');
  const what = bad.length === 1 ? 'one thing is' : `${bad.length} things are`;
  const [first] = bad;
  const message = `issuing would not work, ${what} bad; the first: ${first?.subject}: ${first?.text}`;
  return new Dns01Error(verdict === 'config' ? 'E_CONFIG' : 'E_REJECTED', message, { hint: first?.hint });
}
