import definition from '../../../providers/virtualmin/index.ts';
import { startVirtualminFake } from '../../fakes/virtualmin.ts';
import { describeStandIn } from '../../support/stand-in-contract.ts';

describeStandIn('virtualmin', definition, () => startVirtualminFake());
describeStandIn(
  'virtualmin for a domain owner',
  definition,
  () => startVirtualminFake({ login: 'owner', language: 'de' }),
  {
    faults: false,
  },
);
