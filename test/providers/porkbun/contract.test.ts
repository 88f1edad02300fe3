import porkbun from '../../../providers/porkbun/index.ts';
import { startPorkbunFake } from '../../fakes/porkbun.ts';
import { describeStandIn } from '../../support/stand-in-contract.ts';

describeStandIn('porkbun', porkbun, startPorkbunFake);
