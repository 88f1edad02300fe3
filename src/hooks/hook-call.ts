import type { RecordHandle } from '../provider.ts';

/** A name as a client means it, with the value that belongs there. */
export interface HookChallenge {
  readonly name: string;
  readonly value: string;
}

/** What a client asks for, in our terms. */
export type HookCall = HookAdd | HookRemove;

export interface HookAdd {
  readonly action: 'add';
  readonly challenge: HookChallenge;
  /** Where the client says how many calls of the same order are still to come: the last one waits for all. */
  readonly order?: { readonly key: string; readonly remaining: number } | undefined;
}

export interface HookRemove {
  readonly action: 'remove';
  readonly challenge: HookChallenge;
  /** What the add hook printed, where the client brings it back. */
  readonly handle?: RecordHandle | undefined;
}

export type HookEnvironment = Readonly<Record<string, string | undefined>>;
