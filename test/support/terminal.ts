import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { bundleOf } from './paths.ts';

const PROGRAM = `
import fcntl, os, pty, struct, sys, termios
columns = int(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])
try:
    while True:
        block = os.read(terminal, 65536)
        if not block: break
        sys.stdout.buffer.write(block)
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

export interface TerminalOutcome {
  readonly code: number;
  /** Every byte that the terminal got. */
  readonly bytes: string;
  /** Its lines without colours, each in all of the states that it had. */
  readonly lines: readonly string[];
}

export interface InTerminal {
  readonly columns: number;
  readonly env: Readonly<Record<string, string>>;
  /** The path of a file for stdin. */
  readonly input?: string;
}

/** Runs dns01 in a pseudo-terminal of this width, which python3 opens. */
export async function inTerminal(
  args: readonly string[],
  { columns, env, input }: InTerminal,
): Promise<TerminalOutcome> {
  const run = ['sh', '-c', input === undefined ? 'exec "$@"' : `exec "$@" <'${input}'`, 'sh'];
  const command = ['-c', PROGRAM, String(columns), ...run, process.execPath, bundleOf('dns01'), ...args];
  const settings = { env: { PATH: process.env['PATH'], TERM: 'xterm', ...env }, timeout: 20_000 };
  const { code, stdout } = await promisify(execFile)('python3', command, settings).then(
    ({ stdout }) => ({ code: 0, stdout }),
    (error: { code?: number; stdout?: string }) => ({ code: error.code ?? -1, stdout: error.stdout ?? '' }),
  );
  const lines = stdout.replace(/\u001b\[[\d;]*[A-Za-z]/g, '').split(/[\r\n]+/);
  return { code, bytes: stdout, lines: lines.filter((line) => line !== '') };
}
