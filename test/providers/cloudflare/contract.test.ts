import definition from '../../../providers/cloudflare/index.ts';
import { startCloudflareFake } from '../../fakes/cloudflare.ts';
import { describeStandIn } from '../../support/stand-in-contract.ts';

describeStandIn('cloudflare', definition, () => startCloudflareFake());
