import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'esbuild';
import { root } from '../../test/support/paths.ts';
import { buildProgram } from '../build.mjs';
import { withoutUnusedBuiltins } from '../unused-builtins.mjs';
import { configOf, ZONE } from './accounts.ts';
import { CA_FILE, SERVER_CERTIFICATE, startInstantApi } from './instant-api.ts';
import { median, sum } from './numbers.ts';
import { type Findings, goal, type Part, table } from './part.ts';
import { VALUE } from './place.ts';
import { type Command, type Contender, inTurn, type Measured } from './process.ts';

/** How to switch off each trick of the start. */
const TRICKS: Readonly<Record<string, { readonly file?: string; readonly plugins?: readonly Plugin[] }>> = {
  'compiled code': { file: 'dns01.cjs' },
  'replaced builtins': { plugins: [] },
  'undici by parts': { plugins: [withoutUnusedBuiltins(), wholeUndici()] },
  '--liftoff-only': { plugins: [withoutUnusedBuiltins(), withoutLiftoff()] },
};

const NODE = 'node -e 0';
const GOALS: Readonly<Record<string, number>> = {
  '--version': 1.8,
  'add, http': 3.3,
  'add, https': 4.5,
  'add, https, ca': 4.5,
  'add, https, fingerprint': 4.5,
};

/** The gain of each trick: the program with all of them and without each, in one run. */
export const tricks: Part = {
  title: 'Tricks of the start',
  async run(rounds): Promise<Findings> {
    const api = await startInstantApi();
    const builds = join(root, 'dist/bench');
    mkdirSync(join(builds, 'place'), { recursive: true });
    try {
      const ways = waysFrom(join(builds, 'place'), api);
      const contenders: Contender[] = [{ name: NODE, command: () => ({ argv: [process.execPath, '-e', '0'] }) }];
      const adding = (variant: string, program: string) => {
        for (const [way, { args, env }] of Object.entries(ways))
          contenders.push({
            name: `${variant}: ${way}`,
            command: (round: number) => commandOf(program, args(round), env),
          });
      };
      await buildProgram(join(builds, 'all'));
      adding('all', join(builds, 'all/start.cjs'));
      for (const [trick, { file, plugins }] of Object.entries(TRICKS)) {
        const outdir = join(builds, trick.replaceAll(/\W+/g, '-'));
        await buildProgram(outdir, plugins);
        adding(trick, join(outdir, file ?? 'start.cjs'));
      }
      const measured = await inTurn(contenders, rounds);
      return { lines: linesOf(measured, Object.keys(ways), rounds) };
    } finally {
      rmSync(builds, { recursive: true });
      api.close();
    }
  },
};

interface Way {
  args(round: number): readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

function waysFrom(directory: string, api: { readonly http: string; readonly https: string }): Record<string, Way> {
  const login = { provider: 'zoneid', username: 'u', apiKey: 'bench-key' };
  const fingerprint = new X509Certificate(readFileSync(SERVER_CERTIFICATE)).fingerprint256;
  const adding = (name: string, options: object, env: Readonly<Record<string, string>> = {}): Way => {
    const file = join(directory, `${name}.yaml`);
    writeFileSync(file, JSON.stringify(configOf({ ...login, ...options })), { mode: 0o600 });
    const options_ = ['--config', file, 'add-txt', '--no-wait'];
    return {
      args: (round) => [...options_, `_acme-challenge.round${round + 1}.${ZONE}`, VALUE],
      env: { DNS01_STATE_DIR: join(directory, 'state'), ...env },
    };
  };
  return {
    '--version': { args: () => ['--version'] },
    'add, http': adding('http', { url: api.http }),
    // Node loads its own authorities, as for any API in the cloud, and the server's as well.
    'add, https': adding('https', { url: api.https }, { NODE_EXTRA_CA_CERTS: CA_FILE }),
    'add, https, ca': adding('ca', { url: api.https, ca: CA_FILE }),
    'add, https, fingerprint': adding('fingerprint', { url: api.https, fingerprint }),
  };
}

const commandOf = (program: string, args: readonly string[], env: Command['env'] = {}): Command => ({
  argv: [process.execPath, program, ...args],
  env,
});

function linesOf(measured: readonly Measured[], ways: readonly string[], rounds: number): string[] {
  const costs = (name: string) => measured.find((one) => one.name === name)?.costs ?? [];
  const ratio = (name: string) => pairs(costs(name), costs(NODE), (a, b) => a / b);
  const more = (trick: string, way: string) => pairs(costs(`${trick}: ${way}`), costs(`all: ${way}`), (a, b) => a - b);
  const cell = (trick: string, way: string) => {
    const milliseconds = more(trick, way);
    const all = median(costs(`all: ${way}`).map((cost) => cost.milliseconds));
    const processor = processorOf(costs(`${trick}: ${way}`)) - processorOf(costs(`all: ${way}`));
    return `${milliseconds.toFixed(0)} ms (${((100 * milliseconds) / all).toFixed(0)} %), CPU ${processor.toFixed(0)} ms`;
  };
  return [
    `The medians of ${rounds} paired rounds: how much longer a start takes without the trick, and the mean of the CPU time.`,
    '"https" is without `ca` and `fingerprint`: Node loads its own authorities, as for any API in the cloud, and that of the',
    'server from NODE_EXTRA_CA_CERTS. A trick stays while it is worth a tenth of an add.',
    '',
    ...table(
      ['', ...ways],
      [
        ['× `node -e 0`, with all', ...ways.map((way) => ratio(`all: ${way}`).toFixed(2))],
        ['CPU ms, with all', ...ways.map((way) => processorOf(costs(`all: ${way}`)).toFixed(0))],
        ...Object.keys(TRICKS).map((trick) => [`without ${trick}`, ...ways.map((way) => cell(trick, way))]),
      ],
    ),
    '',
    ...ways.map((way) => {
      const reached = ratio(`all: ${way}`);
      const wanted = GOALS[way] ?? Number.NaN;
      return goal(`${way}: within ${wanted} × \`${NODE}\``, `${reached.toFixed(2)} ×`, reached <= wanted);
    }),
  ];
}

/** The median over the rounds of two commands compared in the same round. */
function pairs(
  ones: Measured['costs'],
  others: Measured['costs'],
  compare: (one: number, other: number) => number,
): number {
  return median(
    ones.map(({ milliseconds }, round) => compare(milliseconds, others[round]?.milliseconds ?? Number.NaN)),
  );
}

/** The mean, because a single process is measured in steps of 10 ms. */
const processorOf = (costs: Measured['costs']): number =>
  sum(costs.map(({ processor }) => processor ?? Number.NaN)) / costs.length;

/** undici as users import it, with everything in it. */
function wholeUndici(): Plugin {
  const PARTS: Readonly<Record<string, string>> = {
    'undici/lib/dispatcher/agent.js': 'Agent',
    'undici/lib/dispatcher/pool.js': 'Pool',
    'undici/lib/core/connect.js': 'buildConnector',
    'undici/lib/api/api-request.js': 'Dispatcher.prototype.request',
  };
  return {
    name: 'undici as a whole',
    setup(build) {
      build.onResolve({ filter: /^undici\/lib\// }, ({ path }) =>
        path in PARTS ? { path, namespace: 'whole' } : undefined,
      );
      build.onLoad({ filter: /.*/, namespace: 'whole' }, ({ path }) => ({
        contents: `module.exports = require('undici').${PARTS[path]}`,
        resolveDir: root,
      }));
    },
  };
}

function withoutLiftoff(): Plugin {
  return {
    name: 'V8 compiles WebAssembly twice',
    setup(build) {
      build.onLoad({ filter: /src\/http\/undici\.ts$/ }, ({ path }) => ({
        contents: readFileSync(path, 'utf8').replace(/^.*--liftoff-only.*$/m, ''),
        loader: 'ts',
      }));
    },
  };
}
