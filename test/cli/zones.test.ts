import { afterEach, beforeEach, expect, it } from 'vitest';
import { type FaultServer, startFaultServer } from '../fakes/fault-server.ts';
import { type IspconfigFake, startIspconfigFake } from '../fakes/ispconfig.ts';
import { expectFailure, openWorkplace, type Workplace } from '../support/cli.ts';

const PANEL_ZONES = Array.from({ length: 30 }, (_, index) => `z${index}.example`);

let panel: IspconfigFake;
let here: Workplace;
const servers: FaultServer[] = [];
beforeEach(async () => {
  here = await openWorkplace();
  panel = await startIspconfigFake({ zones: PANEL_ZONES.map((name) => ({ name })) });
});
afterEach(() => Promise.all([here.remove(), panel.close(), ...servers.splice(0).map((server) => server.close())]));

/** A panel with one domain, which it tells when it is ready to. */
async function startSlowPanel(domain: string, ready: () => Promise<void> | void): Promise<string> {
  const server = await startFaultServer({
    nameOf: () => 'domain_list',
    async reply() {
      await ready();
      return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify([{ domain }]) };
    },
  });
  servers.push(server);
  return `{ provider: olspanel, url: "${server.origin}", username: x, password: secret-word }`;
}

const panelAccount = () =>
  `{ provider: ispconfig, url: "${panel.url}", username: ${panel.username}, password: ${panel.password} }`;
const rows = (account: string, zones: readonly string[]) => zones.map((zone) => `${account}\t${zone}\n`).join('');

function failFromSecondPage(): void {
  const failure = { call: 'dns_zone_get', kind: 'garbage', effect: 'before', times: 9 } as const;
  panel.before('dns_zone_get', () => panel.server.inject(failure));
}

it('prints the zones that came before a page failed', async () => {
  failFromSecondPage();
  await here.configure(`accounts:\n  a: ${panelAccount()}\n`);
  const outcome = await here.run(['zones']);
  expect(outcome.stdout).toBe(rows('a', PANEL_ZONES.slice(0, 25)));
  expectFailure(outcome, 76, /account a \(ispconfig\): dns_zone_get: expected JSON/);
});

it('prints nothing but the failure as JSON', async () => {
  failFromSecondPage();
  await here.configure(`accounts:\n  a: ${panelAccount()}\n`);
  const { stdout } = await here.run(['zones', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: 'E_PROTOCOL' } });
});

it('asks the accounts side by side, and prints them in the order of the config', async () => {
  let othersAsked = () => {};
  const others = new Promise<void>((resolve) => (othersAsked = resolve));
  const slow = await startSlowPanel('slow.example', () => others);
  const quick = await startSlowPanel('quick.example', () => othersAsked());
  await here.configure(`accounts:\n  a: ${slow}\n  b: ${panelAccount()}\n  c: ${quick}\n`);
  const { code, stdout } = await here.run(['zones']);
  expect(code).toBe(0);
  expect(stdout).toBe(rows('a', ['slow.example']) + rows('b', PANEL_ZONES) + rows('c', ['quick.example']));
  const { zones } = JSON.parse((await here.run(['zones', '--json'])).stdout);
  expect(zones).toHaveLength(32);
  expect(zones[0]).toEqual({ account: 'a', provider: 'olspanel', zone: 'slow.example', active: true });
});
