/**
 * The parts of undici that one request needs. The whole package costs a start twice as much: it brings fetch,
 * WebSocket and caches that nothing here uses.
 */
import v8 from 'node:v8';
import type { Dispatcher } from 'undici';

// Node 20 optimises undici's WebAssembly parser in the background and waits for that at exit: 50 ms and 35 MB for a
// process that parses a handful of answers. Later versions do not.
if (process.versions.node.startsWith('20.')) v8.setFlagsFromString('--liftoff-only');

export type { Dispatcher };
export const loadAgent = async () => (await import('undici/lib/dispatcher/agent.js')).default;
export const loadPool = async () => (await import('undici/lib/dispatcher/pool.js')).default;
export const loadConnector = async () => (await import('undici/lib/core/connect.js')).default;
export const loadRequest = async () => (await import('undici/lib/api/api-request.js')).default;

/** Only for accounts behind a proxy. */
export const loadProxyAgent = async () => {
  // The tunnel is opened by Dispatcher.connect, which undici's index adds to the prototype.
  const { default: connect } = await import('undici/lib/api/api-connect.js');
  const { default: Dispatcher } = await import('undici/lib/dispatcher/dispatcher.js');
  Object.assign(Dispatcher.prototype, { connect });
  return (await import('undici/lib/dispatcher/env-http-proxy-agent.js')).default;
};
