import { refuse } from './answer.ts';
import type { ListenAddress } from './listen.ts';
import type { Metrics } from './metrics.ts';
import { lastPart, probe } from './probes.ts';
import { type RunningServer, startServer } from './server.ts';

/** `/metrics`, and the probes, on a listener of their own. @throws E_CONFIG for an address that it cannot listen on */
export function startMetricsServer(
  listen: ListenAddress,
  metrics: Metrics,
  { isReady, refresh }: { readonly isReady: () => Promise<boolean>; readonly refresh: () => void },
): Promise<RunningServer> {
  return startServer({
    listen,
    refresh,
    async answer(request) {
      const word = lastPart(request.url);
      const status = await probe(word, request.method, isReady);
      if (status) return status;
      if (word !== 'metrics') return refuse(404, 'there is GET /metrics');
      if (request.method !== 'GET') return refuse(405, 'only GET', { allow: 'GET' });
      return { status: 200, body: await metrics.text(), headers: { 'content-type': metrics.contentType } };
    },
    answered: () => {},
  });
}
