import definition from '../../../providers/froxlor/index.ts';
import { startFroxlorFake } from '../../fakes/froxlor.ts';
import { describeStandIn } from '../../support/stand-in-contract.ts';

describeStandIn('froxlor', definition, () => startFroxlorFake());
describeStandIn('froxlor for PowerDNS', definition, () => startFroxlorFake({ dnsServer: 'PowerDNS', language: 'de' }), {
  faults: false,
});
