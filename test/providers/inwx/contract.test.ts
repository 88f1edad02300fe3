import definition from '../../../providers/inwx/index.ts';
import { startInwxFake } from '../../fakes/inwx.ts';
import { describeStandIn } from '../../support/stand-in-contract.ts';

describeStandIn('inwx, ids as texts,', definition, () => startInwxFake({ ids: 'string' }));
describeStandIn('inwx, sessions that end after two calls,', definition, () => startInwxFake({ callsPerSession: 2 }));
