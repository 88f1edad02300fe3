import { growthOfBatches } from './growth-batches.ts';
import { growthOfZones } from './growth-zones.ts';
import type { Findings, Part } from './part.ts';

export const growth: Part = {
  title: 'Growth',
  async run(rounds): Promise<Findings> {
    const batches = await growthOfBatches();
    const zones = await growthOfZones(rounds);
    return {
      lines: ['### Many names', '', ...batches.lines, '', '### Large zones', '', ...zones.lines],
      pictures: { ...batches.pictures, ...zones.pictures },
    };
  },
};
