import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectFailure, VALUE } from '../support/cli.ts';
import { json, NAME, serveConfig, useGateway, user } from './support.ts';

const gateway = useGateway();
const { ask } = gateway;

const place = (name: string) => join(gateway.here.directory, name);

async function configure(listen: string, more = '') {
  const { panels, here } = gateway;
  await here.configure(`${panels.config}${serveConfig(await user('web1', 'www.example.com'), listen, more)}`);
}

describe('a Unix socket', () => {
  it('is open to its owner and group, and taken over from a process that was killed', async () => {
    const path = place('serve.sock');
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))`;
    await once(spawn(process.execPath, ['-e', script], { stdio: 'ignore' }), 'exit');
    expect((await stat(path)).isSocket()).toBe(true);
    await configure(`unix:${path}`);
    await gateway.start();
    expect((await stat(path)).mode & 0o777).toBe(0o660);
    expect((await ask({ body: json(NAME, VALUE) })).status).toBe(200);
  });

  it('of a program that runs is left to it', async () => {
    const path = place('serve.sock');
    const other = createServer((socket) => socket.on('error', () => {}).end('mine'));
    await new Promise<void>((resolve) => other.listen(path, resolve));
    await configure(`unix:${path}`);
    expectFailure(
      await gateway.here.run(['serve', '--timeout', '1']),
      78,
      /another program listens there/,
      /serve\.listen/,
    );
    const { connect } = await import('node:net');
    const [said] = await once(connect(path), 'data');
    expect(String(said)).toBe('mine');
    other.close();
  });

  it('does not take the place of a file', async () => {
    const path = place('notes.txt');
    await writeFile(path, 'notes');
    await configure(`unix:${path}`);
    expectFailure(await gateway.here.run(['serve']), 78, /not a socket/);
    expect(await readFile(path, 'utf8')).toBe('notes');
  });
});

describe('a TLS key', () => {
  const fixture = (name: string) => new URL(`../fixtures/tls/${name}`, import.meta.url).pathname;

  it('that others can write is refused', async () => {
    await copyFile(fixture('server.pem'), place('cert.pem'));
    await copyFile(fixture('server.key'), place('key.pem'));
    await chmod(place('key.pem'), 0o666);
    await configure('127.0.0.1:0', '  tls: { cert: cert.pem, key: key.pem }\n');
    expectFailure(await gateway.here.run(['serve']), 78, /key\.pem: other users can write this file/, /chmod go-w/);
  });

  it('that others can read is used with a warning', async () => {
    await copyFile(fixture('server.pem'), place('cert.pem'));
    await copyFile(fixture('server.key'), place('key.pem'));
    await chmod(place('key.pem'), 0o644);
    await configure('127.0.0.1:0', '  tls: { cert: cert.pem, key: key.pem }\n');
    const { stderr } = await gateway.start();
    expect(stderr.join('')).toMatch(/warning: .*key\.pem holds a secret and every user can read it/);
  });
});
