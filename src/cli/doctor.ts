import type { Run } from '../challenge/run.ts';
import { checkAccount } from '../doctor/account.ts';
import type { Finding, Findings } from '../doctor/finding.ts';
import { testWrite } from '../doctor/write-test.ts';
import { checkZone } from '../doctor/zone.ts';
import { Dns01Error } from '../errors.ts';
import { normaliseName } from '../names.ts';
import type { Io } from '../output/io.ts';
import { withRun } from './open-run.ts';
import type { CommonOptions } from './options.ts';

export interface DoctorOptions extends CommonOptions {
  /** The CA's name in CAA records, e.g. `letsencrypt.org`. */
  readonly issuer: string | undefined;
  /** Publish and withdraw a value in every zone. */
  readonly write: boolean;
  /** Do it in the environment that cron gives. */
  readonly asCron: boolean;
}

/** `dns01 doctor`: would issuing work? One line for each thing looked at, and what to do. The result is the exit code. */
export async function doctor(options: DoctorOptions, io: Io): Promise<number> {
  const env = options.asCron ? cronEnvironment(io.env) : io.env;
  const bad: Finding[] = [];
  await withRun(options, { ...io, env }, async (run) => {
    const findings: Finding[] = [];
    for await (const finding of examine(run, options)) {
      findings.push(finding);
      if (finding.level === 'bad') bad.push(finding);
      if (!options.json) io.stdout(asLines(finding));
    }
    if (options.json) io.stdout(`${JSON.stringify({ ok: bad.length === 0, action: 'doctor', findings })}\n`);
  });
  const [first] = bad;
  if (!first) return 0;
  const error = notWell(bad.length, first);
  if (options.json) return error.exitCode;
  throw error;
}

async function* examine(run: Run, options: DoctorOptions): Findings {
  const accounts = Object.keys(run.config.accounts).filter(
    (name) => options.account === undefined || options.account === name,
  );
  for (const name of accounts) yield* checkAccount(name, run);
  const zones = options.zone === undefined ? run.config.zones : [{ zone: normaliseName(options.zone), account: '' }];
  for (const { zone, account } of zones) {
    if (options.account !== undefined && account !== '' && account !== options.account) continue;
    yield* checkZone(zone, options.issuer, run);
    if (options.write && !options.dryRun) yield* testWrite(zone, run);
  }
}

/** What cron leaves of the environment (crontab(5)). */
function cronEnvironment(env: Io['env']): Io['env'] {
  return { PATH: '/usr/bin:/bin', SHELL: '/bin/sh', HOME: env['HOME'], LOGNAME: env['LOGNAME'] };
}

const MARKS = { good: 'ok     ', warning: 'warning', bad: 'BAD    ' } as const;

function asLines({ level, subject, check, text, hint }: Finding): string {
  const line = `${MARKS[level]} ${subject}: ${check}: ${text}\n`;
  return hint ? `${line}        ${hint}\n` : line;
}

function notWell(count: number, { subject, text, hint }: Finding): Dns01Error {
  const what = count === 1 ? 'one thing is' : `${count} things are`;
  return new Dns01Error('E_CONFIG', `issuing would not work, ${what} bad; the first: ${subject}: ${text}`, { hint });
}
