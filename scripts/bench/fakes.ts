import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { AccountName } from './accounts.ts';

/** A request to a fake in a process of its own. */
export interface Wish {
  /** The minimum number of other records in its zone. */
  readonly records?: number;
  readonly show?: { readonly names: readonly string[]; readonly value: string };
}

/** A message of the fake: when it is ready, and after each request. */
export interface Told {
  readonly login?: Readonly<Record<string, unknown>>;
  readonly at?: string;
  /** The number of requests since the last message. */
  readonly requests?: number;
  /** When the request was done, in milliseconds since 1970. */
  readonly now?: number;
}

export interface FakeProcess {
  /** Its first message. */
  readonly ready: Told;
  ask(wish: Wish): Promise<Told>;
  close(): Promise<void>;
}

export async function startFakeProcess(kind: AccountName | 'dns'): Promise<FakeProcess> {
  const child = fork(fileURLToPath(new URL('fake-process.ts', import.meta.url)), [kind]);
  const ended = once(child, 'exit');
  const ready = await nextWord(child, ended);
  return {
    ready,
    ask(wish) {
      const told = nextWord(child, ended);
      child.send(wish);
      return told;
    },
    async close() {
      child.disconnect();
      await ended;
    },
  };
}

async function nextWord(child: ChildProcess, ended: Promise<unknown[]>): Promise<Told> {
  const listening = new AbortController();
  const word = once(child, 'message', { signal: listening.signal });
  const end = ended.then(([code]) => {
    listening.abort();
    throw new Error(`a fake ended with ${code}`);
  });
  const [told] = (await Promise.race([word, end])) as [Told];
  return told;
}
