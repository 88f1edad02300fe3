import definition from '../../../providers/cpanel/index.ts';
import { startCpanelFake } from '../../fakes/cpanel.ts';
import { describeStandIn } from '../../support/stand-in-contract.ts';

describeStandIn('cpanel', definition, startCpanelFake);
describeStandIn('cpanel in WHM', definition, () => startCpanelFake({ whm: true, relativeNames: true }), {});
