/**
 * Files of libraries that the program never reaches: the features that they belong to are not used. Keys: the file, as it
 * would be resolved. Values: what stands there instead.
 */
const INSTEAD = {
  // The same parser a second time, for processors with SIMD. Its only gain is speed in large answers.
  'undici/lib/llhttp/llhttp_simd-wasm.js': `module.exports = require('./llhttp-wasm.js')`,
  // Bodies of the class FormData. Bodies are texts here.
  'undici/lib/web/fetch/body.js': failing(),
  // Log files, worker threads and redaction. Lines go to a function, and the redactor reads them there.
  'pino/lib/transport.js': failing(),
  'pino/lib/multistream.js': failing(),
  '@pinojs/redact/index.js': failing(),
  'sonic-boom/index.js': failing(),
  'on-exit-leak-free/index.js': failing(),
  // Exemplars, summaries, clusters and pushed metrics.
  '@opentelemetry/api/dist/index.cjs': failing(),
  'prom-client/lib/summary.js': failing(),
  'prom-client/lib/cluster.js': failing(),
  'prom-client/lib/pushgateway.js': failing(),
  // XML is read only. What is sent is written by the providers.
  'fast-xml-parser/src/xmlbuilder/json2xml.js': failing(),
  // Logical replication.
  'postgres/src/subscribe.js': 'export default () => ({})',
};

export const LEFT_OUT = Object.keys(INSTEAD);

/** Loads without harm and throws as soon as it is used. Only `instanceof` gets an answer. */
function failing() {
  return `const fail = () => { throw new Error('the build has left out this part of a library: ' + FILE) };
module.exports = new Proxy(class {}, {
  get: (_, key) => (key === Symbol.hasInstance ? () => false : fail()),
  apply: fail,
  construct: fail,
});`;
}

/**
 * @param {{ readonly all?: boolean }} options all: fail if one of them is not there; default: yes
 * @returns {import('esbuild').Plugin}
 */
export function withoutUnusedParts({ all = true } = {}) {
  return {
    name: 'without unused parts',
    setup(build) {
      const missed = new Set(all ? LEFT_OUT : []);
      build.onLoad({ filter: /[\\/]node_modules[\\/].*\.c?js$/ }, ({ path }) => {
        const file = path.replaceAll('\\', '/').split('node_modules/').at(-1);
        if (!(file in INSTEAD)) return undefined;
        missed.delete(file);
        return { contents: INSTEAD[file].replace('FILE', JSON.stringify(file)), loader: 'js' };
      });
      // After an update, a library may have its files in other places.
      build.onEnd(() => ({ errors: [...missed].map((file) => ({ text: `nothing asks any more for ${file}` })) }));
    },
  };
}
