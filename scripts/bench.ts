// npm run bench: what dns01 costs, compared with other programs in the same run. A whole run writes docs/benchmarks.md.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { root } from '../test/support/paths.ts';
import { certificate } from './bench/certificate.ts';
import { withCharts } from './bench/charts.ts';
import { fleet } from './bench/fleet.ts';
import { growth } from './bench/growth.ts';
import { describeMachine } from './bench/machine.ts';
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
const USAGE = `usage: npm run bench -- [ROUNDS] [${Object.keys(PARTS).join('|')}]...
Without a name everything is measured (a quarter of an hour), and docs/benchmarks.md written anew.`;

const { names, rounds } = readArguments(process.argv.slice(2));
execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: 'inherit' });

const page: string[] = [];
const pictures: Record<string, string> = {};
print([
  '# Benchmarks',
  '',
  'Made by `npm run bench`, which measures everything in one run on one machine: the ratios apply to other machines too.',
  'A single part is measured by `npm run bench -- start`, with more or fewer rounds by `npm run bench -- start 50`.',
  'Programs that are not installed are left out, and the page says so; `npm run test:e2e` as root installs them on Debian.',
  '',
  ...describeMachine(),
]);
for (const name of names) {
  process.stderr.write(`bench: ${name}\n`);
  const part = PARTS[name];
  const findings = await part?.run(rounds);
  print(['', `## ${part?.title}`, '', ...(findings?.lines ?? [])]);
  Object.assign(pictures, findings?.pictures);
}
if (names.length === Object.keys(PARTS).length) {
  const charted = withCharts(page.map((line) => `${line}\n`).join(''));
  writeFileSync(`${root}docs/benchmarks.md`, charted.page);
  for (const [file, picture] of Object.entries({ ...pictures, ...charted.pictures }))
    writeFileSync(`${root}docs/${file}`, picture);
}

function print(lines: readonly string[]): void {
  page.push(...lines);
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

function readArguments(args: readonly string[]): { names: readonly string[]; rounds: number } {
  const numbers = args.filter((arg) => /^[1-9]\d{0,3}$/.test(arg));
  const asked = args.filter((arg) => !numbers.includes(arg));
  if (numbers.length > 1 || asked.some((name) => !Object.hasOwn(PARTS, name))) {
    process.stderr.write(`${USAGE}\n`);
    process.exit(64);
  }
  const all = Object.keys(PARTS);
  return {
    names: asked.length === 0 ? all : all.filter((name) => asked.includes(name)),
    rounds: Number(numbers[0] ?? 15),
  };
}
