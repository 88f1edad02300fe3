import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { normaliseName } from '../../../src/names.ts';
import { type IspconfigFake, startIspconfigFake } from '../../fakes/ispconfig.ts';
import { openOn } from './support.ts';

let fake: IspconfigFake;
beforeEach(async () => {
  fake = await startIspconfigFake({ zones: [{ name: 'example.com' }, { name: 'sub.example.com' }] });
});
afterEach(() => fake.close());

async function nameServers(zone: string): Promise<string[] | undefined> {
  const { provider } = openOn(fake);
  try {
    return await provider.nameServers?.(normaliseName(zone));
  } finally {
    await provider.close?.();
  }
}
const plant = (data: string, more: object = {}) => fake.plant({ name: 'example.com.', type: 'NS', data, ...more });

describe('the name servers of a zone, as ISPConfig has them', () => {
  it('are its NS rows, full or relative to the zone, without those that are switched off', async () => {
    plant('NS1.panel.example.');
    plant('ns2');
    plant('old.panel.example.', { active: 'N' });
    plant('mail.panel.example.', { type: 'MX' });
    fake.server.takeCalls();
    expect(await nameServers('example.com')).toEqual(['ns1.panel.example', 'ns2.example.com']);
    expect(fake.server.takeCalls()).toEqual(['login', 'dns_zone_get', 'dns_txt_get', 'logout']);
  });

  it('are not the rows by which the zone above delegates it', async () => {
    plant('ns1.elsewhere.example.', { name: 'sub.example.com.' });
    expect(await nameServers('sub.example.com')).toEqual([]);
  });

  it('are none for a zone that the panel does not have', async () => {
    plant('ns1.elsewhere.example.', { name: 'other.example.com.' });
    expect(await nameServers('other.example.com')).toEqual([]);
  });
});
