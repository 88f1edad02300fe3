import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, type Measured, measureInTurn, median } from './measure.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bundle = join(root, 'dist/dns01.cjs');
const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';

/** An API that answers at once, in the form of ZoneID. */
const answerAtOnce: RequestListener = (request, response) => {
  let body = '';
  request.on('data', (chunk) => {
    body += chunk;
  });
  request.on('end', () => {
    response.writeHead(201, { 'content-type': 'application/json' });
    response.end(JSON.stringify([{ id: '1', ...(JSON.parse(body || '{}') as object) }]));
  });
};

/** What a start costs, beside others, in one run. */
export async function benchStart(rounds: number): Promise<string[]> {
  const directory = mkdtempSync(join(tmpdir(), 'dns01-bench-'));
  const fixture = (name: string) => readFileSync(join(root, 'test/fixtures/tls', name));
  const http = createHttp(answerAtOnce);
  const https = createHttps({ cert: fixture('server.pem'), key: fixture('server.key') }, answerAtOnce);
  const origins = await Promise.all(
    [http, https].map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
        }),
    ),
  );
  const [httpUrl, httpsUrl] = [`http://127.0.0.1:${origins[0]}/v2`, `https://127.0.0.1:${origins[1]}/v2`];
  const config = (name: string, url: string, extra = '') => {
    const file = join(directory, name);
    const account = `{ provider: zoneid, url: "${url}", username: u, apiKey: bench-key${extra} }`;
    writeFileSync(file, `accounts: { z: ${account} }\nzones: { example.com: z }\ndns: { followCnames: false }\n`, {
      mode: 0o600,
    });
    return file;
  };
  const add = (file: string): Command['argv'] => [
    process.execPath,
    bundle,
    '--config',
    file,
    'add-txt',
    '--no-wait',
    '_acme-challenge.example.com',
    VALUE,
  ];
  const env = { DNS01_STATE_DIR: join(directory, 'state') };
  const ca = `, ca: ${join(root, 'test/fixtures/tls/ca.pem')}`;
  const body = JSON.stringify({ name: '_acme-challenge.example.com', destination: VALUE });
  const commands: Command[] = [
    { name: 'node -e 0', argv: [process.execPath, '-e', '0'] },
    { name: 'dns01 --version', argv: [process.execPath, bundle, '--version'] },
    { name: 'dns01 --help', argv: [process.execPath, bundle, '--help'] },
    { name: 'dns01 add-txt, http', argv: add(config('http.yaml', httpUrl)), env },
    { name: 'dns01 add-txt, https', argv: add(config('https.yaml', httpsUrl, ca)), env },
    ...others([
      'curl, the same request',
      '/usr/bin/curl',
      '-s',
      '-X',
      'POST',
      '-u',
      'u:bench-key',
      '-d',
      body,
      `${httpUrl}/dns/example.com/txt`,
    ]),
    ...others(['lego --version', '/usr/bin/lego', '--version']),
    ...others(['lexicon --version', '/usr/bin/lexicon', '--version']),
    ...others(['certbot --version', '/usr/bin/certbot', '--version']),
  ];
  try {
    return table(await measureInTurn(commands, rounds));
  } finally {
    http.close();
    https.close();
    rmSync(directory, { recursive: true });
  }
}

function others([name = '', program = '', ...args]: readonly string[]): Command[] {
  if (existsSync(program)) return [{ name, argv: [program, ...args] }];
  process.stderr.write(`skipped: ${program} is not installed\n`);
  return [];
}

function table(results: readonly Measured[]): string[] {
  const base = results[0];
  const baseTime = median(base?.times ?? []);
  return [
    '| command | median ms | min | max | × node | peak MB | × node |',
    '|---|---|---|---|---|---|---|',
    ...results.map(({ name, times, memory }) => {
      const time = median(times);
      const peak = memory === undefined ? '' : memory.toFixed(0);
      const ratio = memory === undefined || base?.memory === undefined ? '' : (memory / base.memory).toFixed(2);
      return `| ${name} | ${time.toFixed(0)} | ${times[0]?.toFixed(0)} | ${times.at(-1)?.toFixed(0)} | ${(time / baseTime).toFixed(2)} | ${peak} | ${ratio} |`;
    }),
  ];
}
