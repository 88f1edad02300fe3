import { expect } from 'vitest';
import definition from '../../providers/virtualmin/index.ts';
import { type ContractHarness, describeContract } from '../contract.ts';
import { openOn } from '../support/stand-in-contract.ts';
import { type RealVirtualmin, startVirtualmin, whyNoVirtualmin } from './labs/virtualmin/panel.ts';
import { FOREIGN, ZONES } from './support/panel-steps.ts';
import { describePanel } from './support/real-panel.ts';

const ZONE = 'contract.example';

describePanel({
  title: 'Virtualmin',
  obstacle: await whyNoVirtualmin(),
  async start(dir) {
    const panel = await startVirtualmin({ dir, foreign: FOREIGN, zones: [...ZONES, ZONE] });
    const { url, username, password } = panel;
    return { ...panel, login: { provider: 'virtualmin', url, username, password }, secret: password };
  },
  refusals: [
    { what: 'a wrong password', login: { password: 'wrong' }, code: 77, text: /the login was refused.*two-factor/s },
    { what: 'a zone that is no virtual server', zone: 'example.net', code: 68, text: /no virtual server with DNS/ },
  ],
  more(panel) {
    describeContract('the real Virtualmin', async () => harnessOf(panel()), { faults: false });
  },
});

function harnessOf(panel: RealVirtualmin): ContractHarness {
  const { url, username, password } = panel;
  const open = async (requestTimeout: number) => {
    const { provider, context } = openOn(definition, { options: { url, username, password } }, { requestTimeout });
    return { provider, close: () => context.http.close() };
  };
  const held = async (name: string) => {
    const lines = (await panel.zoneFile(ZONE)).split('\n').filter((line) => line.startsWith(`${name}.\t`));
    return lines.map((line) => [...line.matchAll(/"([^"]*)"/g)].map(([, text]) => text).join('')).sort();
  };
  return {
    zone: ZONE,
    open,
    held,
    plant: (name, value) => panel.appendTo(ZONE, `${name}.\t60\tIN\tTXT\t"${value}"`),
    async close() {
      // Where a test has left something, the next one would find it.
      const { provider, close } = await open(15_000);
      for (const host of ['', '.www', '.www.shop']) {
        const name = `_acme-challenge${host}.${ZONE}` as never;
        for (const value of await held(name)) await provider.removeTxt({ name, value, ttl: 60, zone: ZONE as never });
        expect(await held(name)).toEqual([]);
      }
      await close();
    },
  };
}
