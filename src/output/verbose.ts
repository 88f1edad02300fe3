import { minor } from './colour.ts';
import type { Log, LogFields, LogOutput } from './log.ts';
import { oneColumn } from './text.ts';

/** One line for each request, DNS query, dynamic update and program, for `--verbose`. */
export function verboseLines(io: LogOutput): Log['debug'] {
  const dress = io.hasColour('stderr') ? minor : undefined;
  return (message, fields = {}) => io.stderr(`dns01: ${lineOf(message, fields)}\n${outputOf(fields)}`, dress);
}

function lineOf(message: string, fields: LogFields): string {
  const { account, ms, stdout: _, stderr: __, ...rest } = fields;
  const who = account === undefined ? '' : ` (account ${shown(account)})`;
  const time = ms === undefined ? '' : `, ${shown(ms)} ms`;
  return `${(LINES[message] ?? otherLine(message))(rest)}${time}${who}`;
}

const LINES: Readonly<Record<string, (fields: LogFields) => string>> = {
  http: ({ method, url, call, status, failure }) => {
    const what = shown(call);
    const name = what.startsWith(`${shown(method)} `) ? '' : `${what}, `;
    return `http ${shown(method)} ${shown(url)}: ${name}${failure === undefined ? `status ${shown(status)}` : `failed: ${shown(failure)}`}`;
  },
  dns: ({ transport, server, type, name, result }) =>
    `dns ${shown(transport)} ${shown(server)}: ${shown(type)} ${shown(name)}: ${shown(result)}`,
  update: ({ server, call, changes, result }) => {
    const count = changes === undefined ? '' : `, ${shown(changes)} ${changes === 1 ? 'record' : 'records'}`;
    return `update ${shown(server)}: ${shown(call)}${count}: ${shown(result)}`;
  },
  command: ({ call, exitCode, signal, stopped }) => {
    const ending = exitCode === undefined ? `ended by ${shown(signal)}` : `exit code ${shown(exitCode)}`;
    return `program ${shown(call)}: ${ending}${stopped === undefined ? '' : `, stopped at its ${shown(stopped)}`}`;
  },
};

const otherLine = (message: string) => (fields: LogFields) => {
  const details = Object.entries(fields).map(([key, value]) => `${key} ${shown(value)}`);
  return [oneColumn(message), details.join(', ')].filter((part) => part !== '').join(': ');
};

/** What a program has written, each line marked, so that it cannot look like one of ours. */
function outputOf({ stdout, stderr }: LogFields): string {
  return [stdout, stderr]
    .flatMap((text) => (typeof text === 'string' ? text.trimEnd().split('\n') : []))
    .map((line) => (line === '' ? '' : `dns01:   | ${line}\n`))
    .join('');
}

function shown(value: unknown): string {
  return oneColumn(typeof value === 'object' ? JSON.stringify(value) : String(value));
}
