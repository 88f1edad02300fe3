import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../../../src/process/run-command.ts';
import type { Command } from '../../../src/provider.ts';
import { ended, failureOf, openScratch, type Scratch } from './support.ts';

describe('a program that is run', () => {
  let scratch: Scratch;
  const lines: string[] = [];
  beforeEach(async () => {
    scratch = await openScratch();
    lines.length = 0;
  });
  afterEach(() => scratch.remove());

  interface Wishes extends Partial<Command> {
    readonly env?: Record<string, string>;
    readonly parent?: Record<string, string | undefined>;
    readonly signal?: AbortSignal;
  }

  /** Runs a script of these lines. */
  async function run(text: string, { parent = process.env, signal, ...overrides }: Wishes = {}) {
    const file = await scratch.script('program', `#!/bin/sh\n${text}\n`);
    return runCommand(
      { call: 'program', file, args: [], timeoutMs: 20_000, ...overrides },
      {
        env: parent,
        signal: signal ?? new AbortController().signal,
        log: { debug: (message, fields) => void lines.push(message, JSON.stringify(fields)), warn: () => {} },
      },
    );
  }

  it('gives its exit code, its output and the last line of what it complained of', async () => {
    expect(await run('echo out; echo first >&2; echo second >&2; echo >&2; exit 3')).toEqual({
      exitCode: 3,
      stdout: 'out\n',
      complaint: 'second',
      complaints: ['first', 'second'],
    });
  });

  it('gets its arguments as they are, without a shell', async () => {
    const args = ['-e', '$HOME', 'a b', '', '*', "'", '; exit 9'];
    const { stdout } = await run('for arg; do printf "<%s>" "$arg"; done', { args });
    expect(stdout).toBe(args.map((arg) => `<${arg}>`).join(''));
  });

  it('sees of the environment PATH, HOME and LANG and what it is given', async () => {
    const parent = { PATH: '/usr/bin:/bin', HOME: '/home/me', LANG: 'et_EE.UTF-8', SECRET: 'x', LD_PRELOAD: '/x.so' };
    const { stdout } = await run('', { file: '/usr/bin/env', parent, env: { A: '1' }, secrets: { B: '2' } });
    expect(stdout.trim().split('\n').sort()).toEqual([
      'A=1',
      'B=2',
      'HOME=/home/me',
      'LANG=et_EE.UTF-8',
      'PATH=/usr/bin:/bin',
    ]);
  });

  it('has a PATH, a HOME and a LANG where cron gave none', async () => {
    const { stdout } = await run('', { file: '/usr/bin/env', parent: {} });
    expect(stdout).toMatch(/^PATH=.*\/usr\/bin/m);
    expect(stdout).toMatch(/^HOME=\//m);
    expect(stdout).toMatch(/^LANG=C\.UTF-8$/m);
  });

  it('can have a PATH of its own', async () => {
    expect((await run('echo "$PATH"', { env: { PATH: '/opt/bin' } })).stdout).toBe('/opt/bin\n');
  });

  it('finds nothing on stdin and stands in the root directory', async () => {
    expect((await run('cat; pwd')).stdout).toBe('/\n');
  });

  it('may say what it likes: the last 64 KiB of each output are kept', async () => {
    const flood =
      'i=0; while [ $i -lt 3000 ]; do printf "%01000d" $i; printf "%01000d" $i >&2; i=$((i+1)); done; echo end; echo end >&2';
    const { stdout, complaint } = await run(flood);
    expect(Buffer.byteLength(stdout)).toBe(65_536);
    expect(stdout.endsWith('2999end\n')).toBe(true);
    expect(complaint.length).toBeLessThanOrEqual(200);
  });

  it('may say bytes that are no text', async () => {
    const { complaint } = await run(String.raw`printf 'bad \377\033[31mred\007\n' >&2`);
    expect(complaint).toBe('bad \ufffd?[31mred?');
  });

  it('has its secrets blanked out of what it complains of and of what is logged', async () => {
    const secrets = { TOKEN: 'sup3r/s+cret' };
    const { complaint } = await run('echo "out $TOKEN"; echo "denied for $TOKEN" >&2', { secrets });
    expect(complaint).toBe('denied for ***');
    expect(lines.join()).toContain('denied for ***');
    expect(lines.join()).not.toContain(secrets.TOKEN);
  });

  it('is stopped with everything it started when its time is up', async () => {
    const text = `echo $$ >'${scratch.path('leader')}'; sleep 1000 & echo $! >'${scratch.path('child')}'; wait`;
    const failure = await failureOf(run(text, { timeoutMs: 1000 }));
    expect(failure).toMatchObject({
      code: 'E_REMOTE',
      outcomeUnknown: true,
      message: 'program: did not end within 1 s and was stopped',
    });
    expect(failure.hint).toContain('timeout in the account');
    await ended(Number(await scratch.appeared('leader')));
    await ended(Number(await scratch.appeared('child')));
  });

  it('is killed when it does not listen', async () => {
    const text = `trap '' TERM; echo $$ >'${scratch.path('leader')}'; while :; do sleep 0.1; done`;
    expect(await failureOf(run(text, { timeoutMs: 1000 }))).toMatchObject({ code: 'E_REMOTE', outcomeUnknown: true });
    await ended(Number(await scratch.appeared('leader')));
  });

  it('leaves nobody behind who did not listen', async () => {
    const deaf = `(trap '' TERM; exec sleep 1000) & echo $! >'${scratch.path('child')}'; wait`;
    await failureOf(run(deaf, { timeoutMs: 1000 }));
    await ended(Number(await scratch.appeared('child')));
  });

  it('is stopped when the verb is', async () => {
    const stop = new AbortController();
    const running = failureOf(run(`echo $$ >'${scratch.path('leader')}'; exec sleep 1000`, { signal: stop.signal }));
    const pid = Number(await scratch.appeared('leader'));
    stop.abort();
    expect(await running).toMatchObject({
      code: 'E_REMOTE',
      outcomeUnknown: true,
      hint: expect.stringContaining('--timeout'),
    });
    await ended(pid);
  });

  it('is not started when the verb has ended', async () => {
    const failure = await failureOf(run(`echo x >'${scratch.path('ran')}'`, { signal: AbortSignal.abort() }));
    expect(failure).toMatchObject({ code: 'E_REMOTE', outcomeUnknown: false });
    await expect(scratch.read('ran')).rejects.toThrow('ENOENT');
  });

  it('may leave a daemon behind that holds its outputs, and is not waited for on its account', async () => {
    const { exitCode, stdout } = await run(`sleep 1000 & echo $! >'${scratch.path('daemon')}'; echo done`);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'done\n' });
    const pid = Number(await scratch.appeared('daemon'));
    process.kill(pid);
    await ended(pid);
  });

  it('that dies of a signal did nobody knows what', async () => {
    expect(await failureOf(run('kill -SEGV $$'))).toMatchObject({
      code: 'E_REMOTE',
      outcomeUnknown: true,
      message: 'program: died of SIGSEGV',
    });
  });

  it.each([0o775, 0o757, 0o777])('is refused where others can write it: %o', async (mode) => {
    const file = await scratch.script('open', '#!/bin/sh\n', mode);
    const failure = await failureOf(run('', { file }));
    expect(failure).toMatchObject({ code: 'E_CONFIG', message: expect.stringContaining(file) });
    expect(failure.hint).toBe(`chmod go-w ${file}`);
  });

  it('is refused where others can write what it will run', async () => {
    const open = await scratch.script('open', '', 0o666);
    expect(await failureOf(run('', { sources: [open] }))).toMatchObject({
      code: 'E_CONFIG',
      message: expect.stringContaining(open),
    });
  });

  it.each([
    ['is not there', async () => scratch.path('nobody'), 'it is not there', 'path'],
    ['is not executable', () => scratch.script('plain', '#!/bin/sh\n', 0o644), 'EACCES', 'chmod u+x'],
    ['has an unknown interpreter', () => scratch.script('odd', '#!/no/such/shell\n'), 'ENOENT', 'first line'],
    ['is a directory', async () => scratch.directory, 'not a regular file', undefined],
  ])('is told when it %s', async (_what, place, message, hint) => {
    const failure = await failureOf(run('', { file: await place() }));
    expect(failure).toMatchObject({
      code: 'E_CONFIG',
      outcomeUnknown: false,
      message: expect.stringContaining(message),
    });
    if (hint) expect(failure.hint).toContain(hint);
  });

  it('is told when its environment is too big for the system', async () => {
    const failure = await failureOf(run('', { secrets: { TOKEN: 'x'.repeat(200_000) } }));
    expect(failure).toMatchObject({ code: 'E_CONFIG', message: expect.stringContaining('E2BIG') });
  });
});
