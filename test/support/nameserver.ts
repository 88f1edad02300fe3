import { startFakeDns } from '../fakes/dns-server.ts';
import { until } from './until.ts';

export interface TestNameserver {
  /** The `dns:` part of a config that uses this server. */
  readonly config: string;
  change(name: string, value: string, change: 'added' | 'removed'): Promise<void>;
  /** Holds back changes from now on until `release`, as a slow provider does. */
  hold(): void;
  release(): void;
  /** The names of all TXT queries so far. */
  questions(): string[];
  /** The number of all queries so far. */
  count(): number;
  asked(name: string): Promise<void>;
  close(): Promise<void>;
}

/** A name server on loopback that follows a fake provider. */
export async function openNameserver(zones: readonly string[]): Promise<TestNameserver> {
  const server = await startFakeDns({ zones: zones.map((name) => ({ name })) });
  const values = new Map<string, string[]>();
  let held = false;
  const show = () => {
    if (!held) for (const [name, list] of values) server.show(name, list);
  };
  const questions = () => server.questions.filter(({ type }) => type === 'TXT').map(({ name }) => name);
  return {
    config: `dns:\n  nameservers:\n${zones.map((zone) => `    ${zone}: ["${server.at}"]\n`).join('')}`,
    async change(name, value, change) {
      const others = (values.get(name) ?? []).filter((other) => other !== value);
      values.set(name, change === 'added' ? [...others, value] : others);
      show();
    },
    hold() {
      held = true;
    },
    release() {
      held = false;
      show();
    },
    questions,
    count: () => server.questions.length,
    asked: (name) => until(() => questions().includes(name)),
    close: server.close,
  };
}
