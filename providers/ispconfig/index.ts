/** ISPConfig 3: the panel's JSON remote API. */
import { defineProvider, type ProviderDocs, type RightCheck } from '../../src/provider.ts';
import { CONCURRENCY, createChanges } from './changes.ts';
import { openPanel, type Panel } from './client.ts';
import { listZones, nameServers } from './lookups.ts';
import { optionsSchema } from './schema.ts';

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
    add: 'login, dns_zone_get, dns_txt_get, dns_txt_add, logout. For many values of a zone all but dns_txt_add once: one dns_txt_get shows what all challenge names of the zone hold',
    remove:
      'login, dns_txt_get, dns_txt_delete, logout. For many values of a zone one dns_zone_get more, and all but dns_txt_delete once',
  },
  tried:
    'Tried against the real ISPConfig 3.2.12p1 and 3.2.11p1 with BIND behind them: values up to 1,022 octets, batches of 60, missing rights, zone settings that the panel refuses, sessions that end in the middle. The tests run against a stand-in made from what was seen there.',
  notes: [
    'The panel publishes with a cron job, once a minute: a value takes up to a minute and a half to be served, longer with several servers.',
    'A zone that the nameserver refuses is not published at all, although the panel says ok. If the wait for a value fails, look at the zone in the panel.',
    'clientId makes that client the owner of the whole zone, with every record added. Leave it out unless that is wanted.',
    'Records that other tools have stored with a name relative to the zone are seen and removed as well.',
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
  concurrency: CONCURRENCY,
  changes: { atMost: 250, atomic: false },
  usualDelayMs: 60_000,
  create(options, context) {
    const panel = openPanel(options, context);
    return {
      ...createChanges(panel, options, context),
      listZones: () => listZones(panel),
      checkRights: () => checkRights(panel),
      nameServers: (zone) => nameServers(panel, zone),
      close: panel.close,
    };
  },
});

/**
 * Calls that, with the right, the panel refuses for their content or that find nothing. They store and remove nothing
 * (observed on ISPConfig 3.2.12p1).
 */
const PROBES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  dns_zone_get: { primary_id: { origin: 'dns01-rights.invalid.' } },
  // There is no zone -1, and the form is empty.
  dns_zone_update: { client_id: 0, primary_id: -1, params: {} },
  dns_txt_get: { primary_id: { name: 'dns01-rights.invalid.', type: 'TXT' } },
  // Refused for two reasons: a TTL below 60 and empty data.
  dns_txt_add: { client_id: 0, params: { type: 'TXT', name: 'dns01-rights.invalid.', data: '', ttl: '0', zone: '0' } },
  // There is no record -1, and the answer says that none was removed.
  dns_txt_delete: { primary_id: -1, update_serial: false },
};

/** The functions that the remote user may call, each tried without a change. */
async function checkRights(panel: Panel): Promise<RightCheck[]> {
  const checks: RightCheck[] = [];
  for (const [right, body] of Object.entries(PROBES)) {
    const refusal = await panel.mayNot(right, body);
    checks.push({ right, held: refusal === undefined, hint: refusal?.hint });
  }
  return checks;
}
