// Runs the bundle through what a hook does, against servers on loopback, and keeps what V8 has compiled on the way.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import v8 from 'node:v8';
import { cacheFile, compile, run } from '../bin/compiled.ts';
import { startFakeDns } from '../test/fakes/dns-server.ts';
import { startIspconfigFake } from '../test/fakes/ispconfig.ts';
import { root } from '../test/support/paths.ts';
import { CA_FILE, startInstantApi } from './bench/instant-api.ts';

const NAME = '_acme-challenge.example.com';
const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
const CERTBOT = { CERTBOT_DOMAIN: 'example.com', CERTBOT_VALIDATION: VALUE, CERTBOT_REMAINING_CHALLENGES: '0' };

const [, , build = ''] = process.argv;
// Compiled code is bound to V8's flags: those that the program sets later have to stay as they are at its start.
v8.setFlagsFromString = () => {};

const directory = mkdtempSync(join(tmpdir(), 'dns01-build-'));
const [panel, api, dns] = await Promise.all([
  startIspconfigFake({}),
  startInstantApi(),
  startFakeDns({ zones: [{ name: 'example.com' }] }),
]);
try {
  dns.show(NAME, [VALUE]);
  const config = join(directory, 'dns01.yaml');
  const { url, username, password } = panel;
  const accounts = {
    panel: { provider: 'ispconfig', url, username, password },
    eu: { provider: 'zoneid', url: api.https, username: 'u', apiKey: 'k', ca: CA_FILE },
  };
  const settings = { accounts, zones: { 'example.com': 'panel' }, dns: { nameservers: { 'example.com': [dns.at] } } };
  writeFileSync(config, JSON.stringify(settings), { mode: 0o600 });
  Object.assign(process.env, CERTBOT, { DNS01_CONFIG: config, DNS01_STATE_DIR: join(directory, 'state') });

  const program = join(root, 'dist/dns01.cjs');
  const script = compile(program);
  for (const args of [
    ['hook', 'certbot', 'auth'],
    ['hook', 'certbot', 'cleanup'],
    ['add-txt', '--account', 'eu', NAME, VALUE],
  ]) {
    process.argv = [process.execPath, program, ...args];
    await run(script, program, createRequire(program)).done;
    if (process.exitCode) throw new Error(`dns01 ${args.join(' ')} ended with ${process.exitCode}`);
  }
  writeFileSync(cacheFile(join(root, 'dist'), build), script.createCachedData());
} finally {
  await Promise.all([panel.close(), dns.close()]);
  api.close();
  rmSync(directory, { recursive: true });
}
