import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectFailure, OTHER_VALUE, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { PANEL_PASSWORD, type Panels, startPanels, ZONE_KEY } from '../support/panels.ts';

const NAME = '_acme-challenge.example.com';
const ZONE_NAME = '_acme-challenge.example.ee';

let panels: Panels;
let here: Workplace;
beforeEach(async () => {
  [panels, here] = await Promise.all([startPanels(), openWorkplace()]);
  await here.configure(panels.config);
});
afterEach(async () => {
  await here.expectNoSecret(PANEL_PASSWORD, ZONE_KEY);
  await Promise.all([panels.close(), here.remove()]);
});

describe('add-txt and remove-txt', () => {
  it('go to the account whose zone holds the name', async () => {
    expect(await here.run(['add-txt', '--no-wait', NAME, VALUE])).toMatchObject({
      code: 0,
      stdout: `${NAME}: published through account panel (ispconfig)\n`,
      stderr: '',
    });
    expect(await here.run(['add-txt', '--no-wait', ZONE_NAME, VALUE])).toMatchObject({ code: 0 });
    expect(panels.ispconfig.held(NAME)).toEqual([VALUE]);
    expect(panels.zoneid.held(ZONE_NAME)).toEqual([VALUE]);

    expect(await here.run(['remove-txt', NAME, VALUE])).toMatchObject({
      code: 0,
      stdout: `${NAME}: withdrawn through account panel (ispconfig)\n`,
    });
    expect(panels.ispconfig.held(NAME)).toEqual([]);
    expect(panels.zoneid.held(ZONE_NAME)).toEqual([VALUE]);
  });

  it.each([NAME, ZONE_NAME])('twice is a success and one record, at %s', async (name) => {
    await here.run(['add-txt', '--no-wait', name, VALUE]);
    const again = await here.run(['add-txt', '--no-wait', '--json', name, VALUE]);
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ ok: true, changed: false });
    expect([...panels.ispconfig.held(name), ...panels.zoneid.held(name)]).toEqual([VALUE]);

    expect((await here.run(['remove-txt', name, VALUE])).code).toBe(0);
    const nothing = await here.run(['remove-txt', '--json', name, VALUE]);
    expect(nothing.code).toBe(0);
    expect(JSON.parse(nothing.stdout)).toMatchObject({ ok: true, changed: false });
  });

  it('leave the other value of the name alone', async () => {
    await here.run(['add-txt', '--no-wait', NAME, VALUE]);
    await here.run(['add-txt', '--no-wait', NAME, OTHER_VALUE]);
    await here.run(['remove-txt', NAME, VALUE]);
    expect(panels.ispconfig.held(NAME)).toEqual([OTHER_VALUE]);
  });

  it('print one JSON document of the form that scripts rely on', async () => {
    const { stdout } = await here.run(['add-txt', '--json', '--no-wait', ZONE_NAME, VALUE]);
    expect(JSON.parse(stdout)).toEqual({
      ok: true,
      action: 'add',
      name: ZONE_NAME,
      value: VALUE,
      account: 'zone-eu',
      provider: 'zoneid',
      zone: 'example.ee',
      changed: true,
      waitedMs: 0,
    });
  });

  it.each([
    ['capitals and a dot at the end', '_ACME-Challenge.Example.COM.', NAME],
    ['blanks around it', `  ${NAME} `, NAME],
  ])('take a name with %s', async (_, given, meant) => {
    expect((await here.run(['add-txt', '--no-wait', given, VALUE])).code).toBe(0);
    expect(panels.ispconfig.held(meant)).toEqual([VALUE]);
    expect((await here.run(['remove-txt', given, VALUE])).code).toBe(0);
    expect(panels.ispconfig.held(meant)).toEqual([]);
  });

  it('take an international name, in the config and on the command line, in either form', async () => {
    const idn = await startPanels({ ispconfig: { zones: [{ name: 'xn--mller-kva.example' }] } });
    await here.configure(idn.config.replace('example.com: panel', 'Müller.example: panel'));
    expect((await here.run(['add-txt', '--no-wait', '_acme-challenge.müller.example', VALUE])).code).toBe(0);
    expect(idn.ispconfig.held('_acme-challenge.xn--mller-kva.example')).toEqual([VALUE]);
    expect((await here.run(['remove-txt', '_acme-challenge.xn--mller-kva.example', VALUE])).code).toBe(0);
    expect(idn.ispconfig.held('_acme-challenge.xn--mller-kva.example')).toEqual([]);
    await idn.close();
  });

  it.each(['-hNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ0', '--json-w4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ01'])(
    'take %s as the value that it is',
    async (value) => {
      expect(value).toHaveLength(43);
      const added = await here.run(['add-txt', NAME, value, '--no-wait']);
      expect(added).toMatchObject({ code: 0, stdout: `${NAME}: published through account panel (ispconfig)\n` });
      expect(panels.ispconfig.held(NAME)).toEqual([value]);
      expect((await here.run(['remove-txt', NAME, value])).code).toBe(0);
      expect(panels.ispconfig.held(NAME)).toEqual([]);
    },
  );

  it('write nothing with --dry-run, and say what they would do and to whom', async () => {
    const add = await here.run(['add-txt', '--dry-run', NAME, VALUE]);
    expect(add).toMatchObject({ code: 0, stdout: `${NAME}: would be published through account panel (ispconfig)\n` });
    expect(panels.ispconfig.held(NAME)).toEqual([]);

    await here.run(['add-txt', '--no-wait', ZONE_NAME, VALUE]);
    panels.zoneid.server.takeCalls();
    const remove = await here.run(['remove-txt', '--dry-run', '--json', ZONE_NAME, VALUE]);
    expect(JSON.parse(remove.stdout)).toMatchObject({ action: 'remove', changed: true, dryRun: true });
    expect(panels.zoneid.held(ZONE_NAME)).toEqual([VALUE]);
    expect(panels.zoneid.server.takeCalls()).toEqual(['GET txt']);
  });

  it('find the record again when the state directory is lost', async () => {
    await here.run(['add-txt', '--no-wait', ZONE_NAME, VALUE]);
    const lost = { DNS01_STATE_DIR: `${here.directory}/another` };
    expect((await here.run(['remove-txt', ZONE_NAME, VALUE], { env: lost })).code).toBe(0);
    expect(panels.zoneid.held(ZONE_NAME)).toEqual([]);
  });

  it('find the record again when the zone moved to another account in the config', async () => {
    await here.run(['add-txt', '--no-wait', ZONE_NAME, VALUE]);
    await here.configure(panels.config.replace('example.ee: zone-eu', 'example.ee: panel'));
    expect((await here.run(['remove-txt', ZONE_NAME, VALUE])).code).toBe(0);
    expect(panels.zoneid.held(ZONE_NAME)).toEqual([]);
  });

  it('go on with a warning where nothing can be remembered', async () => {
    const nowhere = { DNS01_STATE_DIR: '/dev/null/nowhere' };
    const added = await here.run(['add-txt', '--no-wait', ZONE_NAME, VALUE], { env: nowhere });
    expect(added.code).toBe(0);
    expect(added.stderr).toMatch(/^dns01: warning: the state directory \/dev\/null\/nowhere cannot be used/);
    expect((await here.run(['remove-txt', ZONE_NAME, VALUE], { env: nowhere })).code).toBe(0);
    expect(panels.zoneid.held(ZONE_NAME)).toEqual([]);
  });
});

describe('the requests that a verb costs', () => {
  it('are 1 to add and 1 to remove at ZoneID, the zone being known', async () => {
    await here.run(['add-txt', '--no-wait', ZONE_NAME, VALUE]);
    expect(panels.zoneid.server.takeCalls()).toEqual(['POST txt']);
    await here.run(['remove-txt', ZONE_NAME, VALUE]);
    expect(panels.zoneid.server.takeCalls()).toEqual(['DELETE txt']);
  });

  it('are 2 to remove at ZoneID when nothing is remembered', async () => {
    await panels.zoneid.plant(ZONE_NAME, VALUE);
    await here.run(['remove-txt', ZONE_NAME, VALUE]);
    expect(panels.zoneid.server.takeCalls()).toEqual(['GET txt', 'DELETE txt']);
  });

  it('are 4 at ISPConfig, and one more for each label that is tried', async () => {
    await here.run(['add-txt', '--no-wait', NAME, VALUE]);
    const known = ['login', 'dns_zone_get', 'dns_txt_get', 'dns_txt_add', 'logout'];
    expect(panels.ispconfig.server.takeCalls()).toEqual(known);
    await here.run(['remove-txt', NAME, VALUE]);
    expect(panels.ispconfig.server.takeCalls()).toEqual(['login', 'dns_txt_get', 'dns_txt_delete', 'logout']);

    await here.configure(panels.config.replace(/zones:\n( .*\n)*/, ''));
    await here.run(['add-txt', '--no-wait', '--account', 'panel', NAME, VALUE]);
    // A challenge name is hardly ever a zone of its own, and is tried last.
    expect(panels.ispconfig.server.takeCalls()).toEqual(known);
    await here.run(['add-txt', '--no-wait', '--account', 'panel', '_acme-challenge.www.example.com', VALUE]);
    const searched = ['login', 'dns_zone_get', 'dns_zone_get', 'dns_txt_get', 'dns_txt_add', 'logout'];
    expect(panels.ispconfig.server.takeCalls()).toEqual(searched);
  });
});

describe('list-txt and zones', () => {
  it('show what the provider holds', async () => {
    panels.ispconfig.plant({ name: `${NAME}.`, data: OTHER_VALUE });
    await here.run(['add-txt', '--no-wait', NAME, VALUE]);
    expect((await here.run(['list-txt', NAME])).stdout).toBe(`${VALUE}\n${OTHER_VALUE}\n`);
    const { stdout } = await here.run(['list-txt', '--json', NAME]);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, name: NAME, account: 'panel', values: [VALUE, OTHER_VALUE] });
  });

  it('keep a value with line feeds and tabs on one line', async () => {
    panels.ispconfig.plant({ name: `${NAME}.`, data: `${VALUE}\n${OTHER_VALUE}\tx` });
    expect((await here.run(['list-txt', NAME])).stdout).toBe(`${VALUE}?${OTHER_VALUE}?x\n`);
  });

  it('say so when there is nothing', async () => {
    const nothing = await here.run(['list-txt', NAME]);
    expect(nothing).toMatchObject({ code: 0, stdout: '' });
    expect(nothing.stderr).toContain('no TXT record');
  });

  it('show the zones of every account', async () => {
    const { code, stdout } = await here.run(['zones']);
    expect(code).toBe(0);
    expect(stdout).toContain('panel\texample.com\n');
    expect(stdout).toContain('zone-eu\texample.ee\n');
  });

  it('show the zones of the other accounts when one fails', async () => {
    await here.configure(
      panels.config.replace(ZONE_KEY, 'wrong-key-wrong-key').replace('username: ispconfig', 'username: x'),
    );
    panels.ispconfig.panel.maintenance = true;
    const { code, stdout, stderr } = await here.run(['zones']);
    expect(code).toBe(75);
    expect(stdout).toContain('zone-eu\texample.ee\n');
    expect(stderr).toContain('account panel (ispconfig)');
  });
});

describe('what is refused', () => {
  it.each([
    ['example.com', NAME],
    ['*.example.com', NAME],
    ['www._acme-challenge.example.com', '_acme-challenge.www.example.com'],
    ['acme-challenge.example.com', NAME],
  ])('the name %s, with the right one in the hint', async (wrong, right) => {
    const hint = new RegExp(`did you mean ${right.replaceAll('.', '\\.')}\\?`);
    expectFailure(await here.run(['add-txt', wrong, VALUE]), 64, /is not the name of a challenge/, hint);
    expect(panels.ispconfig.server.requests).toEqual([]);
  });

  it.each([
    ['_acme-challenge..example.com', /empty label/],
    [`_acme-challenge.${'a'.repeat(64)}.com`, /longer than 63/],
    ['_acme-challenge.exa mple.com', /may only have letters/],
    ['_acme-challenge.ab--cd.example.com', /may only have letters/],
  ])('the name %s', async (wrong, why) => {
    expectFailure(await here.run(['add-txt', wrong, VALUE]), 64, why);
  });

  it.each([
    ['"quoted"', /characters that are not allowed/],
    ['back\\slash', /characters that are not allowed/],
    ['line\nbreak', /characters that are not allowed/],
    ['', /the value is empty/],
    ['x'.repeat(1025), /1025 characters, at most 1024/],
  ])('the value %j', async (value, why) => {
    expectFailure(await here.run(['add-txt', NAME, value]), 64, why);
    expect(panels.ispconfig.server.requests).toEqual([]);
  });

  it('a name without the challenge label is taken where its zone says delegated', async () => {
    await here.configure(
      panels.config.replace('example.ee: zone-eu', 'example.ee: { account: zone-eu, delegated: true }'),
    );
    expect((await here.run(['add-txt', '--no-wait', 'web1.example.ee', VALUE])).code).toBe(0);
    expect(panels.zoneid.held('web1.example.ee')).toEqual([VALUE]);
    expectFailure(
      await here.run(['add-txt', '--no-wait', 'web1.example.com', VALUE]),
      64,
      /not the name of a challenge/,
    );
  });

  it('a name that no account owns, with what was looked at', async () => {
    const outcome = await here.run(['add-txt', '_acme-challenge.example.net', VALUE]);
    expectFailure(outcome, 68, /no account is configured for .*\(zones: example\.com, example\.ee\)/, /--account/);
  });

  it('a zone that does not hold the name', async () => {
    expectFailure(
      await here.run(['add-txt', '--zone', 'example.ee', NAME, VALUE]),
      64,
      /is not in the zone example\.ee/,
    );
  });

  it.each([
    [['add-txt', NAME], /missing required argument 'value'/],
    [['add-txt', NAME, VALUE, '--bogus'], /unknown option '--bogus'/],
    [['nosuch'], /unknown command 'nosuch'/],
    [['add-txt', NAME, VALUE, '--timeout', 'soon'], /--timeout takes a number of seconds/],
    [['add-txt', '--account', 'nobody', NAME, VALUE], /there is no account "nobody"/],
    [['zones', '--account', 'nobody'], /there is no account "nobody"/],
  ])('the command line %j', async (args, why) => {
    expectFailure(await here.run(args), 64, why);
  });

  it('an empty command line, with the help', async () => {
    const { code, stderr } = await here.run([]);
    expect(code).toBe(64);
    expect(stderr).toContain('Usage: dns01');
  });
});

describe('help', () => {
  it.each(['add-txt', 'remove-txt', 'list-txt', 'wait-txt', 'zones', 'hook', 'nameserver', 'account-label'])(
    '%s has an example',
    async (verb) => {
      const { code, stdout } = await here.run([verb, '--help']);
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`Usage: dns01 ${verb}`));
      expect(stdout).toMatch(verb === 'hook' ? /dns01 hook certbot auth/ : new RegExp(`\\$ dns01 ${verb}`));
    },
  );

  it('tells the version of the package', async () => {
    const { version } = (await import('../../package.json')).default;
    expect((await here.run(['--version'])).stdout).toBe(`${version}\n`);
  });
});
