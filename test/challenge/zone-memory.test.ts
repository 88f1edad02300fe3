import { afterEach, beforeEach, expect, it } from 'vitest';
import { startFakeDns } from '../fakes/dns-server.ts';
import { OTHER_VALUE, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { type Panels, startPanels } from '../support/panels.ts';

const ZONE_NAME = '_acme-challenge.www.shop.example.ee';
const PANEL_NAME = '_acme-challenge.www.shop.example.com';

let panels: Panels;
let here: Workplace;
beforeEach(async () => {
  [panels, here] = await Promise.all([startPanels(), openWorkplace()]);
  await here.configure(withoutZones(panels.config));
});
afterEach(() => Promise.all([panels.close(), here.remove()]));

const withoutZones = (config: string) => config.replace(/zones:\n( .*\n)*/, '');
const add = (account: string, name: string, value = VALUE) =>
  here.run(['add-txt', '--no-wait', '--account', account, name, value]);

it('a zone that was searched for once is not searched for again', async () => {
  await add('zone-eu', ZONE_NAME);
  expect(panels.zoneid.server.takeCalls()).toEqual(['POST txt', 'POST txt', 'POST txt']);
  await add('zone-eu', ZONE_NAME, OTHER_VALUE);
  expect(panels.zoneid.server.takeCalls()).toEqual(['POST txt']);

  await add('panel', PANEL_NAME);
  expect(panels.ispconfig.server.takeCalls().filter((call) => call === 'dns_zone_get')).toHaveLength(3);
  await add('panel', PANEL_NAME, OTHER_VALUE);
  expect(panels.ispconfig.server.takeCalls().filter((call) => call === 'dns_zone_get')).toHaveLength(1);
});

it('what was proven of one name is not believed of another', async () => {
  await add('zone-eu', ZONE_NAME);
  panels.zoneid.server.takeCalls();
  await add('zone-eu', '_acme-challenge.mail.shop.example.ee');
  expect(panels.zoneid.server.takeCalls()).toHaveLength(3);
});

it('a memory that is wrong costs one request and is dropped', async () => {
  await add('zone-eu', ZONE_NAME);
  const moved = await startPanels({ zoneid: { zones: ['shop.example.ee'] } });
  await here.configure(withoutZones(moved.config));
  expect((await add('zone-eu', ZONE_NAME, OTHER_VALUE)).code).toBe(0);
  expect(moved.zoneid.held(ZONE_NAME)).toEqual([OTHER_VALUE]);
  expect(moved.zoneid.server.takeCalls()).toEqual(['POST txt', 'POST txt', 'POST txt']);
  await here.run(['remove-txt', '--account', 'zone-eu', ZONE_NAME, OTHER_VALUE]);
  moved.zoneid.server.takeCalls();
  await add('zone-eu', ZONE_NAME);
  expect(moved.zoneid.server.takeCalls()).toEqual(['POST txt']);
  await moved.close();
});

it('the zone that the DNS shows is tried first', async () => {
  const dns = await startFakeDns({ zones: [{ name: 'example.ee' }] });
  await here.configure(`${withoutZones(panels.accounts)}dns: { nameservers: { example.ee: ["${dns.at}"] } }\n`);
  await add('zone-eu', ZONE_NAME);
  expect(panels.zoneid.server.takeCalls()).toEqual(['POST txt']);
  await dns.close();
});
