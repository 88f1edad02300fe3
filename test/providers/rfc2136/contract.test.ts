import { type ContractHarness, describeContract } from '../../contract.ts';
import { startUpdateFake, type UpdateFakeSettings } from '../../fakes/dns-update.ts';
import { openUpdates } from './support.ts';

const VARIANTS: Record<string, UpdateFakeSettings> = {
  'a primary': {},
  'hmac-sha384': { algorithm: 'hmac-sha384' },
  'hmac-sha512': { algorithm: 'hmac-sha512' },
};

for (const [variant, settings] of Object.entries(VARIANTS)) {
  describeContract(`rfc2136, ${variant},`, () => startHarness(settings));
}

async function startHarness(settings: UpdateFakeSettings): Promise<ContractHarness> {
  const fake = await startUpdateFake(settings);
  return {
    zone: 'example.com',
    open: async () => openUpdates(fake),
    held: async (name) => fake.held(name),
    plant: async (name, value) => fake.plant(name, value),
    faults: { server: fake.server, addCall: 'add', removeCall: 'delete' },
    close: () => fake.close(),
  };
}
