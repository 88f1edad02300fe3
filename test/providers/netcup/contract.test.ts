import definition from '../../../providers/netcup/index.ts';
import { type NetcupSettings, startNetcupFake } from '../../fakes/netcup.ts';
import { describeStandIn } from '../../support/stand-in-contract.ts';

const VARIANTS: Record<string, NetcupSettings> = {
  'the reported API': {},
  'identical records refused': { duplicates: 'refuse' },
  'sessions that end after two calls': { callsPerSession: 2 },
};

for (const [variant, settings] of Object.entries(VARIANTS)) {
  describeStandIn(`netcup, ${variant},`, definition, () => startNetcupFake(settings));
}
