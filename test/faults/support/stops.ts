import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { startFakeDns } from '../../fakes/dns-server.ts';
import { until } from '../../support/until.ts';
import { openPlace, type Place, type Started, type StartSettings } from './place.ts';
import { PROGRAM_NAMES, type ProgramName, type ProgramSubject, startProgram } from './programs.ts';
import { NAME, SUBJECTS, type Subject, type SubjectKind, type SubjectName } from './subjects.ts';
import { ADD, REMOVE } from './verbs.ts';

export const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
export type Signal = (typeof SIGNALS)[number];

export const exitCodeOf = (signal: Signal): number => 128 + constants.signals[signal];

export type StoppedName = Exclude<SubjectName, 'embedded'> | ProgramName;

/** All that can be held up in the middle: whoever has a server or runs a program. */
export const STOPPED: readonly StoppedName[] = [
  ...(Object.keys(SUBJECTS) as SubjectName[]).filter((name) => name !== 'embedded'),
  ...PROGRAM_NAMES,
];

/** A place whose program or server can be held up, with a name server that shows nothing. */
export interface StopPlace extends Place {
  /**
   * From now on the request or call of that number, or every one, waits until it is let go.
   * @param delayMs until it is: the client hears of a signal before the server answers. 0 where the client asks again.
   */
  hold(which: number | 'every', delayMs?: number): Promise<Held>;
  /** Resolves when somebody waits for a value to be seen. */
  waiting(): Promise<void>;
}

export interface Held {
  /** Resolves when something is held up. */
  readonly reached: Promise<void>;
  letGo(): Promise<void>;
}

export async function openStopPlace(name: StoppedName): Promise<StopPlace> {
  const dns = await startFakeDns({ zones: [{ name: 'example.com' }] });
  let program: ProgramSubject | undefined;
  const kind: SubjectKind = isProgram(name)
    ? {
        provider: name,
        async start() {
          program = await startProgram(name);
          return program;
        },
      }
    : SUBJECTS[name];
  const place = await openPlace(kind, { nameserver: dns.at });
  return {
    ...place,
    hold: (which, delayMs = 400) => (program ? holdProgram(program) : holdRequest(place, which, delayMs)),
    waiting: () => until(() => dns.questions.some((question) => question.name === NAME && question.type === 'TXT')),
    async close() {
      await place.close();
      await dns.close();
    },
  };
}

const isProgram = (name: StoppedName): name is ProgramName => PROGRAM_NAMES.some((program) => program === name);

async function holdRequest({ gate }: Place, which: number | 'every', delayMs: number): Promise<Held> {
  const [reached, released] = [door(), door()];
  gate.guard({
    async request({ nth }) {
      if (which !== 'every' && nth !== which) return undefined;
      reached.open();
      await released.opened;
      return undefined;
    },
  });
  return {
    reached: reached.opened,
    async letGo() {
      await delay(delayMs);
      gate.guard({});
      released.open();
    },
  };
}

async function holdProgram(program: ProgramSubject): Promise<Held> {
  await program.suffer({ kind: 'hangs', call: 'write', effect: 'before', again: false });
  return {
    reached: until(() => program.isSuffering()),
    letGo: async () => void (await program.recover()),
  };
}

/** A promise, and what keeps it. */
export function door(): { readonly opened: Promise<void>; open(): void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** The names of the calls that write. */
const WRITE = /_(add|delete)$|^(add|delete)$|^(POST|PUT|PATCH|DELETE) (?!.*domain_list)/;

export const isWrite = (call: string, { writes }: Partial<Subject>): boolean =>
  writes ? Object.values(writes).includes(call) : WRITE.test(call);

/** Which requests adding and removing take, and which of them is the last that writes. Counted from 0. */
export async function requestsOfVerbs(
  name: StoppedName,
): Promise<Record<'add' | 'remove', { readonly count: number; readonly write: number }>> {
  const place = await openStopPlace(name);
  const counted = async (args: readonly string[]) => {
    place.subject.server?.takeCalls();
    await place.run(args);
    const calls = place.subject.server?.takeCalls() ?? ['add'];
    return { count: calls.length, write: calls.findLastIndex((call) => isWrite(call, place.subject)) };
  };
  const found = { add: await counted(ADD), remove: await counted(REMOVE) };
  await place.close();
  return found;
}

export interface Stopped {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** From the signal to the end, in milliseconds. */
  readonly tookMs: number;
}

/** Start it, and send the signal when it is where it should be. What is held up then is let go. */
export async function stopWhen(
  place: StopPlace,
  args: readonly string[],
  signal: Signal,
  moment: { readonly reached: Promise<void>; letGo?(): Promise<void> },
  settings?: StartSettings,
): Promise<Stopped> {
  const run: Started = place.start(args, settings);
  await Promise.race([moment.reached, run.ended]);
  const began = performance.now();
  run.child.kill(signal);
  await moment.letGo?.();
  const ended = await run.ended;
  const tookMs = performance.now() - began;
  place.gate.guard({});
  await place.gate.settled();
  return { ...ended, tookMs };
}
