import definition from '../../../providers/ovh/index.ts';
import { startOvhFake } from '../../fakes/ovh.ts';
import { describeStandIn } from '../../support/stand-in-contract.ts';

describeStandIn('ovh', definition, startOvhFake);
describeStandIn('ovh, ids of created records missing,', definition, () => startOvhFake({ zeroIds: true }));
