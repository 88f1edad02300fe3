import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Deadline, startDeadline } from '../../src/deadline.ts';
import { type ClosableHttpClient, createHttpClient, type RateLimiter } from '../../src/http/client.ts';
import { writeOnce } from '../../src/http/write-once.ts';
import { createRedactor } from '../../src/output/redact.ts';
import { runCommand } from '../../src/process/run-command.ts';
import { createRunMemory, type ProviderContext } from '../../src/provider.ts';

export interface TestContext extends ProviderContext {
  readonly http: ClosableHttpClient;
  /** Everything that was logged, to look for secrets and warnings. */
  readonly lines: string[];
  readonly secrets: string[];
}

export interface TestContextSettings {
  readonly account?: string;
  /** Milliseconds for the whole test provider. */
  readonly time?: number;
  /** Milliseconds for one request; short where a server hangs. */
  readonly requestTimeout?: number;
  readonly deadline?: Deadline;
  readonly rateLimiter?: RateLimiter;
  /** What the DNS shows; default: unknown. */
  readonly seenInDns?: ProviderContext['seenInDns'];
  readonly dataDirectory?: string;
}

/** A provider context of the real parts, without config and state. */
export function createTestContext(settings: TestContextSettings = {}): TestContext {
  const deadline = settings.deadline ?? startDeadline(settings.time ?? 20_000);
  const redactor = createRedactor();
  const lines: string[] = [];
  const secrets: string[] = [];
  const zoneIds = createRunMemory<string>();
  const log = {
    debug: (message: string, fields?: Readonly<Record<string, unknown>>) => {
      lines.push(`debug: ${message} ${JSON.stringify(fields ?? {})}`);
    },
    info: (message: string) => void lines.push(`info: ${message}`),
    warn: (message: string) => void lines.push(`warn: ${message}`),
  };
  const dataDirectory = async () => settings.dataDirectory ?? mkdtemp(join(tmpdir(), 'dns01-data-'));
  const context: TestContext = {
    account: settings.account ?? 'test',
    http: createHttpClient({
      connection: {},
      requestTimeout: settings.requestTimeout ?? 10_000,
      deadline,
      log,
      rateLimits: () => (settings.rateLimiter ? [settings.rateLimiter] : []),
    }),
    log,
    lines,
    secrets,
    signal: deadline.signal,
    seenInDns: settings.seenInDns ?? (async () => undefined),
    dataDirectory,
    async records() {
      const { openRecords } = await import('../../src/state/files/records.ts');
      return openRecords(await dataDirectory());
    },
    keepSecret(secret) {
      secrets.push(secret);
      redactor.keep(secret);
    },
    holdsSecret: redactor.holdsSecret,
    runCommand: (command) => runCommand(command, { env: process.env, signal: deadline.signal, log }),
    sleep: (milliseconds) => deadline.sleep(milliseconds),
    writeOnce: (steps) => writeOnce(steps, log),
    zoneId: (zone, load) => zoneIds.get(zone, load),
    forgetZoneId: async (zone) => zoneIds.forget(zone),
  };
  return context;
}
