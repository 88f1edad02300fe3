/** ISPConfig 3: the panel's JSON remote API. */
import { defineProvider, type ProviderDocs, type RightCheck } from '../../src/provider.ts';
import { CONCURRENCY, createChanges } from './changes.ts';
import { openPanel, type Panel } from './client.ts';
import { listZones, nameServers } from './lookups.ts';
import { optionsSchema } from './schema.ts';

const docs: ProviderDocs = {
  url: 'https://git.ispconfig.org/ispconfig/ispconfig3/-/tree/develop/remoting_client/API-docs',
  rights: [
    'A remote user. Create it in the panel under System > Remote Users.',
    'Its functions "DNS zone functions" and "DNS txt functions". Since ISPConfig 3.2.8, "ISPConfig module: acme proxy functions" alone is enough. It does not need "Client functions".',
    'Its "Remote Access", with the address of this machine if the panel limits addresses.',
    'Or, without a remote user: the login of a customer with `clientLogin: true`, if the limits of that client allow the API.',
  ],
  requests: {
    add: '5: login, dns_zone_get, dns_txt_get, dns_txt_add, logout. For many values of a zone, only dns_txt_add is repeated',
    remove:
      '4: login, dns_txt_get, dns_txt_delete, logout. For many values of a zone, 1 more (dns_zone_get), and only dns_txt_delete is repeated',
  },
  tried:
    'With the real ISPConfig 3.2.12p1 and 3.2.11p1 and BIND: values up to 1,022 octets, batches of 60, missing rights, zone settings that the panel refuses, sessions that end early. Most automated tests use a stand-in that copies what was observed there.',
  notes: [
    'The panel publishes changes with a cron job once a minute. It takes up to 90 seconds until a value is served, longer with several servers.',
    'If the name server rejects a zone, the panel still reports success, but nothing is published. If the propagation check times out, look at the zone in the panel.',
    'With `clientId`, each added record makes that client the owner of the whole zone. Omit it unless you want that.',
    'dns01 also finds and removes records that other tools stored with a name relative to the zone.',
    'Most panels have a self-signed certificate. Set `ca` or `fingerprint`.',
    'Ten failed logins in five minutes lock out the address, and everyone behind it. dns01 does not repeat a refused login for five minutes.',
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
