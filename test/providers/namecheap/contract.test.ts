import namecheap from '../../../providers/namecheap/index.ts';
import { startNamecheapFake } from '../../fakes/namecheap.ts';
import { describeStandIn } from '../../support/stand-in-contract.ts';

describeStandIn('namecheap', namecheap, () => startNamecheapFake());
