import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOBODY } from '../../src/gateway/password.ts';
import { root } from '../support/paths.ts';

const run = promisify(execFile);
const why = [
  ...(existsSync('/usr/bin/buildah') ? [] : ['buildah']),
  ...(process.getuid?.() === 0 ? [] : ['root']),
].join(', ');

/** Nothing is fetched: in place of Node's image, this machine's Node and what the build file's RUN line needs. */
const BASE = `
set -eu
container=$(buildah from scratch)
base=$(buildah mount "$container")
mkdir -p "$base"/bin "$base"/usr/bin "$base"/usr/local/bin "$base"/usr/local/lib "$base"/var/lib "$base"/etc "$base"/home/node
mkdir -m 1777 "$base"/tmp
for program in /bin/sh /bin/chmod /bin/chown /bin/mkdir /bin/ln /bin/id /usr/bin/env "$NODE"; do
  cp -L "$program" "$base/bin/"
  for library in $(ldd "$program" | grep -o '/[^ ]*'); do
    mkdir -p "$base$(dirname "$library")"
    cp -L "$library" "$base$library"
  done
done
mv "$base/bin/env" "$base/usr/bin/env"
printf 'root:x:0:0::/:/bin/sh\\nnode:x:1000:1000::/home/node:/bin/sh\\n' >"$base/etc/passwd"
printf 'root:x:0:\\nnode:x:1000:\\n' >"$base/etc/group"
buildah config --env PATH=/usr/local/bin:/usr/bin:/bin "$container"
buildah commit --quiet "$container" localhost/node:22-slim
`;

const CONFIG = `accounts: { a: { provider: exec, command: [/bin/id] } }
zones: { example.com: a }
serve: { listen: "unix:/tmp/serve.sock", users: { web1: { hash: "${NOBODY}", names: [example.com] } } }
`;

describe.skipIf(why !== '')(`the container${why ? ` (missing: ${why})` : ''}`, () => {
  let place: string;
  let container: string;
  let env: NodeJS.ProcessEnv;

  const buildah = async (...args: string[]) => (await run('buildah', args, { cwd: root, env })).stdout.trim();
  const inside = (script: string) => buildah('run', container, '--', 'sh', '-ec', script);

  beforeAll(async () => {
    place = mkdtempSync(join(tmpdir(), 'dns01-container-'));
    const storage = join(place, 'storage.conf');
    const folders = `graphroot = "${place}/root"\nrunroot = "${place}/run"\n`;
    writeFileSync(storage, `[storage]\ndriver = "vfs"\n${folders}`);
    env = { ...process.env, CONTAINERS_STORAGE_CONF: storage, BUILDAH_ISOLATION: 'chroot', NODE: process.execPath };
    await run('sh', ['-c', BASE], { env });
    const file = 'scripts/package/Containerfile';
    await buildah('build', '--format', 'docker', '--pull-never', '--file', file, '--tag', 'dns01', '.');
    container = await buildah('from', '--pull-never', 'dns01');
    writeFileSync(join(place, 'config.yaml'), CONFIG);
    await buildah('copy', '--chmod', '644', container, join(place, 'config.yaml'), '/etc/dns01/config.yaml');
  }, 120_000);
  afterAll(async () => {
    await buildah('rm', '--all');
    rmSync(place, { recursive: true, force: true });
  });

  it('runs the program as a user who is not root', async () => {
    expect(await inside('id -u; id -g; dns01 demo')).toMatch(/^1000\n1000\n.*_acme-challenge/s);
  }, 60_000);

  it('serves, and its health check says so', async () => {
    const check = 'dns01 serve --check --timeout 20 && kill -TERM $! && wait $!';
    expect(await inside(`dns01 serve & ${check}`)).toMatch(/the server is ready/);
  }, 60_000);

  it('keeps the health check, the volume, the user and the command', async () => {
    const image = JSON.parse(await buildah('inspect', '--type', 'image', 'dns01')) as { Docker: { config: object } };
    expect(image.Docker.config).toMatchObject({
      User: 'node',
      Volumes: { '/var/lib/dns01': {} },
      Healthcheck: { Test: ['CMD', 'dns01', 'serve', '--check', '--timeout', '8'] },
      Entrypoint: ['dns01'],
      Cmd: ['serve'],
    });
  });
});
