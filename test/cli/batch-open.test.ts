/** A batch whose stdin stays open: whoever writes the lines may wait for the answers, or never end. */
import type { spawn } from 'node:child_process';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startFakeDns } from '../fakes/dns-server.ts';
import { expectFailure, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { openNameserver, type TestNameserver } from '../support/nameserver.ts';
import { type Panels, startPanels } from '../support/panels.ts';
import { until } from '../support/until.ts';

type Child = ReturnType<typeof spawn>;

let panels: Panels;
let here: Workplace;
let dns: TestNameserver;
beforeEach(async () => {
  dns = await openNameserver(['example.com', 'example.ee']);
  here = await openWorkplace();
  panels = await startPanels({
    zoneid: { onChange: async (_zone, name, value, change) => dns.change(name, value, change) },
  });
  await here.configure(`${panels.accounts}${dns.config}propagation: { timeout: 60, interval: 0.1 }\n`);
});
afterEach(() => Promise.all([panels.close(), here.remove(), dns.close()]));

const line = (host: string) =>
  `${JSON.stringify({ action: 'add', name: `_acme-challenge.${host}.example.ee`, value: VALUE })}\n`;

/** A batch that has been given these lines, and its answers as they come. */
function openBatch(lines: readonly string[], ...options: string[]) {
  const answers: { readonly ok: boolean; readonly name: string }[] = [];
  let child: Child | undefined;
  const ended = here.run(['batch', ...options], {
    input: lines.join(''),
    staysOpen: true,
    onStart(started) {
      child = started;
      started.stdout?.on('data', (chunk: Buffer) => {
        answers.push(
          ...chunk
            .toString()
            .split('\n')
            .filter(Boolean)
            .map((text) => JSON.parse(text)),
        );
      });
    },
  });
  return { answers, ended, child: () => child };
}

it('answers each line while the next one is not there yet, seen by every name server', async () => {
  const batch = openBatch([line('a')]);
  await until(() => batch.answers.length === 1);
  expect(batch.answers[0]).toMatchObject({ ok: true, name: '_acme-challenge.a.example.ee' });
  batch.child()?.stdin?.write(line('b') + line('c'));
  await until(() => batch.answers.length === 3);
  batch.child()?.stdin?.end();
  expect(await batch.ended).toMatchObject({ code: 0, stderr: '' });
});

it('answers with --no-wait as soon as the value is published', async () => {
  const batch = openBatch([line('a')], '--no-wait');
  await until(() => batch.answers.length === 1);
  batch.child()?.stdin?.end();
  expect(await batch.ended).toMatchObject({ code: 0 });
});

it('hears its time limit, and prints what is known first', async () => {
  const { ended } = openBatch([line('a'), line('b')], '--no-wait', '--timeout', '2');
  const outcome = await ended;
  expect(outcome.stdout.split('\n').filter(Boolean)).toHaveLength(2);
  expectFailure(outcome, 75, /stopped after line 2, before the end of the input/, /--timeout/);
});

it('hears its time limit in the wait as well, and prints which values were published', async () => {
  dns.hold();
  const { ended } = openBatch([line('a')], '--timeout', '3');
  const outcome = await ended;
  expect(JSON.parse(outcome.stdout)).toMatchObject({ ok: false, line: 1, error: { code: 'E_PROPAGATION' } });
  expect(outcome.code).toBe(75);
});

it('hears a signal, and prints what is known first', async () => {
  const batch = openBatch([line('a'), line('b')]);
  await until(() => batch.answers.length === 2);
  batch.child()?.kill('SIGTERM');
  const outcome = await batch.ended;
  expect(outcome.code).toBe(143);
  expect(outcome.stderr).toMatch(/^dns01: error: stopped by SIGTERM$/m);
  expect(batch.answers.every(({ ok }) => ok)).toBe(true);
});

it('publishes good lines although the servers of another name are silent', async () => {
  const silent = await startFakeDns({ zones: [{ name: 'example.com' }], manners: { udp: 'silent', tcp: 'silent' } });
  const servers = Array.from({ length: 8 }, () => JSON.stringify(silent.at)).join(', ');
  await here.configure(`${panels.accounts}${dns.config.replace(/(example\.com): .*/, `$1: [${servers}]`)}`);
  const lost = JSON.stringify({ action: 'add', name: '_acme-challenge.example.com', value: VALUE });
  const began = performance.now();
  const batch = openBatch([`${lost}\n`, line('a'), line('b')], '--no-wait');
  await until(() => panels.zoneid.held('_acme-challenge.b.example.ee').length === 1);
  expect(performance.now() - began).toBeLessThan(4000);
  batch.child()?.stdin?.end();
  await batch.ended;
  expect(batch.answers).toHaveLength(3);
  expect(performance.now() - began).toBeLessThan(16_000);
  await silent.close();
});
