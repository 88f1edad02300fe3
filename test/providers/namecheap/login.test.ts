import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import namecheap from '../../../providers/namecheap/index.ts';
import { type NamecheapFake, type NamecheapFakeSettings, startNamecheapFake } from '../../fakes/namecheap.ts';
import { inProcessOf, NAME, recordOf, VALUE, ZONE } from '../../support/one-provider.ts';
import { withoutPauses } from '../../support/stand-in-contract.ts';

const withProvider = inProcessOf(namecheap);

let fake: NamecheapFake;
afterEach(() => fake.close());
const start = async (settings?: NamecheapFakeSettings) => {
  fake = await startNamecheapFake(settings);
};
const add = (options: Readonly<Record<string, unknown>> = {}) =>
  withProvider({ options: { ...fake.options, ...options } }, (provider) => provider.addTxt(recordOf()));

describe('namecheap says what is wrong with a login', () => {
  it.each<[string, Readonly<Record<string, unknown>>, RegExp, RegExp]>([
    ['a wrong key', { apiKey: 'wrong' }, /error 1011102/, /turn on API Access/],
    ['a wrong user', { user: 'nobody' }, /error 1011102/, /set user/],
    [
      'an address that is not allowed',
      { clientIp: '198.51.100.7' },
      /requests from 198\.51\.100\.7 are not allowed/,
      /Whitelisted IPs/,
    ],
  ])('%s', async (_, options, message, hint) => {
    await start();
    const failure = {
      code: 'E_AUTH',
      loginRefused: true,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    };
    await expect(add(options)).rejects.toMatchObject(failure);
  });

  it('and shows no words of the API then', async () => {
    await start();
    await expect(add({ apiKey: 'wrong' })).rejects.not.toThrow('has not been enabled');
  });
});

it('waits after the status 405, which says that there were too many requests', async () => {
  await start({ busy: 2 });
  const { deadline, pauses } = withoutPauses();
  await withProvider(fake, (provider) => provider.addTxt(recordOf()), { deadline });
  expect(fake.held(NAME)).toEqual([VALUE]);
  expect(pauses).toEqual([15_000, 30_000]);
});

it('says E_RATE where that does not end', async () => {
  await start({ busy: 100 });
  await expect(add()).rejects.toMatchObject({ code: 'E_RATE', retryable: true });
  expect(fake.server.takeCalls()).toHaveLength(4);
});

it('lists domains over two pages, and which have their DNS elsewhere', async () => {
  const zones = Array.from({ length: 101 }, (_, index) => `example${index}.com`);
  await start({ zones, elsewhere: ['example1.com'] });
  const listed = await withProvider(fake, async (provider) => {
    const all = [];
    for await (const each of provider.listZones?.() ?? []) all.push(each);
    return all;
  });
  expect(listed.map(({ name }) => name)).toEqual(zones);
  expect(listed.filter(({ active }) => !active).map(({ name }) => name)).toEqual(['example1.com']);
  expect(fake.server.takeCalls()).toEqual(['GET domains.getlist', 'GET domains.getlist']);
});

it('shows the name servers of a domain', async () => {
  await start();
  const servers = (await withProvider(fake, async (provider) => provider.nameServers?.(ZONE))) ?? [];
  expect(servers).toEqual(['dns1.registrar-servers.com', 'dns2.registrar-servers.com']);
  for (const server of servers)
    expect(namecheap.nameServerPatterns?.some((pattern) => pattern.test(server))).toBe(true);
});

it('refuses an answer for another domain', async () => {
  await start();
  const { startFaultServer } = await import('../../fakes/fault-server.ts');
  const body =
    '<ApiResponse Status="OK"><CommandResponse><DomainDNSGetHostsResult Domain="example.net" IsUsingOurDNS="true"/></CommandResponse></ApiResponse>';
  const server = await startFaultServer({ nameOf: () => 'any', reply: () => ({ status: 200, body }) });
  await expect(add({ url: server.origin })).rejects.toMatchObject({
    code: 'E_PROTOCOL',
    message: expect.stringContaining('another domain'),
  });
  expect(server.requests).toHaveLength(1);
  await server.close();
});

it.each([{ clientIp: '2001:db8::1' }, { clientIp: 'my-host' }, { user: 'x'.repeat(21) }, { sandbox: true }])(
  'an option is refused: %o',
  (wrong) => {
    expect(z.safeParse(namecheap.options, { user: 'u', apiKey: 'k', clientIp: '192.0.2.1', ...wrong }).success).toBe(
      false,
    );
  },
);
