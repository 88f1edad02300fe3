import definition from '../../../providers/directadmin/index.ts';
import { startDirectadminFake } from '../../fakes/directadmin.ts';
import { describeStandIn } from '../../support/stand-in-contract.ts';

describeStandIn('directadmin', definition, startDirectadminFake);
describeStandIn('directadmin of another version', definition, () =>
  startDirectadminFake({ shows: 'quoted', refusalStatus: 200, deletesNothing: 'refuse' }),
);
