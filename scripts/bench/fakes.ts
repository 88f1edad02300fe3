import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { AccountName } from './accounts.ts';

/** A request to a fake in a process of its own. */
export interface FakeRequest {
  /** The minimum number of other records in its zone. */
  readonly records?: number;
  readonly show?: { readonly names: readonly string[]; readonly value: string };
}

/** A message of the fake: when it is ready, and after each request. */
export interface FakeMessage {
  readonly login?: Readonly<Record<string, unknown>>;
  readonly at?: string;
  /** The number of requests since the last message. */
  readonly requests?: number;
  /** When the request was done, in milliseconds since 1970. */
  readonly now?: number;
}

export interface FakeProcess {
  readonly ready: FakeMessage;
  ask(request: FakeRequest): Promise<FakeMessage>;
  close(): Promise<void>;
}

export async function startFakeProcess(kind: AccountName | 'dns'): Promise<FakeProcess> {
  const child = fork(fileURLToPath(new URL('fake-process.ts', import.meta.url)), [kind]);
  const ended = once(child, 'exit');
  const ready = await nextMessage(child, ended);
  return {
    ready,
    ask(request) {
      const message = nextMessage(child, ended);
      child.send(request);
      return message;
    },
    async close() {
      child.disconnect();
      await ended;
    },
  };
}

async function nextMessage(child: ChildProcess, ended: Promise<unknown[]>): Promise<FakeMessage> {
  const listening = new AbortController();
  const received = once(child, 'message', { signal: listening.signal });
  const end = ended.then(([code]) => {
    listening.abort();
    throw new Error(`a fake ended with ${code}`);
  });
  const [message] = (await Promise.race([received, end])) as [FakeMessage];
  return message;
}
