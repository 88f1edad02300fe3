import type { State } from '../state/state.ts';
import { type LiveConfig, parseListenAddress } from './live-config.ts';
import type { Metrics } from './metrics.ts';
import type { RunningServer } from './server.ts';
import type { SharedRun } from './shared-run.ts';

/** What others can see of this process: whether it is ready, and its metrics where the config asks for them. */
export interface Watching {
  readonly metrics: Metrics | undefined;
  /** Whether the state can be reached, so that changes can be made. */
  isReady(): Promise<boolean>;
  /** The address of the metrics, if there are any. @throws E_CONFIG for one that it cannot listen on */
  listen(): Promise<string[]>;
  close(): Promise<void>;
}

/** The library for metrics is loaded only where the config asks for them. @param runs asked when metrics are read */
export async function openWatching(live: LiveConfig, state: State, runs: () => SharedRun): Promise<Watching> {
  const settings = live.current().serve.metrics;
  const isReady = () =>
    state.check().then(
      () => true,
      () => false,
    );
  if (!settings) return { metrics: undefined, isReady, listen: async () => [], close: async () => {} };
  const [{ openMetrics }, { openLeftoverCount, rateLimitsOf }, { startMetricsServer }] = await Promise.all([
    import('./metrics.ts'),
    import('./metrics-sources.ts'),
    import('./metrics-server.ts'),
  ]);
  const metrics = openMetrics({
    leftover: openLeftoverCount(state.journal),
    rateLimits: (accounts) => rateLimitsOf(accounts, runs()),
    isConfigValid: live.isValid,
  });
  let server: RunningServer | undefined;
  return {
    metrics,
    isReady,
    async listen() {
      const refresh = () => live.refresh(false);
      const address = parseListenAddress('serve.metrics.listen', settings.listen);
      server = await startMetricsServer(address, metrics, { isReady, refresh });
      return [`${server.at}/metrics`];
    },
    close: async () => server?.close(),
  };
}
