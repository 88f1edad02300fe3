import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import definition from '../../../providers/acmesh/index.ts';
import { startDeadline } from '../../../src/deadline.ts';
import { normaliseName } from '../../../src/names.ts';
import { type ProviderContext, secretSourceOf, type TxtRecord } from '../../../src/provider.ts';
import { createTestContext } from '../../support/context.ts';
import { failureOf, openScratch, type Scratch } from '../exec/support.ts';
import { FILE_SCRIPT, STAND_IN } from './stand-in.ts';

const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
const OTHER = '-vaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';
const NAME = normaliseName('_acme-challenge.www.example.com');
const ZONE = normaliseName('example.com');
const SHELLS = ['/bin/sh', '/bin/dash', '/bin/bash'].filter((shell) => existsSync(shell));

describe.each(SHELLS)('a dnsapi script in %s', (shell) => {
  let scratch: Scratch;
  let home: string;
  let temporary: string;
  beforeEach(async () => {
    scratch = await openScratch();
    home = scratch.path('acme');
    temporary = scratch.path('tmp');
    await mkdir(join(home, 'dnsapi'), { recursive: true });
    await mkdir(temporary);
    vi.stubEnv('TMPDIR', temporary);
    await scratch.script('acme/acme.sh', STAND_IN);
    await scratch.script('acme/dnsapi/dns_file.sh', FILE_SCRIPT);
    await scratch.script('acme/account.conf', "SAVED_FILE_Token='not yours'\n", 0o600);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await scratch.remove();
  });

  const recordOf = (value = VALUE): TxtRecord => ({ name: NAME, value, ttl: 60, zone: ZONE });
  const records = async () => (await scratch.read('records')).trim().split('\n').filter(Boolean);

  interface Settings {
    readonly script?: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly timeout?: number;
    readonly seenInDns?: ProviderContext['seenInDns'];
  }

  function open({ script = 'dns_file', env = {}, timeout = 20, seenInDns }: Settings = {}) {
    const deadline = startDeadline(20_000);
    const context = createTestContext({
      deadline: { ...deadline, sleep: async () => {} },
      dataDirectory: scratch.path('data'),
      ...(seenInDns && { seenInDns }),
    });
    const credentials = { FILE_Token: 'right', FILE_Records: scratch.path('records'), ...env };
    return { provider: definition.create({ script, home, env: credentials, shell, timeout }, context), context };
  }

  const withScript = (text: string, settings: Settings = {}) =>
    scratch.script('acme/dnsapi/dns_mine.sh', text).then(() => open({ script: 'dns_mine', ...settings }));

  it('adds, beside another value, and removes', async () => {
    const { provider } = open();
    expect(await provider.addTxt(recordOf())).toEqual({
      zone: 'example.com',
      changed: true,
    });
    await provider.addTxt(recordOf(OTHER));
    expect(await records()).toEqual([`${NAME} ${VALUE}`, `${NAME} ${OTHER}`]);
    expect(await provider.removeTxt(recordOf())).toBe('removed');
    expect(await records()).toEqual([`${NAME} ${OTHER}`]);
  });

  it('writes nothing that stays: neither in the home of acme.sh nor in the temporary directory', async () => {
    await open().provider.addTxt(recordOf());
    expect(await scratch.read('acme/account.conf')).toBe("SAVED_FILE_Token='not yours'\n");
    expect((await readdir(home)).sort()).toEqual(['account.conf', 'acme.sh', 'dnsapi']);
    expect(await readdir(temporary)).toEqual([]);
    await failureOf(open({ env: { FILE_Token: 'wrong' } }).provider.addTxt(recordOf()));
    expect(await readdir(temporary)).toEqual([]);
  });

  it('keeps what it saves from other users', async () => {
    const { provider } = await withScript(
      `dns_mine_add() { _saveaccountconf A b; ls -l "$ACCOUNT_CONF_PATH" >'${scratch.path('listing')}'; ls -ld "$LE_CONFIG_HOME" >>'${scratch.path('listing')}'; }`,
    );
    await provider.addTxt(recordOf());
    expect(await scratch.read('listing')).toMatch(/^-rw------- .*\ndrwx------ /);
  });

  it('does not take the credentials that acme.sh has saved', async () => {
    const failure = await failureOf(open({ env: { FILE_Token: '' } }).provider.addTxt(recordOf()));
    expect(failure).toMatchObject({ code: 'E_CONFIG', outcomeUnknown: false });
    expect(failure.message).toBe("dns_file_add: failed (exit code 1): You didn't specify FILE_Token yet.");
    expect(failure.hint).toContain('env of the account');
  });

  it.each([
    ["You haven't specifed the api key id yet.|Please create your key and try again.", 'E_CONFIG', 'specifed'],
    ["You didn't specify credentials.|Please export X_User and X_Password.", 'E_CONFIG', 'export X_User'],
    ['X_USERNAME and X_PASSWORD must be set', 'E_CONFIG', 'must be set'],
    ['You have not set the API token yet.', 'E_CONFIG', 'not set'],
    ['No Credentials given', 'E_CONFIG', 'given'],
    ['Create your key and export it as X_KEY', 'E_CONFIG', 'X_KEY'],
    ['Could not set the record', 'E_REJECTED', 'set'],
    ['The token abc is wrong.', 'E_AUTH', 'is wrong'],
    ['Login failed for user|Error add txt for domain', 'E_AUTH', 'Login failed'],
    ['{"status":401,"title":"Unauthorized"}|invalid domain', 'E_AUTH', 'Unauthorized'],
    ['invalid domain', 'E_REJECTED', 'invalid domain'],
    ['Add txt record error.|Please check the log.', 'E_REJECTED', 'Add txt record error.'],
  ])('says why it failed by the line that tells it: %s', async (said, code, line) => {
    const lines = said.split('|').map((text) => `_err '${text.replaceAll("'", String.raw`'\''`)}'`);
    const { provider } = await withScript(`dns_mine_add() { ${lines.join('; ')}; return 1; }`);
    const failure = await failureOf(provider.addTxt(recordOf()));
    expect(failure).toMatchObject({ code, message: expect.stringContaining(line) });
    expect(failure.outcomeUnknown).toBe(code === 'E_REJECTED');
  });

  it('has its credentials in the environment, and neither in arguments nor in errors nor in the log', async () => {
    const token = 'sup3r-s3cret';
    const { provider, context } = await withScript(
      `dns_mine_rm() { tr '\\0' ' ' </proc/$$/cmdline >'${scratch.path('cmdline')}'; _info "$FILE_Token"; _err "no: $FILE_Token"; }`,
      { env: { FILE_Token: token } },
    );
    const failure = await failureOf(provider.removeTxt(recordOf()));
    expect(failure.message).toBe('dns_mine_rm: failed (exit code 1): no: ***');
    const cmdline = await scratch.read('cmdline');
    expect(cmdline).toContain(VALUE);
    expect([cmdline, failure.stack, ...context.lines].join('\n')).not.toContain(token);
    expect(context.lines.join('\n')).toContain('no: ***');
  });

  describe('that saves something between add and rm', () => {
    const kept = () => readdir(scratch.path('data')).catch(() => []);
    const inDns = async (_name: string, value: string) =>
      (await scratch.read('records').catch(() => '')).includes(`${NAME} ${value}`);
    const RECORDS = "records='@records@'";
    const scriptOf = (text: string) => `${RECORDS}\n${text}`.replaceAll('@records@', scratch.path('records'));

    /** It removes by the ids that it saved, and says that all is well where it has none. */
    const BY_SAVED_ID = `
dns_mine_add() {
  echo "$1 $2" >>"$records"
  _ids=$(_readdomainconf MINE_IDS)
  _savedomainconf MINE_IDS "\${_ids:+$_ids,}$(grep -n -F -- "$2" "$records" | cut -d: -f1)"
}
dns_mine_rm() {
  _ids=$(_readdomainconf MINE_IDS)
  [ "$_ids" ] || { _err "Not rid skip"; return 0; }
  grep -v -F -- "$2" "$records" >"$records.new"
  mv "$records.new" "$records"
}
`;
    /** It keeps the id in a variable of the shell. */
    const BY_VARIABLE = `
dns_mine_add() { echo "$1 $2" >>"$records"; _MINE_TXT_ID_0a1b=4711; }
dns_mine_rm() {
  [ "$_MINE_TXT_ID_0a1b" = 4711 ] || { _err "No cached record id found for cleanup."; return 1; }
  grep -v -F -- "$2" "$records" >"$records.new"
  mv "$records.new" "$records"
}
`;
    it.each([
      ['in the file of the domain', BY_SAVED_ID],
      ['in a variable', BY_VARIABLE],
    ])('finds it there: %s', async (_where, text) => {
      const settings = { seenInDns: inDns };
      await (await withScript(scriptOf(text), settings)).provider.addTxt(recordOf());
      expect(await records()).toEqual([`${NAME} ${VALUE}`]);
      expect(await open({ script: 'dns_mine', ...settings }).provider.removeTxt(recordOf())).toBe('removed');
      expect(await records()).toEqual([]);
      expect(await kept()).toEqual([]);
    });

    it('finds at the second value of a name which place the first one took', async () => {
      const text = `dns_mine_add() { _last=$(_readdomainconf LAST); _savedomainconf LAST "$2"; echo "$_last then $2" >>"$records"; }`;
      const { provider } = await withScript(scriptOf(text));
      await provider.addTxt(recordOf());
      await provider.addTxt(recordOf(OTHER));
      expect(await records()).toEqual(
        [`then ${VALUE}`, `${VALUE} then ${OTHER}`].map((line) => expect.stringContaining(line)),
      );
    });

    it('keeps it for itself alone, without its credentials', async () => {
      const token = 'sup3r-s3cret-token';
      const text = `dns_mine_add() {
  _saveaccountconf_mutable FILE_Token "$FILE_Token"; _savedomainconf Basic "$(printf %s "$FILE_Token" | _base64)"
  _saveaccountconf Region north; _savedomainconf Id 4711
}`;
      const { provider } = await withScript(text, { env: { FILE_Token: token } });
      await provider.addTxt(recordOf());
      const directory = join(scratch.path('data'), NAME);
      expect((await stat(directory)).mode & 0o777).toBe(0o700);
      const texts: string[] = [];
      for (const file of await readdir(directory)) {
        expect((await stat(join(directory, file))).mode & 0o777, file).toBe(0o600);
        texts.push(await scratch.read(`data/${NAME}/${file}`));
      }
      expect(texts.join('\n')).toContain("Region='north'");
      expect(texts.join('\n')).toContain("Id='4711'");
      expect(texts.join('\n')).not.toContain(token);
      expect(texts.join('\n')).not.toContain(Buffer.from(token).toString('base64'));
    });

    it('keeps it for every value of the name until the DNS shows that it is gone', async () => {
      const { provider } = open({ seenInDns: inDns });
      await provider.addTxt(recordOf());
      await provider.addTxt(recordOf(OTHER));
      await provider.removeTxt(recordOf());
      expect(await kept()).toEqual([NAME]);
      await provider.removeTxt(recordOf(OTHER));
      expect(await kept()).toEqual([]);
    });

    it('keeps it where the DNS cannot be asked, and believes the script', async () => {
      const { provider } = open();
      await provider.addTxt(recordOf());
      expect(await provider.removeTxt(recordOf())).toBe('removed');
      expect(await kept()).toEqual([NAME]);
    });

    it('forgets it where the script did nothing', async () => {
      await failureOf(open({ env: { FILE_Token: '' } }).provider.addTxt(recordOf()));
      expect(await kept()).toEqual([]);
    });
  });

  it('is not believed that it removed a value that the name servers still show', async () => {
    const { provider } = await withScript('dns_mine_rm() { _info "not supported"; }', { seenInDns: async () => true });
    expect(await failureOf(provider.removeTxt(recordOf()))).toMatchObject({
      code: 'E_REMOTE',
      outcomeUnknown: true,
      message: expect.stringContaining('still has the value'),
      hint: expect.stringContaining('dns01 sweep'),
    });
  });

  it('is not called a second time to remove what is gone meanwhile', async () => {
    let isThere = true;
    const settings = { seenInDns: async () => isThere };
    const { provider } = await withScript(
      `dns_mine_rm() { [ ! -f '${scratch.path('once')}' ] || return 1; touch '${scratch.path('once')}'; }`,
      settings,
    );
    await failureOf(provider.removeTxt(recordOf()));
    isThere = false;
    expect(await provider.removeTxt(recordOf())).toBe('removed');
  });

  it('is looked for, with its functions, without being run', async () => {
    const held = async (settings: Settings) =>
      (await open(settings).provider.checkRights?.())?.map((check) => check.held);
    expect(await held({})).toEqual([true, true, true, true, true]);
    await withScript('touch /dev/null/never\nfunction dns_mine_add() { :; }\ndns_mine_remove() { :; }');
    expect(await held({ script: 'dns_mine' })).toEqual([true, true, true, true, false]);
    expect(await held({ script: 'dns_nobody' })).toEqual([true, true, false]);
    home = scratch.directory;
    expect((await held({}))?.slice(0, 2)).toEqual([true, false]);
  });

  it('finds what acme.sh has set up for it', async () => {
    const shown = '$LE_WORKING_DIR|$_SCRIPT_HOME|$USER_AGENT|$(dirname "$HTTP_HEADER")|$(dirname "$(mktemp)")|$#|$1';
    const { provider } = await withScript(`dns_mine_add() { echo "${shown}" >'${scratch.path('shown')}'; }`);
    await provider.addTxt(recordOf());
    const [working, script, agent, header, made, count, first] = (await scratch.read('shown')).trim().split('|');
    expect([working, script, agent, count, first]).toEqual([home, home, 'dns01', '2', NAME]);
    expect(header).toBe(made);
    expect(made?.startsWith(join(temporary, 'dns01-acmesh-'))).toBe(true);
  });

  it('is found in the home itself as well', async () => {
    await scratch.script('acme/dns_own.sh', `dns_own_add() { echo "$2" >'${scratch.path('own')}'; }`);
    await open({ script: 'dns_own' }).provider.addTxt(recordOf(OTHER));
    expect(await scratch.read('own')).toBe(`${OTHER}\n`);
  });

  it('is stopped when its time is up', async () => {
    const { provider } = await withScript('dns_mine_add() { sleep 1000; }', { timeout: 0.5 });
    expect(await failureOf(provider.addTxt(recordOf()))).toMatchObject({ code: 'E_REMOTE', outcomeUnknown: true });
    expect(await readdir(temporary)).toEqual([]);
  });

  it('that cannot be read is told', async () => {
    const { provider } = await withScript('dns_mine_add() { if }\n');
    const failure = await failureOf(provider.addTxt(recordOf()));
    expect(failure.hint).toContain('shell: /bin/bash');
    expect(failure.message).toMatch(/^dns_mine_add: .+dns_mine\.sh: /);
  });

  it.each([
    ['ends with an error', 'dns_mine_add() { :; }\nfalse', 'cannot be read', 'bash'],
    ['has not the function', 'dns_mine_rm() { :; }', 'has no function of that name', 'complete'],
  ])('that %s is told', async (_what, text, message, hint) => {
    const { provider } = await withScript(text);
    const failure = await failureOf(provider.addTxt(recordOf()));
    expect(failure).toMatchObject({
      code: 'E_CONFIG',
      outcomeUnknown: false,
      message: expect.stringContaining(message),
    });
    expect(failure.hint).toContain(hint);
  });

  it('is not run where acme.sh is broken', async () => {
    await scratch.script('acme/acme.sh', `${STAND_IN}false\n`);
    expect(await failureOf(open().provider.addTxt(recordOf()))).toMatchObject({
      code: 'E_CONFIG',
      message: expect.stringContaining('acme.sh cannot be read by the shell'),
    });
  });

  it('says that it cannot list', async () => {
    expect(await failureOf(open().provider.listTxt(NAME, ZONE))).toMatchObject({ code: 'E_REJECTED' });
  });

  it.each(['acme.sh', 'dnsapi/dns_file.sh'])('is refused where others can write %s', async (file) => {
    await chmod(join(home, file), 0o777);
    expect(await failureOf(open().provider.addTxt(recordOf()))).toMatchObject({
      code: 'E_CONFIG',
      message: expect.stringContaining(join(home, file)),
    });
    expect(await readdir(temporary)).toEqual([]);
  });

  it('is told where it was looked for', async () => {
    const failure = await failureOf(open({ script: 'dns_nobody' }).provider.addTxt(recordOf()));
    expect(failure).toMatchObject({ code: 'E_CONFIG', message: expect.stringContaining('dnsapi/dns_nobody.sh') });
    expect(failure.hint).toContain(`ls ${home}/dnsapi`);
    home = scratch.directory;
    expect(await failureOf(open().provider.addTxt(recordOf()))).toMatchObject({
      code: 'E_CONFIG',
      message: `there is no acme.sh in ${home}`,
    });
  });
});

describe('the options of an acmesh account', () => {
  const parse = (options: unknown) => z.safeParse(definition.options, options);

  it('need no more than a script', () => {
    expect(parse({ script: 'dns_cf' }).data).toEqual({ script: 'dns_cf', shell: '/bin/sh', timeout: 300 });
    const { data } = parse({ script: 'dns_cf', env: { CF_Token: { env: 'T' } } });
    expect(secretSourceOf(data?.env?.['CF_Token'])).toEqual({ env: 'T' });
  });

  it('know where acme.sh is installed', async () => {
    const scratch = await openScratch();
    vi.stubEnv('HOME', scratch.directory);
    const provider = definition.create({ script: 'dns_cf', shell: '/bin/sh', timeout: 1 }, createTestContext());
    const failure = await failureOf(provider.addTxt({ name: NAME, value: VALUE, ttl: 60, zone: ZONE }));
    expect(failure.message).toBe(`there is no acme.sh in ${scratch.directory}/.acme.sh`);
    vi.unstubAllEnvs();
    await scratch.remove();
  });

  it.each([
    [{}],
    [{ script: 'cf' }],
    [{ script: 'dns_cf.sh' }],
    [{ script: '../dns_cf' }],
    [{ script: 'dns_a;b' }],
    [{ script: 'dns_cf', home: 'acme' }],
    [{ script: 'dns_cf', shell: 'bash' }],
    [{ script: 'dns_cf', env: { 'a-b': 'c' } }],
    [{ script: 'dns_cf', timeout: 0 }],
  ])('are refused: %j', (options) => {
    expect(parse(options).success).toBe(false);
  });
});
