import { describe, expect, it } from 'vitest';
import { normaliseName } from '../../../src/names.ts';
import { type PowerdnsFakeSettings, startPowerdnsFake } from '../../fakes/powerdns.ts';
import { inProcess } from './support.ts';

interface Shown {
  readonly names: string[] | undefined;
  readonly calls: string[];
}

/** What the provider tells of a server with these NS records, and a text of a panel that has no quotes. */
async function nameServers(zone: string, settings: PowerdnsFakeSettings = {}): Promise<Shown> {
  const fake = await startPowerdnsFake(settings);
  try {
    fake.plant('example.com', 'ns1.panel.example.', { type: 'NS' });
    fake.plant('example.com', 'NS2.panel.example.', { type: 'NS' });
    fake.plant('example.com', 'old.panel.example.', { type: 'NS', disabled: true });
    fake.plant('sub.example.com', 'ns1.elsewhere.example.', { type: 'NS' });
    fake.plant('www.example.com', 'v=spf1 -all');
    const names = await inProcess(fake, async (provider) => provider.nameServers?.(normaliseName(zone)));
    return { names, calls: fake.server.takeCalls() };
  } finally {
    await fake.close();
  }
}

describe('the name servers of a zone, as PowerDNS has them', () => {
  it.each(['hides disabled', 'shows disabled'] as const)(
    'are its NS records that are served, read by themselves, from a server that %s',
    async (filter) => {
      const shown = await nameServers('example.com', { filter });
      expect(shown).toEqual({ names: ['ns1.panel.example', 'ns2.panel.example'], calls: ['GET rrset'] });
    },
  );

  it.each([
    ['does not have the zone', 'sub.example.com', 'hides disabled'],
    ['cannot show them beside a text without quotes', 'example.com', 'none'],
  ] as const)('are not told by a server that %s', async (_, zone, filter) => {
    expect((await nameServers(zone, { filter })).names).toEqual([]);
  });
});
