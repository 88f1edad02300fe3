import { describe, expect, it } from 'vitest';
import { normaliseName } from '../../../src/names.ts';
import { withFake } from './support.ts';

const ns = ['ns1', 'ns2'];

describe('the name servers of a zone, as an RFC 2136 server has them', () => {
  it('are in its NS records, read by one signed question', async () => {
    await withFake({ ns }, async ({ server }, provider) => {
      expect(await provider.nameServers?.(normaliseName('example.com'))).toEqual([
        'ns1.example.com',
        'ns2.example.com',
      ]);
      expect(server.takeCalls()).toEqual(['NS']);
    });
  });

  it('are not told by a server that only knows them from others', async () => {
    await withFake({ ns, authoritative: false }, async (_, provider) => {
      expect(await provider.nameServers?.(normaliseName('example.com'))).toEqual([]);
    });
  });
});
