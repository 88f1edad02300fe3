import { Dns01Error } from '../errors.ts';
import type { RecordHandle } from '../provider.ts';

/** A name as a client means it, with the value that belongs there. */
export interface HookChallenge {
  readonly name: string;
  readonly value: string;
}

/** What a client asks for, in our terms. */
export type HookCall = HookAdd | HookRemove | HookSkip;

export interface HookAdd {
  readonly action: 'add';
  readonly challenges: readonly HookChallenge[];
  /** Where the client says how many calls of the same order are still to come: the last one waits for all. */
  readonly order?: { readonly key: string; readonly remaining: number } | undefined;
}

export interface HookRemove {
  readonly action: 'remove';
  readonly challenges: readonly HookChallenge[];
  /** What the add hook printed, where the client brings it back. */
  readonly handle?: RecordHandle | undefined;
}

/** Not for us: say nothing, and end as the client wants it. */
export interface HookSkip {
  readonly action: 'skip';
  readonly exitCode: number;
}

export type HookEnvironment = Readonly<Record<string, string | undefined>>;

/** One ACME client: how it calls, and what it makes of the answer. */
export interface HookClient {
  /** The forms in which it calls, for messages. */
  readonly usage: readonly string[];
  /** `(argv, environment)` as the client gives them, to what is wanted. @throws E_USAGE */
  translate(args: readonly string[], env: HookEnvironment): HookCall;
  /** Whether an add waits for propagation: the client lets the CA look as soon as the hook returns. */
  readonly waits: boolean;
  /** Whether a failing add has to undo itself, because the client never calls for the removal. */
  readonly undoesFailedAdd: boolean;
  /** Whether a failing removal must not fail the hook, because the client would throw the certificate away. */
  readonly forgivesFailedRemove: boolean;
  /** What the client wants to find on stdout after an add. */
  output?(challenge: HookChallenge, handle: RecordHandle): string;
  /** What the log should say when an add failed, where the client ignores that. */
  failureNote?(names: string): string;
}

/** The client called in a form that it does not have. */
export function badCall(client: string, args: readonly string[], usage: readonly string[]): Dns01Error {
  const given = args.length === 0 ? 'nothing' : `"${args.join(' ')}"`;
  return new Dns01Error('E_USAGE', `the hook for ${client} was called with ${given}`, {
    hint: `known: ${usage.join(', ')}`,
  });
}
