// npm run bench: what a start, a request and a wait cost, side by side in one run. Writes docs/benchmarks.md.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { version } from '../package.json';
import { benchBarrier } from './bench/barrier.ts';
import { benchRequests } from './bench/requests.ts';
import { benchStart } from './bench/start.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: 'inherit' });
const rounds = Number(process.argv[2] ?? 15);

const page = [
  '# Benchmarks',
  '',
  `dns01 ${version} on Node ${process.versions.node}, ${cpus().length} processors, ${rounds} rounds in turn after one to warm up.`,
  '`npm run bench` makes this page anew; what is not installed is left out. Times are of whole processes; the ratios are',
  'what travels to other machines.',
  '',
  '## Start',
  '',
  'The add is one POST to a server on loopback that answers at once, with the journal and the request ledger on disk.',
  '',
  ...(await benchStart(rounds)),
  '',
  '## Requests',
  '',
  'One `dns01 batch` of adds and one of removes, the zones in the config.',
  '',
  ...(await benchRequests()),
  '',
  '## The wait',
  '',
  'From the moment when the last name server shows the last value to the end of the wait, polling once a second.',
  '',
  ...(await benchBarrier()),
  '',
].join('\n');
writeFileSync(`${root}docs/benchmarks.md`, page);
process.stdout.write(page);
