import definition from '../../../providers/digitalocean/index.ts';
import { startDigitaloceanFake } from '../../fakes/digitalocean.ts';
import { describeStandIn } from '../../support/stand-in-contract.ts';

describeStandIn('digitalocean', definition, () => startDigitaloceanFake());
