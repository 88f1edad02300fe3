/** Only DNS over HTTPS speaks HTTP/2: Node's module is loaded with the first connection, its constants are these. */
const HTTP2 = `module.exports = {
  constants: {
    HTTP2_HEADER_AUTHORITY: ':authority',
    HTTP2_HEADER_METHOD: ':method',
    HTTP2_HEADER_PATH: ':path',
    HTTP2_HEADER_SCHEME: ':scheme',
    HTTP2_HEADER_CONTENT_LENGTH: 'content-length',
    HTTP2_HEADER_EXPECT: 'expect',
    HTTP2_HEADER_STATUS: ':status',
    HTTP2_HEADER_PROTOCOL: ':protocol',
    NGHTTP2_REFUSED_STREAM: 7,
    NGHTTP2_CANCEL: 8,
  },
  connect: (...args) => process.getBuiltinModule('node:http2').connect(...args),
}`;

/**
 * Node modules that libraries load at every start without need here, and their replacements. This saves a tenth of the
 * start time and of the memory. Keys: the library's file, the module of Node.
 */
const INSTEAD = {
  'undici/lib/dispatcher/client-h2.js': { 'node:http2': HTTP2 },
  // To recognise the requests of a Node server as a body; bodies are texts here.
  'undici/lib/core/util.js': { 'node:http': 'module.exports = { IncomingMessage: class {} }' },
  // Node's default limit for the size of headers.
  'undici/lib/dispatcher/client.js': { 'node:http': 'module.exports = { maxHeaderSize: 16384 }' },
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
      // After an update, a library may have its files in other places.
      build.onEnd(() => ({ errors: [...missed].map((key) => ({ text: `nothing asks any more for ${key}` })) }));
    },
  };
}

const keyOf = (file) => (module) => `${module} in ${file}`;
