import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Lab, startLab } from '../../test/e2e/lab/lab.ts';
import { missingOf } from '../../test/e2e/lab/programs.ts';
import { bundle } from '../../test/support/paths.ts';
import { ZONE } from './accounts.ts';
import { median, shortSpread, sum } from './numbers.ts';
import { type Findings, goal, leftOut, type Part, table } from './part.ts';
import { openPlace } from './place.ts';

/** Seconds that the secondary is behind. It is the only server that the CA queries. */
const LAG_S = 3;

const NEEDED = ['certbot', 'pebble', 'named', 'knotd', 'dig', 'openssl', 'setpriv', 'bash'];

/** The times of one certificate, in seconds. */
interface Issued {
  readonly names: number;
  readonly total: number;
  /** All calls of the hooks together, without the wait. */
  readonly hooks: number;
  /** How much longer the last add takes than a usual call. */
  readonly wait: number;
}

/** certbot with dns01's hooks, end to end, for certificates of many names. */
export const certificate: Part = {
  title: 'A certificate of 100 names',
  async run(rounds): Promise<Findings> {
    const missing = missingOf(NEEDED);
    if (missing.length > 0) return { lines: [leftOut('certificates', `not installed: ${missing.join(', ')}`)] };
    const lab = await startLab({ zones: [ZONE], lagSeconds: LAG_S });
    try {
      const issued: Issued[] = [];
      for (const names of [1, 10, 100]) {
        // A hundred names take a while, and their result is already the sum of two hundred calls.
        for (let round = 0; round < (names === 100 ? 1 : Math.min(rounds, 3)); round++) {
          issued.push(await issue(lab, names, round));
        }
      }
      return { lines: [...INTRODUCTION, ...tableOf(issued), '', ...goals(issued)] };
    } finally {
      await lab.close();
    }
  },
};

const INTRODUCTION = [
  `certbot's manual plugin with dns01's two hooks, pebble as the CA, BIND as the primary that dns01 updates, and Knot as a`,
  `secondary that shows a change ${LAG_S} s later; the CA asks only Knot. dns01's settings are those of a new config. The wait is`,
  'what the last add takes longer than a usual call of a hook; a hook that waits for each name waits as often as there are',
  'names. Seconds; 100 names once, fewer up to three times.',
  '',
];

function tableOf(issued: readonly Issued[]): string[] {
  return table(
    [
      'names',
      'in all',
      'certbot and pebble',
      'calls of the hooks',
      'each',
      'the wait',
      'waits of a hook that waits for each name',
    ],
    byNames(issued).map(([names, list]) => [
      String(names),
      shortSpread(
        list.map(({ total }) => total),
        1,
      ),
      shortSpread(
        list.map(({ total, hooks, wait }) => total - hooks - wait),
        1,
      ),
      `${shortSpread(
        list.map(({ hooks }) => hooks),
        1,
      )} in ${2 * names}`,
      median(list.map(({ hooks }) => hooks / (2 * names))).toFixed(2),
      shortSpread(
        list.map(({ wait }) => wait),
        1,
      ),
      String(names * LAG_S),
    ]),
  );
}

function goals(issued: readonly Issued[]): string[] {
  const results = byNames(issued).map(
    ([names, list]) =>
      `${shortSpread(
        list.map(({ wait }) => wait),
        1,
      )} s for ${names}`,
  );
  const [largest] = byNames(issued).at(-1)?.[1] ?? [];
  const rest = largest ? largest.total - largest.hooks - largest.wait : Number.NaN;
  return [
    `- Of the ${largest?.total.toFixed(1)} s for ${largest?.names} names certbot and pebble take ${rest.toFixed(1)}, the ${2 * (largest?.names ?? 0)} processes of the hooks ${largest?.hooks.toFixed(1)}, the wait ${largest?.wait.toFixed(1)}.`,
    goal(
      `one wait, under twice the lag of ${LAG_S} s, however many names`,
      results.join(', '),
      issued.every(({ wait }) => wait < 2 * LAG_S),
    ),
  ];
}

function byNames(issued: readonly Issued[]): [number, Issued[]][] {
  const counts = [...new Set(issued.map(({ names }) => names))];
  return counts.map((count) => [count, issued.filter(({ names }) => names === count)]);
}

async function issue(lab: Lab, count: number, round: number): Promise<Issued> {
  const place = openPlace();
  place.configure({
    accounts: { primary: { provider: 'rfc2136', server: lab.primary.host, port: lab.primary.port, tsig: lab.tsig } },
    zones: { [ZONE]: 'primary' },
    dns: { resolvers: lab.resolvers, allowNetworks: ['127.0.0.0/8'], nameservers: lab.nameservers },
  });
  const log = join(place.directory, 'calls');
  const hook = join(place.directory, 'hook.sh');
  writeFileSync(hook, TIMED_HOOK, { mode: 0o700 });
  const call = (verb: string) => `${hook} ${log} ${process.execPath} ${bundle} ${verb}`;
  const domains = Array.from({ length: count }, (_, index) => ['-d', `n${index}.${ZONE}`]).flat();
  const hooks = ['--manual-auth-hook', call('auth'), '--manual-cleanup-hook', call('cleanup')];
  const env = place.command([]).env ?? {};
  try {
    const started = performance.now();
    const { code, stdout, stderr } = await lab.certbot(['certonly', ...hooks, ...domains], {
      env,
      // A new directory, so that it begins with a new account.
      home: `certbot-${count}-${round}`,
      timeoutSeconds: 900,
    });
    const total = (performance.now() - started) / 1000;
    if (code !== 0) throw new Error(`certbot failed with ${code}: ${stdout}\n${stderr}`);
    return { names: count, total, ...partsOf(readFileSync(log, 'utf8')) };
  } finally {
    place.remove();
  }
}

/** bash knows the time without starting a program. */
const TIMED_HOOK = `#!/bin/bash
log=$1 verb=\${!#}
started=$EPOCHREALTIME
"\${@:2:2}" hook certbot "$verb"
code=$?
echo "$verb $started $EPOCHREALTIME" >>"$log"
exit $code
`;

function partsOf(log: string): Pick<Issued, 'hooks' | 'wait'> {
  const calls = log
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .map(([verb, from, to]) => ({ verb, seconds: Number(to) - Number(from) }));
  const adds = calls.filter(({ verb }) => verb === 'auth').map(({ seconds }) => seconds);
  const removes = calls.filter(({ verb }) => verb === 'cleanup').map(({ seconds }) => seconds);
  const last = adds.at(-1) ?? Number.NaN;
  // The only add of a single name is also the last one.
  const usual = median(adds.length > 1 ? adds.slice(0, -1) : removes);
  return { wait: last - usual, hooks: sum([...adds, ...removes]) - (last - usual) };
}
