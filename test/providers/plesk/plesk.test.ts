import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import definition from '../../../providers/plesk/index.ts';
import { type DnsProvider, normaliseName, type TxtRecord } from '../../../src/provider.ts';
import { startFaultServer } from '../../fakes/fault-server.ts';
import { PLESK_PASSWORD, type PleskFake, type PleskFakeSettings, startPleskFake } from '../../fakes/plesk.ts';
import { failureOf, inProcessOf, NAME, OTHER, recordOf, VALUE, ZONE } from '../../support/one-provider.ts';

const inProcess = inProcessOf(definition);

let fake: PleskFake;
afterEach(() => fake.close());
const start = async (settings: PleskFakeSettings = {}) => {
  fake = await startPleskFake(settings);
};
const calls = () => fake.server.takeCalls();

const run = <Result>(
  use: (provider: DnsProvider) => Promise<Result>,
  options: Readonly<Record<string, unknown>> = fake.options,
) => inProcess({ options }, use);

/** A process that knows the id of the site. */
const knowing = <Result>(use: (provider: DnsProvider) => Promise<Result>) =>
  run(async (provider) => {
    await provider.listTxt(NAME, ZONE);
    calls();
    return use(provider);
  });

describe('plesk', () => {
  it.each([false, true])('asks no more than it has to (secret key: %s)', async (secretKey) => {
    await start({ secretKey });
    fake.plant(NAME, OTHER);
    await knowing(async (provider) => {
      const { changed, ...handle } = await provider.addTxt(recordOf());
      // The answer does not repeat name and value, so the id is only a hint.
      expect([changed, handle.proven, calls()]).toEqual([true, false, ['dns add_rec']]);
      expect((await provider.addTxt(recordOf())).changed).toBe(false);
      expect(calls()).toEqual(['dns add_rec', 'dns get_rec']);
      expect(await provider.removeTxt(recordOf(), handle)).toBe('removed');
      expect(calls()).toEqual(['dns get_rec', 'dns del_rec']);
      expect(await provider.removeTxt(recordOf(), handle)).toBe('absent');
      expect(calls()).toEqual(['dns get_rec']);
    });
    expect(fake.held(NAME)).toEqual([OTHER]);
  });

  it('finds the site first where it does not know it, and again where it has a new id', async () => {
    await start();
    await run(async (provider) => {
      await provider.addTxt(recordOf());
      expect(calls()).toEqual(['site get', 'dns add_rec']);
      fake.renewSite(ZONE);
      await provider.addTxt(recordOf({ value: OTHER }));
      expect(calls()).toEqual(['dns add_rec', 'site get', 'dns add_rec']);
      fake.renewSite(ZONE);
      expect(await provider.removeTxt(recordOf())).toBe('removed');
      expect(calls()).toEqual(['dns get_rec', 'site get', 'dns get_rec', 'dns del_rec']);
    });
    expect(fake.held(NAME)).toEqual([OTHER]);
  });

  it('sends the packets of the documents', async () => {
    await start();
    await run((provider) => provider.addTxt(recordOf({ value: 'a=b; <c> & d' })));
    await run((provider) => provider.addTxt(recordOf({ name: ZONE })));
    await run((provider) => provider.removeTxt(recordOf({ value: 'a=b; <c> & d' })));
    const sent = fake.server.requests.map(({ method, path, body }) => {
      expect(`${method} ${path}`).toBe('POST /enterprise/control/agent.php');
      return body.replace('<?xml version="1.0" encoding="UTF-8"?>', '').replace(/<\/?packet>/g, '');
    });
    const site = '<site><get><filter><name>example.com</name></filter><dataset/></get></site>';
    const add = (host: string, value: string) =>
      `<dns><add_rec><site-id>71</site-id><type>TXT</type><host>${host}</host><value>${value}</value></add_rec></dns>`;
    expect(sent).toEqual([
      site,
      add('_acme-challenge', 'a=b; &#60;c&#62; &#38; d'),
      site,
      add('', VALUE),
      site,
      '<dns><get_rec><filter><site-id>71</site-id></filter></get_rec></dns>',
      '<dns><del_rec><filter><id>4805</id></filter></del_rec></dns>',
    ]);
    expect(fake.server.requests[0]?.headers).toMatchObject({
      'content-type': 'text/xml',
      http_auth_login: 'bob',
      http_auth_passwd: PLESK_PASSWORD,
    });
  });

  it('lists zones, and name servers in lower case', async () => {
    await start({ zones: ['example.com', 'example.net'] });
    await run(async (provider) => {
      const zones: unknown[] = [];
      for await (const zone of provider.listZones?.() ?? []) zones.push(zone);
      expect(zones).toEqual(['example.com', 'example.net'].map((name) => ({ name, active: true })));
      expect(await provider.nameServers?.(ZONE)).toEqual(['ns1.host.example', 'ns2.host.example']);
    });
  });

  it('removes both records where the panel took the same value twice', async () => {
    await start({ duplicates: 'accept' });
    fake.plant(NAME, VALUE);
    fake.plant(NAME, OTHER);
    await run((provider) => provider.addTxt(recordOf()));
    expect(await run((provider) => provider.removeTxt(recordOf()))).toBe('removed');
    expect(fake.held(NAME)).toEqual([OTHER]);
  });

  it('never sends a deletion with an empty filter, which would be one of everything', async () => {
    await start();
    const { length } = fake.everything();
    for (const id of ['', ' ', 'x', '1</id><id>2']) {
      const handle = { zone: ZONE, id, proven: true };
      expect(await failureOf(run((provider) => provider.removeTxt(recordOf(), handle)))).toMatchObject({
        code: 'E_PROTOCOL',
      });
    }
    expect(calls()).toEqual([]);
    expect(fake.everything()).toHaveLength(length);
  });

  it('keeps both values of two processes at once, and does not fail where another was faster', async () => {
    let isGone = false;
    await start({
      afterCall(call) {
        if (call !== 'dns get_rec' || isGone) return;
        isGone = true;
        fake.unplant(NAME);
      },
    });
    const values = [VALUE, OTHER, VALUE];
    const added = await Promise.all(values.map((value) => run((provider) => provider.addTxt(recordOf({ value })))));
    expect(added.filter(({ changed }) => changed)).toHaveLength(2);
    isGone = false;
    expect(await run((provider) => provider.removeTxt(recordOf()))).toBe('absent');
  });
});

describe('plesk says what to do', () => {
  const add = (options?: Readonly<Record<string, unknown>>, more: Partial<TxtRecord> = {}) =>
    failureOf(run((provider) => provider.addTxt(recordOf(more)), options));

  it.each([false, true])('where the login is wrong, without repeating it (secret key: %s)', async (secretKey) => {
    await start({ secretKey });
    const failure = await add({ ...fake.options, [secretKey ? 'apiKey' : 'password']: 'WRONG' });
    expect(failure).toMatchObject({ code: 'E_AUTH', loginRefused: true, hint: expect.stringContaining('apiKey') });
    expect(JSON.stringify([failure.message, failure.hint])).not.toMatch(/WRONG|incorrect username/);
  });

  it('where the user may not use the API', async () => {
    await start({ remoteApi: false });
    const hint = expect.stringContaining('remote API');
    expect(await add()).toMatchObject({ code: 'E_AUTH', loginRefused: false, hint });
  });

  it('where the domain is of somebody else', async () => {
    await start();
    const zone = normaliseName('example.org');
    const failure = await add(undefined, { zone, name: normaliseName(`_acme-challenge.${zone}`) });
    expect(failure).toMatchObject({ code: 'E_ZONE', message: expect.stringContaining('Site does not exist') });
  });

  it('where a CNAME is at the name', async () => {
    await start();
    fake.plant(NAME, 'elsewhere.example.', 'CNAME');
    expect(await add()).toMatchObject({ code: 'E_REJECTED', message: expect.stringContaining('error 1023') });
  });

  it.each([
    [404, '<html>Not found</html>', { code: 'E_CONFIG' }],
    [200, '<html><body>Log in</body></html>', { code: 'E_PROTOCOL' }],
    [200, '<packet><site><get/></site></packet>', { code: 'E_PROTOCOL' }],
    [200, '<packet><site><get><result><status>ok</status></result></get></site></packet>', { code: 'E_PROTOCOL' }],
    [200, '<packet><system><status>error</status><errcode>1008</errcode></system></packet>', { code: 'E_REMOTE' }],
    [200, '<!DOCTYPE packet [<!ENTITY a "b">]><packet>&a;</packet>', { code: 'E_PROTOCOL' }],
  ])('where another server answers %i %s', async (status, body, expected) => {
    await start();
    const other = await startFaultServer({ nameOf: () => 'any', reply: () => ({ status, body }) });
    expect(await add({ ...fake.options, url: other.origin })).toMatchObject(expected);
    await other.close();
  });

  it('where the config has no login, two, or one that is no header', async () => {
    await start();
    const login = { username: 'bob', password: 'x' };
    const isValid = (more: object) =>
      z.safeParse(definition.options, { url: 'https://panel.example', ...more }).success;
    expect([{}, { username: 'bob' }, { ...login, apiKey: 'k' }, login, { apiKey: 'k' }].map(isValid)).toEqual([
      false,
      false,
      false,
      true,
      true,
    ]);
    expect(await failureOf(run(async () => {}, { ...fake.options, password: 'päss\nword' }))).toMatchObject({
      code: 'E_CONFIG',
    });
  });
});
