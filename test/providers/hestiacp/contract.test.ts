import definition from '../../../providers/hestiacp/index.ts';
import { startHestiacpFake } from '../../fakes/hestiacp.ts';
import { describeStandIn } from '../../support/stand-in-contract.ts';

describeStandIn('hestiacp', definition, startHestiacpFake);
