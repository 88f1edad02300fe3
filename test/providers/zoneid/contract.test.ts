import { type ContractHarness, describeContract } from '../../contract.ts';
import { startZoneidFake, type ZoneidFakeSettings } from '../../fakes/zoneid.ts';
import { openZoneid } from './support.ts';

const VARIANTS: Record<string, ZoneidFakeSettings> = {
  'the documented API': {},
  'integer ids, codes in lists': { ids: 'number', validationErrors: 'lists' },
  'paged lists, codes in an array': { pager: true, validationErrors: 'array' },
  '403 for an unknown zone': { unknownZone: 403 },
  '422 for an unknown zone': { unknownZone: 422 },
};

for (const [variant, settings] of Object.entries(VARIANTS)) {
  describeContract(`zoneid, ${variant},`, () => startHarness(settings));
}

async function startHarness(settings: ZoneidFakeSettings): Promise<ContractHarness> {
  const fake = await startZoneidFake(settings);
  return {
    zone: 'example.com',
    async open(requestTimeout) {
      const { bare, close } = openZoneid(fake, { requestTimeout });
      return { provider: bare, close };
    },
    held: async (name) => fake.held(name),
    async plant(name, value) {
      await fake.plant(name, value);
    },
    faults: { server: fake.server, addCall: 'POST txt', removeCall: 'DELETE txt' },
    close: () => fake.close(),
  };
}
