import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { RateLimit } from '../provider.ts';
import type { Watch } from '../watch.ts';
import type { AuditEntry } from './audit.ts';

/** What is left of a rate limit of an account. */
export interface RateLimitOf extends Pick<RateLimit, 'windowMs' | 'per'> {
  readonly account: string;
  readonly left: number;
}

export interface MetricsSources {
  /** Values that are published and should not be, by the journal. */
  leftover(): Promise<number>;
  /** @param accounts those that have been used */
  rateLimits(accounts: ReadonlySet<string>): Promise<readonly RateLimitOf[]>;
  isConfigValid(): boolean;
}

/** Counts of one process. */
export interface Metrics extends Watch {
  /** A change has ended. */
  changed(change: Pick<AuditEntry, 'front' | 'action' | 'outcome'>, milliseconds: number): void;
  answered(status: number): void;
  /** In the format of Prometheus. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** Seconds: from a fast API to a rate limit that passes several times. */
const BUCKETS = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800];

/** The counts of this process. No label is a value, a secret, a path or the name of a domain. */
export function openMetrics(sources: MetricsSources): Metrics {
  const register = new Registry();
  collectDefaultMetrics({ register });
  const registers = [register];
  const used = new Set<string>();
  const published = new Counter({ name: 'dns01_published_total', help: 'values published', registers });
  const withdrawn = new Counter({ name: 'dns01_withdrawn_total', help: 'values withdrawn', registers });
  const requests = new Counter({
    name: 'dns01_provider_requests_total',
    help: 'requests to DNS providers, by account and HTTP status; none: no answer',
    labelNames: ['account', 'status'],
    registers,
  });
  const waits = new Histogram({
    name: 'dns01_wait_seconds',
    help: 'time that a client waited for its change, by outcome: done, or the code of the error',
    labelNames: ['outcome'],
    buckets: BUCKETS,
    registers,
  });
  const locks = new Counter({
    name: 'dns01_lock_waits_total',
    help: 'changes that waited because another process wrote in the zone',
    labelNames: ['account'],
    registers,
  });
  const answers = new Counter({
    name: 'dns01_answers_total',
    help: 'answers to HTTP clients, by status',
    labelNames: ['status'],
    registers,
  });
  new Gauge({
    name: 'dns01_leftover',
    help: 'values that are published after their lease, or for more than a day without one',
    registers,
    async collect() {
      // Without the journal it is not known, and the other metrics are needed most then.
      this.set(await sources.leftover().catch(() => Number.NaN));
    },
  });
  new Gauge({
    name: 'dns01_rate_limit_remaining',
    help: "requests that the provider's rate limit still allows, by account, what the provider counts by, and window",
    labelNames: ['account', 'per', 'window_seconds'],
    registers,
    async collect() {
      this.reset();
      for (const { account, per, windowMs, left } of await sources.rateLimits(used).catch(() => [])) {
        this.set({ account, per, window_seconds: windowMs / 1000 }, left);
      }
    },
  });
  new Gauge({
    name: 'dns01_config_valid',
    help: '0 where the config on disk is invalid and the one before stays in use',
    registers,
    collect() {
      this.set(sources.isConfigValid() ? 1 : 0);
    },
  });
  return {
    request(account, status) {
      used.add(account);
      requests.inc({ account, status });
    },
    lockWait: (account) => locks.inc({ account }),
    changed({ front, action, outcome }, milliseconds) {
      // No client waits for the end of a lease, and a registration changes nothing at a provider.
      if (front !== 'lease' && action !== 'register') waits.observe({ outcome }, milliseconds / 1000);
      // What the name servers do not show yet is published all the same.
      if (outcome !== 'done' && outcome !== 'E_PROPAGATION') return;
      if (action === 'add') published.inc();
      else if (action === 'remove') withdrawn.inc();
    },
    answered: (status) => answers.inc({ status }),
    text: () => register.metrics(),
    contentType: register.contentType,
  };
}
