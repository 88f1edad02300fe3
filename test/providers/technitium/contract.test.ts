import definition from '../../../providers/technitium/index.ts';
import { startTechnitiumFake } from '../../fakes/technitium.ts';
import { describeStandIn } from '../../support/stand-in-contract.ts';

describeStandIn('technitium', definition, () => startTechnitiumFake());
describeStandIn('technitium 12', definition, () => startTechnitiumFake({ release: '12' }));
