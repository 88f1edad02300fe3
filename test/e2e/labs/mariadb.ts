import { join } from 'node:path';
import { LOOPBACK } from '../lab/addresses.ts';
import { runOrThrow, startServer } from '../lab/processes.ts';
import { installed } from '../lab/programs.ts';

export interface Database {
  /** What the statements print: rows in lines, the columns' names first. */
  sql(statements: string): Promise<string>;
  readonly port: number;
  close(): Promise<void>;
}

/** An empty MariaDB of its own, whose root has no password. A socket's path holds 107 bytes, so keep `dir` short. */
export async function startMariadb(dir: string, port: number): Promise<Database> {
  const socket = join(dir, 's');
  const sql = (statements: string) =>
    runOrThrow(installed('mariadb'), ['--no-defaults', '-uroot', '-S', socket], { input: statements });
  const common = ['--no-defaults', '--user=root', `--datadir=${join(dir, 'mysql')}`];
  const fresh = ['--auth-root-authentication-method=normal', '--skip-test-db'];
  await runOrThrow(installed('mariadb-install-db'), [...common, ...fresh]);
  const close = await startServer({
    name: 'mariadb',
    command: installed('mariadbd'),
    args: [
      ...common,
      `--socket=${socket}`,
      `--pid-file=${socket}.pid`,
      `--bind-address=${LOOPBACK}`,
      `--port=${port}`,
      '--skip-log-bin',
    ],
    dir,
    isReady: () =>
      sql('select 1;').then(
        () => true,
        () => false,
      ),
  });
  return { sql, port, close };
}
