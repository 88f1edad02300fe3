import { Dns01Error } from '../errors.ts';
import type { RecordHandle } from '../provider.ts';

/** The name for a value, as the client gives it. */
export interface HookChallenge {
  readonly name: string;
  readonly value: string;
}

/** The order in a client's call. */
export type HookCall = HookAdd | HookRemove | HookRemoveAll | HookSkip;

export interface HookAdd {
  readonly action: 'add';
  readonly challenges: readonly HookChallenge[];
  /** Where the client says how many calls of the same order follow: the last one waits for all. */
  readonly order?: { readonly key: string; readonly remaining: number } | undefined;
}

export interface HookRemove {
  readonly action: 'remove';
  readonly challenges: readonly HookChallenge[];
  /** What the add hook printed, where the client passes it on. */
  readonly handle?: RecordHandle | undefined;
}

/** A removal without the value: of all values at this name that hooks on this machine have published. */
export interface HookRemoveAll {
  readonly action: 'remove-all';
  readonly name: string;
}

/** A call that is not for dns01: print nothing and end with the exit code that the client expects. */
export interface HookSkip {
  readonly action: 'skip';
  readonly exitCode: number;
}

export type HookEnvironment = Readonly<Record<string, string | undefined>>;

/** One ACME client: how it calls, and what it does with the result. */
export interface HookClient {
  /** The forms in which it calls, for messages. */
  readonly usage: readonly string[];
  /** Reads a call from the client's arguments and environment. @throws E_USAGE */
  translate(args: readonly string[], env: HookEnvironment): HookCall;
  /** Whether an add waits for propagation: the client lets the CA query as soon as the hook returns. */
  readonly waits: boolean;
  /** Whether a failed add has to undo itself, because the client never calls for the removal. */
  readonly undoesFailedAdd: boolean;
  /** Whether a failed removal must not fail the hook, because the client would discard the certificate. */
  readonly forgivesFailedRemove: boolean;
  /** What the client expects on stdout after an add. */
  output?(challenge: HookChallenge, handle: RecordHandle): string;
  /** The log line for a failed add, where the client ignores the failure. */
  failureNote?(names: string): string;
}

/** The error for a call in a form that the client does not have. */
export function badCall(client: string, args: readonly string[], usage: readonly string[]): Dns01Error {
  const given = args.length === 0 ? 'nothing' : `"${args.join(' ')}"`;
  return new Dns01Error('E_USAGE', `the hook for ${client} was called with ${given}`, {
    hint: `known: ${usage.join(', ')}`,
  });
}
