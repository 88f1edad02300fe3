import definition from '../../../providers/plesk/index.ts';
import { startPleskFake } from '../../fakes/plesk.ts';
import { describeStandIn } from '../../support/stand-in-contract.ts';

describeStandIn('plesk', definition, startPleskFake);
