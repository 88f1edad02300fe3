import { expect, it, onTestFinished } from 'vitest';
import type { BatchResult } from '../../src/challenge/batch.ts';
import { onceVisible, type VisibleResult } from '../../src/challenge/batch-wait.ts';
import type { Run } from '../../src/challenge/run.ts';
import { startDeadline } from '../../src/deadline.ts';
import { openAuthorityFinder } from '../../src/dns/authority.ts';
import { isDns01Error } from '../../src/errors.ts';
import { normaliseName } from '../../src/names.ts';
import { type FakeDnsServer, startFakeDns } from '../fakes/dns-server.ts';
import { VALUE } from '../support/cli.ts';
import { until } from '../support/until.ts';

const ZONE = normaliseName('example.com');
const nameOf = (line: number) => normaliseName(`_acme-challenge.n${line}.example.com`);

function published(line: number, action: 'add' | 'remove' = 'add'): BatchResult {
  const name = nameOf(line);
  const place = { target: name, account: 'it', provider: 'zoneid', zone: ZONE };
  return { line, asked: { action, name, value: VALUE }, outcome: { ...place, changed: true } };
}

async function served(): Promise<FakeDnsServer> {
  const server = await startFakeDns({ zones: [{ name: 'example.com' }] });
  onTestFinished(() => server.close());
  return server;
}

/** A run that knows its name servers, and waits two seconds for them. */
function runAt(server: FakeDnsServer): Run {
  const deadline = startDeadline(20_000);
  const nameservers = [{ zone: ZONE, servers: [server.at] }];
  return {
    deadline,
    authorities: openAuthorityFinder({ resolvers: [], nameservers }, deadline.signal),
    config: { propagation: { timeout: 2, interval: 0.05, settle: 1 } },
  } as unknown as Run;
}

/** Results of lines that are done as they are asked for. */
async function* lines(results: readonly BatchResult[], pulled: number[] = []): AsyncGenerator<BatchResult> {
  for (const result of results) {
    pulled.push(result.line);
    yield result;
  }
}

async function collect(results: AsyncIterable<VisibleResult>): Promise<VisibleResult[]> {
  const all: VisibleResult[] = [];
  for await (const result of results) all.push(result);
  return all;
}

it('a batch that is cut keeps its order, and goes on while the lines before wait', async () => {
  const server = await served();
  const pulled: number[] = [];
  const given = [1, 2, 3, 4, 5, 6, 7, 8].map((line) => published(line, line === 1 || line === 4 ? 'remove' : 'add'));
  const shown: number[] = [];
  const all = (async () => {
    for await (const { line } of onceVisible(lines(given, pulled), runAt(server), () => {}, 3)) shown.push(line);
  })();
  // The first one waits for nothing; two groups of three are on their way, and no more.
  await until(() => server.questions.some(({ name }) => name === nameOf(3)));
  await until(() => pulled.length === 7);
  expect(shown).toEqual([1]);
  for (let line = 2; line <= 8; line++) server.show(nameOf(line), [VALUE]);
  await all;
  expect(shown).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

it('a value that is late is told in its place, whichever group it is in', async () => {
  const server = await served();
  for (const line of [1, 3, 4, 6]) server.show(nameOf(line), [VALUE]);
  const all = await collect(
    onceVisible(lines([1, 2, 3, 4, 5, 6].map((line) => published(line))), runAt(server), () => {}, 3),
  );
  expect(all.map(({ line, outcome }) => [line, isDns01Error(outcome) ? outcome.code : 'shown'])).toEqual([
    [1, 'shown'],
    [2, 'E_PROPAGATION'],
    [3, 'shown'],
    [4, 'shown'],
    [5, 'E_PROPAGATION'],
    [6, 'shown'],
  ]);
});
