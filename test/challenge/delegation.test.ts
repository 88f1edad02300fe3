import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeDnsServer, type FakeRecord, startFakeDns } from '../fakes/dns-server.ts';
import { expectFailure, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { type Panels, startPanels } from '../support/panels.ts';

const NAME = '_acme-challenge.example.com';
const TARGET = 'web1.acme.example.ee';

let panels: Panels;
let here: Workplace;
let dns: FakeDnsServer;
const records: FakeRecord[] = [];

beforeEach(async () => {
  records.length = 0;
  here = await openWorkplace();
  dns = await startFakeDns({
    zones: [
      { name: 'example.com', records },
      { name: 'example.ee', records },
    ],
  });
  panels = await startPanels({
    zoneid: { onChange: async (_zone, name, value, change) => dns.show(name, change === 'added' ? [value] : []) },
  });
  await configure('example.ee: { account: zone-eu, delegated: true }');
});
afterEach(() => Promise.all([panels.close(), here.remove(), dns.close()]));

const configure = (zone: string) =>
  here.configure(`${panels.accounts.replace('example.ee: zone-eu', zone)}dns:
  nameservers: { example.com: ["${dns.at}"], example.ee: ["${dns.at}"] }
propagation: { timeout: 3, interval: 0.1 }
`);
const alias = (name: string, data: string) => records.push({ name, type: 'CNAME', data });
const add = (...options: string[]) => here.run(['add-txt', NAME, VALUE, ...options]);

describe('a challenge name with a CNAME', () => {
  it('is written where the CNAME leads, through the account of that zone, and seen there', async () => {
    alias(NAME, TARGET);
    const { code, stdout } = await add('--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ name: NAME, target: TARGET, account: 'zone-eu', zone: 'example.ee' });
    expect(panels.zoneid.held(TARGET)).toEqual([VALUE]);
    expect(panels.ispconfig.server.requests).toEqual([]);
  });

  it('is followed through several', async () => {
    alias(NAME, '_acme-challenge.middle.example.com');
    alias('_acme-challenge.middle.example.com', TARGET);
    expect((await add()).code).toBe(0);
    expect(panels.zoneid.held(TARGET)).toEqual([VALUE]);
  });

  it('is cleaned up where it was written, even if the CNAME is gone by then', async () => {
    alias(NAME, TARGET);
    await add();
    records.length = 0;
    expect((await here.run(['remove-txt', NAME, VALUE])).code).toBe(0);
    expect(panels.zoneid.held(TARGET)).toEqual([]);
  });

  it('is cleaned up where the CNAME leads when nothing is remembered', async () => {
    alias(NAME, TARGET);
    await add();
    const lost = { env: { DNS01_STATE_DIR: `${here.directory}/another` } };
    expect((await here.run(['remove-txt', NAME, VALUE], lost)).code).toBe(0);
    expect(panels.zoneid.held(TARGET)).toEqual([]);
  });

  it('is waited for and listed where it leads', async () => {
    alias(NAME, TARGET);
    await panels.zoneid.plant(TARGET, VALUE);
    dns.show(TARGET, [VALUE]);
    expect((await here.run(['wait-txt', NAME, VALUE])).code).toBe(0);
    expect((await here.run(['list-txt', NAME])).stdout).toBe(`${VALUE}\n`);
  });

  it('is written at the end alone: dry-run says where', async () => {
    alias(NAME, TARGET);
    const { stdout } = await add('--dry-run', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ name: NAME, target: TARGET, account: 'zone-eu', changed: true });
    expect(panels.zoneid.held(TARGET)).toEqual([]);
  });

  it.each([
    [
      'a loop',
      [
        [NAME, 'a.example.ee'],
        ['a.example.ee', NAME],
      ],
      /is a loop: _acme-challenge\.example\.com -> a\.example\.ee -> _acme-challenge\.example\.com/,
    ],
    [
      'a chain without end',
      Array.from({ length: 12 }, (_, n) => [n === 0 ? NAME : `c${n}.example.ee`, `c${n + 1}.example.ee`]),
      /is longer than 8: _acme-challenge\.example\.com -> c1\.example\.ee -> /,
    ],
    [
      'an end that no account owns',
      [[NAME, '_acme-challenge.example.com.example.net']],
      /_acme-challenge\.example\.com -> _acme-challenge\.example\.com\.example\.net: no account is configured/,
    ],
  ])('with %s is refused and the chain shown', async (_, aliases, message) => {
    for (const [name = '', data = ''] of aliases) alias(name, data);
    dns.manners = {};
    expectFailure(await add(), 68, message);
    expect(panels.zoneid.server.requests).toEqual([]);
  });

  it('that leads to an ordinary name is refused: whoever writes a CNAME in one zone chooses nothing in another', async () => {
    await configure('example.ee: zone-eu');
    alias(NAME, 'www.example.ee');
    expectFailure(
      await add(),
      68,
      /the CNAME leads to a name that may not be written/,
      /example\.ee: .*delegated: true/,
    );
    expect(panels.zoneid.server.requests).toEqual([]);
  });

  it('leads to a challenge name of another zone only where that zone is delegated', async () => {
    await configure('example.ee: zone-eu');
    alias(NAME, '_acme-challenge.web1.example.ee');
    expectFailure(
      await add(),
      68,
      /the CNAME leads to a name that may not be written/,
      /example\.ee: \{ account: zone-eu, delegated: true \}/,
    );
    expect(panels.zoneid.server.requests).toEqual([]);
    await configure('example.ee: { account: zone-eu, delegated: true }');
    expect((await add()).code).toBe(0);
    expect(panels.zoneid.held('_acme-challenge.web1.example.ee')).toEqual([VALUE]);
  });

  it('may lead to another challenge name of its own zone', async () => {
    alias(NAME, '_acme-challenge.web1.example.com');
    expect((await add('--no-wait')).code).toBe(0);
    expect(panels.ispconfig.held('_acme-challenge.web1.example.com')).toEqual([VALUE]);
  });

  it('is written itself where the config says not to follow', async () => {
    alias(NAME, TARGET);
    const config = `${panels.accounts}dns: { followCnames: false }\n`;
    await here.configure(config);
    expect((await add('--no-wait')).code).toBe(0);
    expect(panels.ispconfig.held(NAME)).toEqual([VALUE]);
  });
});

describe('a challenge name without one', () => {
  it('is written itself', async () => {
    expect((await add('--no-wait')).code).toBe(0);
    expect(panels.ispconfig.held(NAME)).toEqual([VALUE]);
  });

  it('is written itself below a wildcard CNAME, which a record of its own hides', async () => {
    alias('*.example.com', 'hosting.example.ee');
    expect((await add('--no-wait')).code).toBe(0);
    expect(panels.ispconfig.held(NAME)).toEqual([VALUE]);
  });

  it('is written itself where the DNS does not answer', async () => {
    await dns.close();
    expect((await add('--no-wait')).code).toBe(0);
    expect(panels.ispconfig.held(NAME)).toEqual([VALUE]);
    dns = await startFakeDns();
  });
});

describe('a name that the client has followed already', () => {
  it('is taken as it is', async () => {
    expect((await here.run(['add-txt', '--no-wait', TARGET, VALUE])).code).toBe(0);
    expect(panels.zoneid.held(TARGET)).toEqual([VALUE]);
  });
});

describe('a lasting record', () => {
  const PERSIST = '_validation-persist.example.com';
  const RECORD = 'ca.example; accounturi=https://ca.example/1';
  const publish = () => here.run(['add-txt', '--no-wait', PERSIST, RECORD]);

  it('follows a CNAME into a delegated zone, and within its zone only to another name of its kind', async () => {
    alias(PERSIST, 'vp.example.ee');
    expect((await publish()).code).toBe(0);
    expect(panels.zoneid.held('vp.example.ee')).toEqual([RECORD]);
    records.length = 0;
    alias(PERSIST, '_validation-persist.www.example.com');
    expect((await publish()).code).toBe(0);
    expect(panels.ispconfig.held('_validation-persist.www.example.com')).toEqual([RECORD]);
    for (const [from, to, value] of [
      [PERSIST, NAME, RECORD],
      [NAME, PERSIST, VALUE],
    ] as const) {
      records.length = 0;
      alias(from, to);
      const outcome = await here.run(['add-txt', '--no-wait', from, value, '--account', 'panel']);
      expectFailure(outcome, 68, /the CNAME leads to a name that may not be written/);
    }
    expect(panels.ispconfig.held(NAME)).toEqual([]);
    expect(panels.ispconfig.held(PERSIST)).toEqual([]);
  });
});
