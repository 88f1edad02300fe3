import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import definition from '../../../providers/exec/index.ts';
import { normaliseName } from '../../../src/names.ts';
import { secretSourceOf, type TxtRecord } from '../../../src/provider.ts';
import { createTestContext } from '../../support/context.ts';
import { failureOf, openScratch, type Scratch } from './support.ts';

const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
const OTHER = '-vaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';
const NAME = normaliseName('_acme-challenge.example.com');
const ZONE = normaliseName('example.com');

/** Keeps `NAME VALUE` lines in a file, each once. */
const KEEPER = (file: string) => `#!/bin/sh
touch '${file}'
grep -vxF -e "$2 $3" '${file}' >'${file}.new'
[ "$1" = present ] && printf '%s %s\\n' "$2" "$3" >>'${file}.new'
mv '${file}.new' '${file}'
`;

describe('exec', () => {
  let scratch: Scratch;
  beforeEach(async () => {
    scratch = await openScratch();
  });
  afterEach(() => scratch.remove());

  const recordOf = (value = VALUE): TxtRecord => ({ name: NAME, value, ttl: 60, zone: ZONE });

  function open(file: string, { fixed = [] as string[], env = {}, timeout = 20 } = {}) {
    const context = createTestContext();
    return { provider: definition.create({ command: { file, fixed }, env, timeout }, context), context };
  }

  async function openScript(text: string, settings = {}) {
    return open(await scratch.script('hook', `#!/bin/sh\n${text}\n`), settings);
  }

  it('speaks the contract of lego', async () => {
    const { provider } = await openScript(`printf '<%s>' "$@" >>'${scratch.path('calls')}'`, { fixed: ['--fast'] });
    expect(await provider.addTxt(recordOf())).toEqual({
      zone: 'example.com',
      changed: true,
    });
    expect(await provider.removeTxt(recordOf())).toBe('removed');
    expect(await scratch.read('calls')).toBe(
      `<--fast><present><${NAME}.><${VALUE}><--fast><cleanup><${NAME}.><${VALUE}>`,
    );
  });

  it('hands two values on, one with a dash before it, and removes the one', async () => {
    const { provider } = open(await scratch.script('keeper', KEEPER(scratch.path('kept'))));
    await provider.addTxt(recordOf(VALUE));
    await provider.addTxt(recordOf(OTHER));
    await provider.addTxt(recordOf(VALUE));
    expect((await scratch.read('kept')).trim().split('\n')).toEqual([`${NAME}. ${OTHER}`, `${NAME}. ${VALUE}`]);
    await provider.removeTxt(recordOf(VALUE));
    await provider.removeTxt(recordOf(VALUE));
    expect(await scratch.read('kept')).toBe(`${NAME}. ${OTHER}\n`);
  });

  it('gives its secrets in the environment and nowhere else', async () => {
    const env = { TOKEN: 'sup3r-s3cret' };
    const { provider, context } = await openScript(
      `tr '\\0' ' ' </proc/$$/cmdline >'${scratch.path('cmdline')}'; echo "no: $TOKEN" >&2; exit 1`,
      { env },
    );
    const failure = await failureOf(provider.addTxt(recordOf()));
    expect(failure.message).toMatch(/failed \(exit code 1\): no: \*\*\*$/);
    const cmdline = await scratch.read('cmdline');
    expect(cmdline).toContain(VALUE);
    expect([cmdline, failure.message, failure.stack, ...context.lines].join('\n')).not.toContain(env.TOKEN);
  });

  it.each([
    [1, 'E_REJECTED', 'failed', true],
    [65, 'E_REJECTED', 'refused', false],
    [68, 'E_ZONE', 'no zone', false],
    [75, 'E_REMOTE', 'for now', true],
    [77, 'E_AUTH', 'not allowed', false],
    [78, 'E_CONFIG', 'not configured correctly', false],
    [127, 'E_REJECTED', 'failed', true],
  ])('understands exit code %d', async (exitCode, code, message, outcomeUnknown) => {
    const { provider } = await openScript(`echo before >&2; echo because >&2; exit ${exitCode}`);
    for (const failure of [
      await failureOf(provider.addTxt(recordOf())),
      await failureOf(provider.removeTxt(recordOf())),
    ]) {
      expect(failure).toMatchObject({ code, outcomeUnknown, message: expect.stringContaining(message) });
      expect(failure.message).toMatch(
        new RegExp(`^${scratch.path('hook')} (present|cleanup): .*\\(exit code ${exitCode}\\): because$`),
      );
      expect(failure.hint).toBeDefined();
    }
  });

  it('says so without a colon where the program said nothing', async () => {
    const { provider } = await openScript('exit 65');
    expect((await failureOf(provider.addTxt(recordOf()))).message).toMatch(/\(exit code 65\)$/);
  });

  it('is stopped after its timeout, in seconds', async () => {
    const { provider } = await openScript('exec sleep 1000', { timeout: 0.3 });
    const failure = await failureOf(provider.addTxt(recordOf()));
    expect(failure).toMatchObject({
      code: 'E_REMOTE',
      outcomeUnknown: true,
      message: expect.stringContaining('within 0.3 s'),
    });
  });

  it('says that it cannot list', async () => {
    const { provider } = await openScript('exit 0');
    expect(await failureOf(provider.listTxt(NAME, ZONE))).toMatchObject({
      code: 'E_REJECTED',
      hint: expect.stringContaining('dig'),
    });
  });
});

describe('the program of an exec account', () => {
  it.each([
    ['can be run', 'hook', 0o755, true],
    ['cannot be run', 'hook', 0o644, false],
    ['is not there', 'other', 0o755, false],
  ])('is looked for, and not run: it %s', async (_what, name, mode, held) => {
    const scratch = await openScratch();
    await scratch.script('hook', `#!/bin/sh\ntouch '${scratch.path('ran')}'\n`, mode);
    const command = { file: scratch.path(name), fixed: [] };
    const provider = definition.create({ command, timeout: 1 }, createTestContext());
    expect(await provider.checkRights?.()).toMatchObject([{ right: `run ${command.file}`, held }]);
    await expect(scratch.read('ran')).rejects.toThrow('ENOENT');
    await scratch.remove();
  });
});

describe('the options of an exec account', () => {
  const parse = (options: unknown) => z.safeParse(definition.options, options);

  it('are a path, or a list of it and arguments', () => {
    expect(parse({ command: '/opt/hook' }).data).toEqual({ command: { file: '/opt/hook', fixed: [] }, timeout: 120 });
    expect(parse({ command: ['/opt/hook', '-q', ''] }).data?.command).toEqual({ file: '/opt/hook', fixed: ['-q', ''] });
  });

  it('take secrets for the environment', () => {
    const { data } = parse({ command: '/opt/hook', env: { TOKEN: { file: '/etc/token' } }, timeout: 5 });
    expect(secretSourceOf(data?.env?.['TOKEN'])).toEqual({ file: '/etc/token' });
  });

  it.each([
    [{}],
    [{ command: 'hook' }],
    [{ command: './hook' }],
    [{ command: '/opt/hook/' }],
    [{ command: '' }],
    [{ command: [] }],
    [{ command: ['hook'] }],
    [{ command: '/opt/hook\0' }],
    [{ command: ['/opt/hook', 'a\0'] }],
    [{ command: ['/opt/hook', 1] }],
    [{ command: '/opt/hook', env: { 'A B': 'x' } }],
    [{ command: '/opt/hook', env: { A: '' } }],
    [{ command: '/opt/hook', timeout: 0 }],
    [{ command: '/opt/hook', shell: true }],
  ])('are refused: %j', (options) => {
    expect(parse(options).success).toBe(false);
  });
});
