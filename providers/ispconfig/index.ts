/** ISPConfig 3: the panel's JSON remote API. */
import { defineProvider, type ProviderDocs } from '../../src/provider.ts';
import { addTxt } from './add.ts';
import { openPanel } from './client.ts';
import { nameServers } from './name-servers.ts';
import { removeTxt } from './remove.ts';
import { checkRights } from './rights.ts';
import { openRowBook } from './row-book.ts';
import { isServed, isTxtAt } from './rows.ts';
import { optionsSchema } from './schema.ts';
import { takingTurns } from './turns.ts';
import { dotted, openZoneBook } from './zone-book.ts';
import { listZones } from './zones.ts';

const docs: ProviderDocs = {
  url: 'https://git.ispconfig.org/ispconfig/ispconfig3/-/tree/develop/remoting_client/API-docs',
  rights: [
    'Make a remote user in the panel under System > Remote Users.',
    'Tick "DNS zone functions" and "DNS txt functions" for it. Since ISPConfig 3.2.8 the one box "ISPConfig module: acme proxy functions" is enough instead.',
    '"Client functions" are not needed.',
    'Tick "Remote Access" too, and add the address of this machine if the panel limits it.',
    'A customer without a remote user can use his own login with clientLogin: true, once the limits of his client allow the API.',
  ],
  requests: {
    add: 'login, one dns_zone_get for each name that could be the zone (one when the zone is known), dns_txt_get, dns_txt_add, logout. In a batch all but dns_txt_add once: the zone is asked for once, and one dns_txt_get shows what all challenge names of the zone hold, for half a minute',
    remove: 'login, dns_txt_get, one dns_txt_delete for each record, logout',
  },
  tried:
    'Built to what was observed of a real ISPConfig 3.2.12p1 (some calls also on 3.2.11p1) with BIND behind it. The tests run against a fake made from those observations.',
  notes: [
    'The panel publishes with a cron job, once a minute: a value takes up to a minute and a half to be served, longer with several servers.',
    'A zone that the nameserver refuses is not published at all, although the panel says ok. If the wait for a value ends in vain, look at the zone in the panel.',
    'clientId makes that client the owner of the whole zone, with every record added. Leave it out unless that is wanted.',
    'Records that other tools have stored with a name relative to the zone are neither seen nor removed.',
    'Most panels have a certificate of their own making: give it with ca or fingerprint.',
    'Ten failed logins in five minutes lock the address out for everybody behind it. dns01 never repeats a login that was refused.',
  ],
};

export default defineProvider({
  type: 'ispconfig',
  title: 'ISPConfig 3',
  docs,
  options: optionsSchema,
  http: true,
  concurrency: 4,
  create(options, context) {
    const panel = openPanel(options, context);
    const known = { zones: openZoneBook(panel), rows: openRowBook(panel), inTurn: takingTurns() };
    return {
      addTxt: (record) => addTxt(panel, record, options, context, known),
      async removeTxt(record) {
        // A look that an add takes in the meantime would show the rows that go, and then one that is gone.
        known.rows.forget();
        return removeTxt(panel, record, context).finally(known.rows.forget);
      },
      async listTxt(name) {
        const rows = await panel.rows({ name: dotted(name), type: 'TXT' });
        const served = rows.filter((row) => isTxtAt(row, name) && isServed(row));
        return [...new Set(served.map(({ data }) => data))];
      },
      listZones: () => listZones(panel),
      checkRights: () => checkRights(panel),
      nameServers: (zone) => nameServers(panel, zone),
      close: () => panel.close(),
    };
  },
});
