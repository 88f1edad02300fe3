import gandi from '../../../providers/gandi/index.ts';
import { startGandiFake } from '../../fakes/gandi.ts';
import { describeStandIn } from '../../support/stand-in-contract.ts';

describeStandIn('gandi', gandi, () => startGandiFake());
