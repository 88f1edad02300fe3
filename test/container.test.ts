import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { NOBODY } from '../src/gateway/password.ts';
import { root } from './support/paths.ts';

// No engine builds the image here. Its COPY and RUN lines run in a directory in place of its root, its commands with this Node.

const instructions = readFileSync(`${root}scripts/package/Containerfile`, 'utf8')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll('\\\n', '')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => ({ name: line.slice(0, line.indexOf(' ')), text: line.slice(line.indexOf(' ') + 1) }));
const all = (name: string): string[] => instructions.filter((each) => each.name === name).map(({ text }) => text);
const words = (name: string): string[] => {
  const text = all(name).at(-1) ?? '';
  return JSON.parse(text.slice(text.indexOf('['))) as string[];
};

let image: string;
let chown: string;
beforeAll(() => {
  image = mkdtempSync(join(tmpdir(), 'dns01-image-'));
  const tools = join(image, 'tools');
  for (const folder of ['usr/local/bin', 'usr/local/lib', 'etc', 'var/lib', 'tools'])
    mkdirSync(join(image, folder), { recursive: true });
  // Only root can give files away, and only the image has that user.
  writeFileSync(join(tools, 'chown'), `#!/bin/sh\necho "$@" >>${image}/chown\n`, { mode: 0o755 });
  for (const line of all('COPY')) {
    const sources = line.split(' ');
    const target = join(image, sources.pop() ?? '');
    mkdirSync(target, { recursive: true });
    for (const source of sources) cpSync(root + source, join(target, source.replace(/^.*\//, '')));
  }
  for (const line of all('RUN')) {
    const here = line.replaceAll(/ \/(?=usr|var|etc)/g, ` ${image}/`);
    execFileSync('sh', ['-ec', here], { env: { PATH: `${tools}:${process.env['PATH']}` } });
  }
  chown = readFileSync(join(image, 'chown'), 'utf8');
});
afterAll(() => rmSync(image, { recursive: true, force: true }));

function run([program = '', ...args]: readonly string[]) {
  const env = { PATH: process.env['PATH'], HOME: image, DNS01_STATE_DIR: join(image, 'state') };
  const file = join(image, 'usr/local/bin', program);
  const { status, stdout, stderr } = spawnSync(file, args, { env, encoding: 'utf8' });
  return { status, stdout, stderr };
}

it('has both programs, and a state directory of a user who is not root', () => {
  expect(run([...words('ENTRYPOINT'), '--version']).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(run(['dns01-hook', 'nobody']).stderr).toMatch(/"nobody"/);
  expect(chown.trim()).toBe(`node:node ${image}/var/lib/dns01`);
  expect(statSync(join(image, 'var/lib/dns01')).mode & 0o777).toBe(0o700);
  expect(all('USER')).toEqual(['node']);
  expect(all('VOLUME')).toEqual(['/var/lib/dns01']);
  expect(all('ENV')).toEqual(['DNS01_STATE_DIR=/var/lib/dns01']);
});

it('its command and its health check find the server of the config', () => {
  const listen = '127.0.0.1:1';
  const config = join(image, '.config/dns01/config.yaml');
  mkdirSync(join(image, '.config/dns01'), { recursive: true });
  const users = `{ web1: { hash: "${NOBODY}", names: [example.com] } }`;
  const text = `accounts: { a: { provider: exec, command: [/bin/true] } }
zones: { example.com: a }
serve: { listen: "${listen}", users: ${users} }
`;
  writeFileSync(config, text, { mode: 0o600 });
  const check = words('HEALTHCHECK').map((word) => (word === '8' ? '1' : word));
  expect(run(check)).toMatchObject({ status: 75, stderr: expect.stringMatching(/was not ready within 1 s/) });
  expect(words('ENTRYPOINT').concat(words('CMD'))).toEqual(['dns01', 'serve']);
});

it('what it copies passes .dockerignore', () => {
  const [first, ...kept] = readFileSync(`${root}.dockerignore`, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  expect(first).toBe('*');
  const copied = all('COPY').flatMap((line) => line.split(' ').slice(0, -1));
  expect(kept.map((line) => line.replace('!', '')).sort()).toEqual(copied.sort());
  for (const file of copied) expect(existsSync(root + file), file).toBe(true);
});

it('the release workflow uses actions of a fixed commit, and no token that is stored', () => {
  const text = readFileSync(`${root}.github/workflows/release.yml`, 'utf8');
  const { jobs } = parse(text) as { jobs: Record<string, { steps: { uses?: string; run?: string }[] }> };
  const steps = Object.values(jobs).flatMap((job) => job.steps);
  const used = steps.flatMap(({ uses }) => uses ?? []);
  expect(used.length).toBeGreaterThan(0);
  for (const action of used) expect(action).toMatch(/^actions\/[\w-]+@[0-9a-f]{40}$/);
  expect(text).not.toMatch(/secrets\./);
  const scripts = Object.keys((parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: object }).scripts);
  for (const [, script] of steps.flatMap(({ run: line = '' }) => [...line.matchAll(/npm run (?:-s )?([\w:-]+)/g)]))
    expect(scripts).toContain(script);
});
