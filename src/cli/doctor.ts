import { examine } from '../check/examine.ts';
import { type Finding, verdictOf } from '../check/finding.ts';
import { findConfigIfAny } from '../config/find.ts';
import { Dns01Error } from '../errors.ts';
import type { Io } from '../output/io.ts';
import { withRun } from './open-run.ts';
import type { CommonOptions } from './options.ts';

export interface DoctorOptions extends CommonOptions {
  /** The names that certificates are for; empty: the zones of the config. */
  readonly names: readonly string[];
  /** The CA's name in CAA records, e.g. `letsencrypt.org`. */
  readonly issuer: string | undefined;
  /** The URL of the ACME account, for CAA records that name one. */
  readonly accountUri: string | undefined;
  readonly write: boolean;
  /** Run with the environment that cron gives. */
  readonly asCron: boolean;
}

/** `dns01 doctor`: would issuing work? One line for each check, and what to do. Returns the exit code. */
export async function doctor(options: DoctorOptions, io: Io): Promise<number> {
  const env = options.asCron ? cronEnvironment(io.env) : io.env;
  if (io.env['DNS01_PROVIDER'] && !env['DNS01_PROVIDER'] && findConfigIfAny(options.config, env) === undefined)
    throw goneInCron();
  const findings: Finding[] = [];
  await withRun({ ...options, retriesRefusedLogins: true }, { ...io, env }, async (run) => {
    const issuer = options.issuer?.toLowerCase();
    for await (const finding of examine(run, { ...options, issuer })) {
      findings.push(finding);
      if (!options.json) io.stdout(asLines(finding));
    }
  });
  const failure = failureOf(findings);
  if (options.json) io.stdout(`${JSON.stringify({ ok: failure === undefined, action: 'doctor', findings })}\n`);
  if (failure && !options.json) throw failure;
  return failure?.exitCode ?? 0;
}

/** The environment of a cron job (crontab(5)). */
function cronEnvironment(env: Io['env']): Io['env'] {
  return { PATH: '/usr/bin:/bin', SHELL: '/bin/sh', HOME: env['HOME'], LOGNAME: env['LOGNAME'] };
}

function goneInCron(): Dns01Error {
  return new Dns01Error(
    'E_CONFIG',
    'cron does not pass on DNS01_PROVIDER and its options, and there is no config file',
    {
      hint: 'write a config file, or set the variables in the crontab or in a script that it runs',
    },
  );
}

const MARKS = { good: 'ok         ', info: 'not checked', warning: 'warning    ', bad: 'BAD        ' } as const;

function asLines({ level, subject, check, text, hint }: Finding): string {
  const line = `${MARKS[level]} ${subject}: ${check}: ${text}\n`;
  return hint ? `${line}${' '.repeat(MARKS.good.length)} ${hint}\n` : line;
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
