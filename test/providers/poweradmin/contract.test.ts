import definition from '../../../providers/poweradmin/index.ts';
import { startPoweradminFake } from '../../fakes/poweradmin.ts';
import { describeStandIn } from '../../support/stand-in-contract.ts';

describeStandIn('poweradmin', definition, () => startPoweradminFake());
describeStandIn('poweradmin 4.2', definition, () => startPoweradminFake({ release: '4.2' }), { faults: false });
describeStandIn('poweradmin on the API of PowerDNS', definition, () => startPoweradminFake({ backend: 'api' }), {
  faults: false,
});
