// npm run bench: what dns01 costs, compared with other programs in the same run; writes docs/benchmarks.md.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { root } from '../test/support/paths.ts';
import { certificate } from './bench/certificate.ts';
import { withCharts } from './bench/charts.ts';
import { fleet } from './bench/fleet.ts';
import { growth } from './bench/growth.ts';
import { describeMachine, describeProcessors } from './bench/machine.ts';
import { withParts } from './bench/page.ts';
import type { Part } from './bench/part.ts';
import { propagation } from './bench/propagation.ts';
import { rateLimit } from './bench/rate-limit.ts';
import { requests } from './bench/requests.ts';
import { start } from './bench/start.ts';
import { tricks } from './bench/tricks.ts';

const PARTS: Readonly<Record<string, Part>> = {
  start,
  tricks,
  requests,
  certificate,
  'rate-limit': rateLimit,
  propagation,
  growth,
  fleet,
};
const USAGE = `usage: npm run bench -- [ROUNDS] [${Object.keys(PARTS).join('|')}]... [--write] [--names N] [--clients N]
Without a name everything is measured (half an hour), and docs/benchmarks.md written anew. With --write, the parts that
were named take their places in it, and the others stay. --names and --clients make the part fleet smaller.`;
const PAGE = `${root}docs/benchmarks.md`;

const { names, rounds, size, writes } = readArguments(process.argv.slice(2));
execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: 'inherit' });

const isWhole = names.length === Object.keys(PARTS).length;
const page: string[] = [];
const measured = new Map<string, readonly string[]>();
const pictures: Record<string, string> = {};
print([
  '# Benchmarks',
  '',
  'Made by `npm run bench`, which measures everything in one run on one machine: the ratios apply to other machines too.',
  'A single part is measured by `npm run bench -- start`, with more or fewer rounds by `npm run bench -- start 50`. With',
  '`--write` it takes its place on this page, and the other parts keep their numbers.',
  'Programs that are not installed are left out, and the page says so; `npm run test:e2e` as root installs them on Debian.',
  '',
  ...describeMachine(),
]);
for (const name of names) {
  process.stderr.write(`bench: ${name}\n`);
  const part = PARTS[name];
  const findings = await part?.run(rounds, size);
  const lines = findings?.lines ?? [];
  print(['', `## ${part?.title}`, '', ...lines]);
  measured.set(part?.title ?? '', lines);
  Object.assign(pictures, findings?.pictures);
}
if (isWhole || writes) {
  const written = isWhole
    ? `${page.join('\n')}\n`
    : withParts(readFileSync(PAGE, 'utf8'), measured, describeProcessors());
  const charted = withCharts(written);
  writeFileSync(PAGE, charted.page);
  for (const [file, picture] of Object.entries({ ...pictures, ...charted.pictures }))
    writeFileSync(`${root}docs/${file}`, picture);
}

function print(lines: readonly string[]): void {
  page.push(...lines);
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

function readArguments(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { write: { type: 'boolean' }, names: { type: 'string' }, clients: { type: 'string' } },
    });
    const numbers = positionals.filter((each) => /^\d/.test(each));
    const asked = positionals.filter((each) => !numbers.includes(each));
    if (numbers.length > 1 || asked.some((name) => !Object.hasOwn(PARTS, name))) throw new Error('an unknown part');
    const all = Object.keys(PARTS);
    return {
      names: asked.length === 0 ? all : all.filter((name) => asked.includes(name)),
      rounds: numberFrom(numbers[0]) ?? 15,
      size: { names: numberFrom(values.names), clients: numberFrom(values.clients) },
      writes: values.write === true,
    };
  } catch {
    process.stderr.write(`${USAGE}\n`);
    process.exit(64);
  }
}

/** @throws for what is no number that makes sense */
function numberFrom(text: string | undefined): number | undefined {
  if (text !== undefined && !/^[1-9]\d{0,4}$/.test(text)) throw new Error(`${text} is no number from 1 to 99999`);
  return text === undefined ? undefined : Number(text);
}
