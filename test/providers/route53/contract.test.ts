import route53 from '../../../providers/route53/index.ts';
import { startRoute53Fake } from '../../fakes/route53.ts';
import { describeStandIn } from '../../support/stand-in-contract.ts';

describeStandIn('route53', route53, () => startRoute53Fake());
