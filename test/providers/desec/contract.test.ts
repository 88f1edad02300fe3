import definition from '../../../providers/desec/index.ts';
import { startDesecFake } from '../../fakes/desec.ts';
import { describeStandIn } from '../../support/stand-in-contract.ts';

describeStandIn('desec', definition, () => startDesecFake());
