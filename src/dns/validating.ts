import type { DnsSettings } from './authority.ts';
import type { DnsMessage, Question } from './message.ts';

/** An extended error (RFC 8914). */
export interface ExtendedError {
  readonly code: number;
  /** EXTRA-TEXT, which anybody may have written. */
  readonly text: string;
}

/** What one operator's validating resolver says. */
export interface VantageAnswer {
  readonly operator: string;
  readonly state: 'secure' | 'insecure' | 'bogus' | 'indeterminate' | 'failed';
  readonly message?: DnsMessage | undefined;
  readonly errors: readonly ExtendedError[];
}

/** Validating resolvers of several operators. */
export interface Vantages {
  /** One answer for each operator that answers; each question is asked once in a run. */
  ask(question: Question): Promise<VantageAnswer[]>;
}

export function openVantages(_dns: DnsSettings, _signal: AbortSignal): Vantages {
  return { ask: async () => [] };
}
