import type { AcmeClient } from './acme-client.ts';
import { ALL_CLIENTS } from './all-clients.ts';
import { addsAmong, type HookCall, spansOf } from './hook-calls.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';

/** Seconds from a change at the primary until the only server that the CA asks shows it. */
export const LAG = 2;

/** What one combination took. */
export interface Cell {
  readonly client: string;
  readonly scenario: string;
  /** Seconds from the start of the client to its end. */
  readonly seconds: number;
  /** Seconds with hooks that sleep instead of looking; undefined for a client that looks itself. */
  readonly asleep: number | undefined;
}

declare module 'vitest' {
  interface TaskMeta {
    clientsMatrix?: Cell;
  }
}

/**
 * What the same run would have taken with hooks that publish and then sleep for the lag, the shortest sleep that can be
 * right: all that was measured but the waits, and the lag for each call of an add hook. A wait is what is left of a call
 * when its last value is published. Calls at the same time wait, and would sleep, at the same time.
 */
export function secondsAsleep(
  seconds: number,
  calls: readonly HookCall[],
  published: readonly { readonly at: number }[],
): number {
  const spans = spansOf(addsAmong(calls));
  const waits = spans.map(({ started, ended }) => {
    const moments = published.map(({ at }) => at).filter((at) => at >= started && at <= ended);
    return ended - Math.max(started, ...moments);
  });
  return seconds - waits.reduce((sum, wait) => sum + wait, 0) + spans.length * LAG;
}

const EXPLANATION = [
  `Each cell is the time in seconds from the start of the client to its end, with name servers of which one lags ${LAG} s. The`,
  'number after the slash is what the same run would have taken with add hooks that sleep for exactly that lag and do not look:',
  'the measured time without the waits of the hooks, plus the lag for each of their calls (only once for calls at the same time).',
  'lego itself looks at the name servers, so nothing sleeps there. Several runs share two cores. In practice, nobody knows the lag',
  'of a provider so exactly, and a sleep that is always long enough has to be longer than the longest lag ever seen.',
  'mod_md, Ansible and the clients of RFC 2136 and acme-dns have tests of their own, with a domain and its wildcard: see their',
  'pages. Proxmox, Traefik, Caddy, cert-manager, OPNsense and simple-acme were not tried.',
].join('\n');

/** The matrix as a table of Markdown. */
export function matrixText(cells: readonly Cell[]): string {
  const notes: string[] = [];
  const header = ['client', ...SCENARIOS.map(({ title }) => title)];
  const rows = ALL_CLIENTS.map((client) => [
    client.title,
    ...SCENARIOS.map((scenario) => cellText(client, scenario, cells, notes)),
  ]);
  const lines = [header, header.map(() => '---'), ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const table = lines.map((line) => `| ${line.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  return [...table, '', EXPLANATION, '', ...notes.map((note, index) => `${index + 1}. ${note}`)].join('\n');
}

function cellText(client: AcmeClient, scenario: Scenario, cells: readonly Cell[], notes: string[]): string {
  const why = scenario.whyNot?.(client);
  if (why !== undefined) {
    if (!notes.includes(why)) notes.push(why);
    return `— (${notes.indexOf(why) + 1})`;
  }
  const cell = cells.find((one) => one.client === client.title && one.scenario === scenario.title);
  if (!cell) return 'no result';
  return [cell.seconds, ...(cell.asleep === undefined ? [] : [cell.asleep])].map((time) => time.toFixed(1)).join(' / ');
}

/** Whether every combination has its result. */
export function isComplete(cells: readonly Cell[]): boolean {
  const wanted = ALL_CLIENTS.flatMap((client) => SCENARIOS.filter((scenario) => !scenario.whyNot?.(client)));
  return cells.length === wanted.length;
}
