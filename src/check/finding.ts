import { asDns01Error } from '../errors.ts';
import { oneColumn } from '../output/text.ts';

/**
 * The result of one check. `good`: asked and answered; `info`: not checked, and the text says why; `warning`: issuing may
 * fail; `bad`: issuing would fail.
 */
export interface Finding {
  readonly level: 'good' | 'info' | 'warning' | 'bad';
  /** What it is about: an account, a zone or a name. */
  readonly subject: string;
  readonly check: string;
  readonly text: string;
  readonly hint?: string | undefined;
}

/** What a check says of its subject, one finding after the other. */
export type Findings = AsyncGenerator<Finding>;

export interface Reporter {
  good(check: string, text: string): Finding;
  notChecked(check: string, why: string, hint?: string): Finding;
  warning(check: string, text: string, hint?: string): Finding;
  bad(check: string, text: string, hint?: string): Finding;
  /** A Dns01Error as a finding. */
  failed(check: string, error: unknown): Finding;
}

export function reporterFor(subject: string): Reporter {
  const finding = (level: Finding['level'], check: string, text: string, hint?: string): Finding => ({
    level,
    subject,
    check,
    // It may repeat what the DNS or a provider says.
    text: oneColumn(text),
    hint,
  });
  return {
    good: (check, text) => finding('good', check, text),
    notChecked: (check, why, hint) => finding('info', check, why, hint),
    warning: (check, text, hint) => finding('warning', check, text, hint),
    bad: (check, text, hint) => finding('bad', check, text, hint),
    failed(check, error) {
      const { message, hint } = asDns01Error(error);
      return finding('bad', check, withoutSubject(message, subject), hint);
    },
  };
}

/** Errors of an account begin with its name and provider, which the finding already has. */
function withoutSubject(message: string, subject: string): string {
  const rest = message.startsWith(`${subject} (`) ? message.indexOf('): ') : -1;
  return rest < 0 ? message : message.slice(rest + '): '.length);
}

/** A check that cannot go on ends with that failure as a finding. */
export async function* untilFailure(check: string, report: Reporter, findings: Findings): Findings {
  try {
    yield* findings;
  } catch (error) {
    yield report.failed(check, error);
  }
}

/** Starts at once, and keeps what it finds until somebody asks for it. */
export function ahead(findings: Findings): Findings {
  const steps: Promise<IteratorResult<Finding>>[] = [];
  const pull = () => {
    const step = findings.next();
    steps.push(step);
    // Before whoever waits for this step goes on to the next one.
    step.then(
      ({ done }) => done || pull(),
      () => {},
    );
  };
  pull();
  return (async function* () {
    for (const step of steps) {
      const { done, value } = await step;
      if (done) return;
      yield value;
    }
  })();
}

/** Checks of this machine only: what they find does not show that issuing works. */
const LOCAL_CHECKS = new Set(['config', 'secret']);

/** The result of all findings: `config` where the bad thing is the config, `unknown` where nothing could be asked. */
export function verdictOf(findings: readonly Finding[]): 'good' | 'bad' | 'config' | 'unknown' {
  const bad = findings.filter(({ level }) => level === 'bad');
  if (bad.some(({ check }) => LOCAL_CHECKS.has(check))) return 'config';
  if (bad.length > 0) return 'bad';
  return findings.some(({ level, check }) => level !== 'info' && !LOCAL_CHECKS.has(check)) ? 'good' : 'unknown';
}
