import { type ContractHarness, describeContract } from '../../contract.ts';
import { type PanelalphaFakeSettings, startPanelalphaFake } from '../../fakes/panelalpha.ts';
import { ACCOUNT_ID, openPanelalpha } from './support.ts';

/** The panel at its mildest and at its ugliest, both with everything that can go wrong on the way. */
const VARIANTS: Record<string, PanelalphaFakeSettings> = {
  'full names and ids': {},
  'line numbers, names that are doubled, late changes, duplicates taken': {
    lineKind: 'number',
    nameOut: 'fqdn',
    nameIn: 'zone file',
    quoting: 'chunks',
    valueField: 'content',
    listForm: 'keyed',
    paging: 'meta',
    duplicates: 'accepted',
    delay: 1,
    language: 'de',
  },
};

for (const [variant, settings] of Object.entries(VARIANTS)) {
  describeContract(`panelalpha, ${variant},`, () => startHarness(settings));
}

async function startHarness(settings: PanelalphaFakeSettings): Promise<ContractHarness> {
  const fake = await startPanelalphaFake(settings);
  return {
    zone: 'example.com',
    async open(requestTimeout) {
      const { bare, close } = openPanelalpha({ ...fake, accountId: ACCOUNT_ID }, requestTimeout);
      return { provider: bare, close };
    },
    held: async (name) => fake.held(name),
    plant: async (name, value) => fake.plant(name, value),
    faults: { server: fake.server, addCall: 'POST record', removeCall: 'DELETE record' },
    close: () => fake.close(),
  };
}
