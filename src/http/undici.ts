/** The parts of undici that one request needs. The whole package doubles the start time: it has fetch, WebSocket and caches. */
import v8 from 'node:v8';
import type { Dispatcher } from 'undici';

// Node 20 optimises undici's WebAssembly parser in the background and waits for that at exit. It costs 50 ms and 35 MB in
// a process that parses a handful of answers. Later versions do not do this.
if (process.versions.node.startsWith('20.')) v8.setFlagsFromString('--liftoff-only');

export type { Dispatcher };
export const loadAgent = async () => (await import('undici/lib/dispatcher/agent.js')).default;
export const loadPool = async () => (await import('undici/lib/dispatcher/pool.js')).default;
export const loadConnector = async () => (await import('undici/lib/core/connect.js')).default;
export const loadRequest = async () => (await import('undici/lib/api/api-request.js')).default;

/** Only for accounts behind a proxy. */
export const loadProxyAgent = async () => {
  // Dispatcher.connect opens the tunnel. undici's index adds it to the prototype.
  const { default: connect } = await import('undici/lib/api/api-connect.js');
  const { default: Dispatcher } = await import('undici/lib/dispatcher/dispatcher.js');
  Object.assign(Dispatcher.prototype, { connect });
  return (await import('undici/lib/dispatcher/env-http-proxy-agent.js')).default;
};
