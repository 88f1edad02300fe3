/**
 * What libraries load at every start for cases that never come here, and what they get instead: it saves a tenth of the
 * time of a start, and of its memory. Keys: the library's file, the module of Node.
 */
const INSTEAD = {
  // Connections with HTTP/2 are never made; undici itself does so where Node was built without it.
  'undici/lib/dispatcher/client-h2.js': { 'node:http2': 'module.exports = { constants: {} }' },
  // To tell requests that a server of Node has received; bodies here are texts.
  'undici/lib/core/util.js': { 'node:http': 'module.exports = { IncomingMessage: class {} }' },
  // The size of headers that Node allows unless told otherwise.
  'undici/lib/dispatcher/client.js': { 'node:http': 'module.exports = { maxHeaderSize: 16384 }' },
  // For objects that go to another thread; there is but one.
  'undici/lib/util/runtime-features.js': { 'node:worker_threads': 'module.exports = {}' },
  'write-file-atomic/lib/index.js': { worker_threads: 'module.exports = { threadId: 0 }' },
  // For subcommands that are programs of their own.
  'commander/lib/command.js': { 'node:child_process': 'module.exports = {}' },
};

/** @returns {import('esbuild').Plugin} */
export function withoutUnusedBuiltins() {
  const namespace = 'unused';
  return {
    name: 'without unused builtins',
    setup(build) {
      const missed = new Set(
        Object.entries(INSTEAD).flatMap(([file, modules]) => Object.keys(modules).map(keyOf(file))),
      );
      build.onResolve({ filter: /^(node:)?(http2?|worker_threads|child_process)$/ }, ({ path, importer }) => {
        const file = importer.replaceAll('\\', '/').split('node_modules/').at(-1);
        const code = INSTEAD[file]?.[path];
        if (code === undefined) return undefined;
        missed.delete(keyOf(file)(path));
        return { path: keyOf(file)(path), namespace, pluginData: code };
      });
      build.onLoad({ filter: /.*/, namespace }, ({ pluginData }) => ({ contents: pluginData, loader: 'js' }));
      // A library that was updated may have put its files elsewhere.
      build.onEnd(() => ({ errors: [...missed].map((key) => ({ text: `nothing asks any more for ${key}` })) }));
    },
  };
}

const keyOf = (file) => (module) => `${module} in ${file}`;
