import hetzner from '../../../providers/hetzner/index.ts';
import { startHetznerFake } from '../../fakes/hetzner.ts';
import { describeStandIn } from '../../support/stand-in-contract.ts';

describeStandIn('hetzner', hetzner, () => startHetznerFake());
describeStandIn('hetzner with the same TTL at the name', hetzner, () => startHetznerFake({ plantTtl: 60 }));
