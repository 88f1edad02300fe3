import { startFroxlorFake } from '../../fakes/froxlor.ts';
import { POWERADMIN_KEY, startPoweradminFake } from '../../fakes/poweradmin.ts';
import { startTechnitiumFake, TECHNITIUM_TOKEN } from '../../fakes/technitium.ts';
import { startVirtualminFake } from '../../fakes/virtualmin.ts';
import type { PeerCase } from './peers.ts';

const HOST = 'panel.example.net';

/** Panels and name servers of one's own, each at an address of its own. */
export const PANEL_CASES: readonly PeerCase[] = [
  // No other client has it.
  { provider: 'froxlor', start: () => startFroxlorFake(), hosts: [] },
  {
    // lego has it since 5.2.
    provider: 'poweradmin',
    start: () => startPoweradminFake(),
    hosts: [HOST],
    acmesh: {
      script: 'dns_poweradmin',
      env: { POWERADMIN_URL: `https://${HOST}`, POWERADMIN_API_KEY: POWERADMIN_KEY },
    },
  },
  {
    // lego has it since 4.20.
    provider: 'technitium',
    start: () => startTechnitiumFake(),
    hosts: [HOST],
    acmesh: {
      script: 'dns_technitium',
      env: { Technitium_Server: `https://${HOST}`, Technitium_Token: TECHNITIUM_TOKEN },
    },
  },
  // No other client has it.
  { provider: 'virtualmin', start: () => startVirtualminFake(), hosts: [] },
];
