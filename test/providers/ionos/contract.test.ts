import ionos from '../../../providers/ionos/index.ts';
import { startIonosFake } from '../../fakes/ionos.ts';
import { describeStandIn } from '../../support/stand-in-contract.ts';

describeStandIn('ionos', ionos, startIonosFake);
describeStandIn('ionos with zoneId', ionos, () => startIonosFake({ withZoneId: true }));
