import { describeContract } from '../../contract.ts';
import { startIspconfigFake } from '../../fakes/ispconfig.ts';
import { openOn } from './support.ts';

for (const version of ['3.2.11', '3.2.12'] as const) {
  describeContract(`ispconfig on ${version}`, async () => {
    const fake = await startIspconfigFake({ version });
    return {
      zone: 'example.com',
      async open(requestTimeout) {
        const { plain, context } = openOn(fake, {}, requestTimeout);
        return { provider: plain, close: () => context.http.close() };
      },
      held: async (name) => fake.held(name),
      plant: async (name, value) => void fake.plant({ name: `${name}.`, data: value }),
      faults: { server: fake.server, addCall: 'dns_txt_add', removeCall: 'dns_txt_delete' },
      close: () => fake.close(),
    };
  });
}
