import { startNameserver } from '../../providers/embedded/nameserver.ts';
import { until } from './until.ts';

export interface TestNameserver {
  /** The `dns:` part of a config that asks this server. */
  readonly config: string;
  change(name: string, value: string, change: 'added' | 'removed'): Promise<void>;
  /** From now on changes are kept back, as a slow provider does, until `release`. */
  hold(): void;
  release(): void;
  /** The names asked for so far. */
  questions(): string[];
  asked(name: string): Promise<void>;
  close(): Promise<void>;
}

/** A name server on loopback that follows a fake provider. */
export async function openNameserver(zones: readonly string[]): Promise<TestNameserver> {
  let served: { name: string; value: string; ttl: number }[] = [];
  let held: typeof served | undefined;
  const asked: string[] = [];
  const server = await startNameserver({
    address: '127.0.0.1',
    port: 0,
    zones: async () => zones.map((name) => ({ name, ns: [`ns.${name}`], serial: 1, records: held ?? served })),
    failed: () => {},
    asked: (name) => asked.push(name),
  });
  return {
    config: `dns:\n  nameservers:\n${zones.map((zone) => `    ${zone}: ["127.0.0.1:${server.port}"]\n`).join('')}`,
    async change(name, value, change) {
      served = served.filter((record) => record.name !== name || record.value !== value);
      if (change === 'added') served.push({ name, value, ttl: 60 });
    },
    hold() {
      held = [...served];
    },
    release() {
      held = undefined;
    },
    questions: () => [...asked],
    asked: (name) => until(() => asked.includes(name)),
    close: server.close,
  };
}
