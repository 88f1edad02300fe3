import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OTHER_VALUE, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { openNameserver, type TestNameserver } from '../support/nameserver.ts';
import { type Panels, startPanels } from '../support/panels.ts';
import { inTerminal } from '../support/terminal.ts';

const NAME = '_acme-challenge.example.com';
const ESCAPE = '\u001b';

let panels: Panels;
let here: Workplace;
let dns: TestNameserver;
let env: Record<string, string>;
beforeEach(async () => {
  dns = await openNameserver(['example.com']);
  here = await openWorkplace();
  panels = await startPanels({});
  const config = await here.configure(
    `${panels.accounts}${dns.config}  resolvers: ["127.0.0.1:1"]\npropagation: { timeout: 2, interval: 0.1 }\n`,
  );
  env = { DNS01_CONFIG: config, DNS01_STATE_DIR: here.stateDirectory };
});
afterEach(() => Promise.all([panels.close(), here.remove(), dns.close()]));

describe.each([80, 40])('a terminal of %d columns', (columns) => {
  it('shows how long a wait takes, how many servers show the value and which does not', async () => {
    const { code, bytes, lines } = await inTerminal(['wait-txt', NAME, VALUE], { columns, env });
    expect(code).toBe(75);
    const waits = lines.filter((line) => line.includes(' left'));
    const [first = ''] = waits;
    const times = /\d s, [12] s left/;
    expect(first).toMatch(times);
    expect(first).toMatch(
      columns === 80 ? /^dns01: waiting .* \[-{10}\] 0 of 1 show it, not 127\.0/ : /, 0\/1, not 127\./,
    );
    for (const line of waits) expect(line.length).toBeLessThan(columns);
    // It is gone before the error comes.
    expect(bytes).toMatch(/\r\u001b\[K(?:\r\u001b\[K)*dns01: \u001b\[1m\u001b\[31merror:/);
    expect(bytes).toContain(`${ESCAPE}[36mhint:`);
  });

  it('shows the findings of doctor with their marks and wraps them between words', async () => {
    const { bytes, lines } = await inTerminal(['doctor', '--account', 'panel'], { columns, env });
    expect(bytes).toMatch(columns === 80 ? /\u001b\[32mok {10}\u001b\[39m/ : /\u001b\[32mok {3}\u001b\[39m/);
    const findings = lines.filter((line) => !line.startsWith('dns01:'));
    expect(findings.some((line) => line.startsWith(columns === 80 ? ' '.repeat(12) : ' '.repeat(5)))).toBe(true);
    const tooLong = findings.filter((line) => line.length > columns && line.trim().includes(' '));
    expect(tooLong.filter((line) => line.trim().split(/ +/).length > 2)).toEqual([]);
  });

  it('shows how many lines of a batch are done, how fast and for how long', async () => {
    const input = join(here.directory, 'lines');
    const lines = Array.from({ length: 40 }, (_, index) =>
      JSON.stringify({ action: 'add', name: `_acme-challenge.h${index}.example.com`, value: VALUE }),
    );
    await writeFile(input, `${lines.join('\n')}\n`);
    const outcome = await inTerminal(['batch', '--no-wait'], { columns, env, input });
    expect(outcome.code).toBe(0);
    const counts = outcome.lines.filter((line) => / of 40 done/.test(line));
    expect(counts.length).toBeGreaterThan(0);
    for (const line of counts) expect(line.length).toBeLessThan(columns);
    const swept = await inTerminal(['sweep', '--older-than', '0s'], { columns, env });
    expect(swept.code).toBe(0);
    expect(swept.bytes).toContain(' of 40 done');
    expect(swept.lines.filter((line) => line.startsWith('removed  _acme-challenge.h'))).toHaveLength(40);
  });

  it('wraps messages between words, and rows between their columns', async () => {
    const args = ['add-txt', '--no-wait', '--account', 'panel', NAME, OTHER_VALUE];
    expect((await inTerminal(args, { columns, env })).code).toBe(0);
    const { lines } = await inTerminal(['status'], { columns, env });
    expect(lines[0]).toBe(`published  ${NAME}`);
    expect(lines[1]).toMatch(columns === 80 ? /^ {11}evaGx\S{38} {2}panel$/ : /^ {2}evaGx\S{38}$/);
    const unknown = await inTerminal(['add-txt', '--account', 'nobody', NAME, 'x'], { columns, env });
    expect(unknown.lines.join(' ').replaceAll(/ +/g, ' ')).toContain('43 characters of base64url');
    for (const line of unknown.lines.filter((line) => line.length > columns)) expect(line.trim()).not.toContain(' ');
  });

  it('has room for the ^C of somebody who has enough', async () => {
    const { lines } = await inTerminal(['wait-txt', NAME, VALUE], { columns, env });
    for (const line of lines.filter((line) => line.includes(' left'))) expect(line.length).toBeLessThan(columns - 2);
  });
});

describe('colours', () => {
  it.each([
    ['NO_COLOR', { NO_COLOR: '1' }, false],
    ['a dumb terminal', { TERM: 'dumb' }, false],
    ['FORCE_COLOR=0', { FORCE_COLOR: '0' }, false],
    ['FORCE_COLOR on a dumb terminal', { TERM: 'dumb', FORCE_COLOR: '1' }, true],
  ])('follow %s', async (_, settings, isColoured) => {
    const { bytes } = await inTerminal(['remove-txt', '--account', 'nobody', NAME, OTHER_VALUE], {
      columns: 80,
      env: { ...env, ...settings },
    });
    expect(bytes).toContain('error:');
    expect(/\u001b\[[\d;]*m/.test(bytes)).toBe(isColoured);
  });

  it('are not sent where there is no terminal, and are with FORCE_COLOR', async () => {
    const plain = await here.run(['doctor', '--account', 'panel']);
    expect(plain.stdout + plain.stderr).not.toContain(ESCAPE);
    expect(plain.stdout).toMatch(/^ok {10}/m);
    const forced = await here.run(['doctor', '--account', 'panel'], { env: { FORCE_COLOR: '1' } });
    expect(forced.stdout.replace(/\u001b\[\d+m/g, '').replace(/\d+ of 60/, '')).toBe(
      plain.stdout.replace(/\d+ of 60/, ''),
    );
    expect(forced.stdout).toContain(`${ESCAPE}[32mok`);
  });
});

describe('--verbose', () => {
  it('shows a line for each request and DNS query with its milliseconds, in text', async () => {
    await here.configure(`${panels.accounts}${dns.config}propagation: { timeout: 0.3, interval: 0.1 }\n`);
    const { code, stderr } = await here.run(['add-txt', '--verbose', NAME, VALUE]);
    expect(code).toBe(75);
    expect(stderr).toMatch(/^dns01: http POST http\S+: dns_txt_add, status 200, \d+ ms \(account panel\)$/m);
    expect(stderr).toMatch(
      /^dns01: dns udp 127\.0\.0\.1:\d+: TXT _acme-challenge\.example\.com: \w+, 0 records, \d+ ms$/m,
    );
    expect(stderr).not.toMatch(/^\s+at |[{}]/m);
    for (const line of stderr.trim().split('\n')) expect(line).toMatch(/^dns01: /);
  });

  it('shows the same as JSON to a program, by option or variable', async () => {
    await here.configure(`${panels.accounts}${dns.config}propagation: { timeout: 0.3, interval: 0.1 }\n`);
    const option = await here.run(['wait-txt', '--verbose', '--log-format', 'json', NAME, VALUE]);
    const variable = await here.run(['--verbose', 'wait-txt', NAME, VALUE], { env: { DNS01_LOG_FORMAT: 'json' } });
    for (const { code, stderr } of [option, variable]) {
      expect(code).toBe(75);
      const lines = stderr
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(lines).toContainEqual(
        expect.objectContaining({ msg: 'dns', type: 'TXT', transport: 'udp', ms: expect.any(Number) }),
      );
      expect(lines.at(-1)).toMatchObject({ level: 50, code: 'E_PROPAGATION', hint: expect.any(String) });
    }
  });

  it('is JSON in usage errors too', async () => {
    const { code, stderr } = await here.run(['zones', '--log-format', 'json', '--nonsense']);
    expect(code).toBe(64);
    expect(JSON.parse(stderr)).toMatchObject({ level: 50, code: 'E_USAGE' });
  });

  it('takes no other form', async () => {
    const { code, stderr } = await here.run(['zones', '--log-format', 'xml']);
    expect(code).toBe(64);
    expect(stderr).toContain('--log-format and DNS01_LOG_FORMAT take text or json');
  });
});
