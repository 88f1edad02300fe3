import { asDns01Error } from '../errors.ts';

/**
 * One thing that was looked at. `good` only where something was asked and answered; `info`: it was not checked, and the
 * text says why; `warning`: issuing may fail; `bad`: it would fail.
 */
export interface Finding {
  readonly level: 'good' | 'info' | 'warning' | 'bad';
  /** What it is about: an account, a zone or a name. */
  readonly subject: string;
  readonly check: string;
  readonly text: string;
  /** What to do now. */
  readonly hint?: string | undefined;
}

/** What a check says of its subject, one finding after the other. */
export type Findings = AsyncGenerator<Finding>;

export interface Reporter {
  good(check: string, text: string): Finding;
  notChecked(check: string, why: string, hint?: string): Finding;
  warning(check: string, text: string, hint?: string): Finding;
  bad(check: string, text: string, hint?: string): Finding;
  /** A failure of ours, as a finding. */
  failed(check: string, error: unknown): Finding;
}

export function reporterFor(subject: string): Reporter {
  const finding = (level: Finding['level'], check: string, text: string, hint?: string): Finding => ({
    level,
    subject,
    check,
    text,
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

/** Errors of an account begin with its name and provider, which stand in the finding already. */
function withoutSubject(message: string, subject: string): string {
  const rest = message.startsWith(`${subject} (`) ? message.indexOf('): ') : -1;
  return rest < 0 ? message : message.slice(rest + '): '.length);
}

/** Checks that look at this machine alone: what they find does not show that issuing works. */
const LOCAL_CHECKS = new Set(['config', 'secret']);

/** What all findings come to: `config` where the config is what is bad, `unknown` where nothing could be asked. */
export function verdictOf(findings: readonly Finding[]): 'good' | 'bad' | 'config' | 'unknown' {
  const bad = findings.filter(({ level }) => level === 'bad');
  if (bad.some(({ check }) => LOCAL_CHECKS.has(check))) return 'config';
  if (bad.length > 0) return 'bad';
  return findings.some(({ level, check }) => level !== 'info' && !LOCAL_CHECKS.has(check)) ? 'good' : 'unknown';
}
