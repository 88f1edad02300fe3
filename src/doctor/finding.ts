import { asDns01Error } from '../errors.ts';

/** One thing that was looked at. `bad` means that issuing would fail, `warning` that it may. */
export interface Finding {
  readonly level: 'good' | 'warning' | 'bad';
  /** What it is about: an account, a zone or this machine. */
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
    warning: (check, text, hint) => finding('warning', check, text, hint),
    bad: (check, text, hint) => finding('bad', check, text, hint),
    failed(check, error) {
      const { message, hint } = asDns01Error(error);
      return finding('bad', check, message, hint);
    },
  };
}
