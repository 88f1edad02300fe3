import { Dns01Error } from '../../src/errors.ts';
import type { DnsProvider, Fqdn, ProviderContext, TxtRecord } from '../../src/provider.ts';
import type { LexiconClient } from './client.ts';

/** The provider's verbs. lexicon does not tell a change from none, so a list goes first. */
export function createRecords(lexicon: LexiconClient, context: ProviderContext): DnsProvider {
  async function isThere({ name, value }: TxtRecord, zone: Fqdn): Promise<boolean> {
    return (await lexicon.list({ zone, name })).includes(value);
  }

  return {
    async addTxt(record) {
      const { name, value, ttl } = record;
      refuseSyntax(value);
      const zone = knownZone(name, record.zone);
      if (await isThere(record, zone)) return { zone, changed: false };
      await context.writeOnce<true>({
        write: async () => {
          await lexicon.create({ zone, name, value, ttl });
          return true;
        },
        look: async () => ((await isThere(record, zone)) ? true : undefined),
      });
      return { zone, changed: true };
    },

    async removeTxt(record, handle) {
      const { name, value } = record;
      refuseSyntax(value);
      const zone = knownZone(name, handle?.zone ?? record.zone);
      if (!(await isThere(record, zone))) return 'absent';
      return context.writeOnce<'removed'>({
        write: async () => {
          await lexicon.delete({ zone, name, value });
          return 'removed';
        },
        look: async () => ((await isThere(record, zone)) ? undefined : 'removed'),
      });
    },

    async listTxt(name, zone) {
      return lexicon.list({ zone: knownZone(name, zone), name });
    },
  };
}

/** lexicon would guess it, by the list of public suffixes: a zone below a registered domain it would miss. */
function knownZone(name: Fqdn, zone: Fqdn | undefined): Fqdn {
  if (zone !== undefined) return zone;
  throw new Dns01Error('E_ZONE', `lexicon has to be told which zone holds ${name}`, {
    hint: 'name the zone in zones of the config, or with --zone',
  });
}

/** Some of lexicon's providers hand the value on as zone file text, where these end it, split it or mean something. */
function refuseSyntax(value: string): void {
  if (!/[\s;@()$]/.test(value)) return;
  throw new Dns01Error('E_REJECTED', `lexicon cannot be trusted with the value ${value}`, {
    hint: 'some of its providers read spaces, semicolons, parentheses, @ and $ as zone file syntax; use another provider',
  });
}
