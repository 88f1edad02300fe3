import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { startServer } from '../lab/processes.ts';
import { installed } from '../lab/programs.ts';

/** Runs nginx in the foreground with this as the content of its `http` block. */
export async function startNginx(dir: string, http: string, port: number): Promise<() => Promise<void>> {
  const config = join(dir, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(dir, `nginx-${kind}`)};`,
  );
  const lines = [
    ...(process.getuid?.() === 0 ? ['user root;'] : []),
    ...['daemon off;', `pid ${join(dir, 'nginx.pid')};`, 'error_log stderr;', 'worker_processes 1;'],
    ...['events { worker_connections 500; }', 'http {', 'access_log off;', ...temporary, http, '}', ''],
  ];
  await writeFile(config, lines.join('\n'));
  return startServer({
    name: 'nginx',
    command: installed('nginx'),
    args: ['-c', config, '-p', dir],
    dir,
    isReady: () => accepts(port),
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
      .on('connect', () => {
        resolve(true);
        socket.destroy();
      })
      .on('error', () => resolve(false));
  });
}
