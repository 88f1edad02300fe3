import { unquoteTxt } from '../../../src/provider.ts';
import { type ContractHarness, describeContract } from '../../contract.ts';
import { type PowerdnsFakeSettings, startPowerdnsFake } from '../../fakes/powerdns.ts';
import { openPowerdns } from './support.ts';

/** The first with everything that can go wrong on the way. */
const VARIANTS: Record<string, PowerdnsFakeSettings> = {
  '4.7': {},
  '5.0, which shows disabled values': { filter: 'shows disabled', takesExtend: true },
  'a backend that cannot be searched': { search: 'finds nothing' },
  'a release that forgets the type': { filter: 'forgets the type' },
  'a release without the filter': { filter: 'none', search: 'fails' },
};

for (const [variant, settings] of Object.entries(VARIANTS)) {
  const faults = variant === '4.7';
  describeContract(`powerdns, ${variant},`, () => startHarness(settings, faults), { faults });
}

async function startHarness(settings: PowerdnsFakeSettings, withFaults: boolean): Promise<ContractHarness> {
  const fake = await startPowerdnsFake(settings);
  return {
    zone: 'example.com',
    open: async (requestTimeout) => openPowerdns(fake, requestTimeout),
    held: async (name) => fake.held(name).map(unquoteTxt),
    plant: async (name, value) => fake.plant(name, `"${value}"`),
    ...(withFaults ? { faults: { server: fake.server, addCall: 'PATCH zone', removeCall: 'PATCH zone' } } : {}),
    close: () => fake.close(),
  };
}
