import type { RightCheck } from '../../src/provider.ts';
import type { Panel } from './client.ts';

/**
 * Calls that the panel refuses for their content, or that find nothing, once the right is there: nothing is stored or
 * removed by them (observed on ISPConfig 3.2.12p1). `dns_zone_update` has no such call.
 */
const PROBES: readonly (readonly [call: string, body: Readonly<Record<string, unknown>>])[] = [
  ['dns_zone_get', { primary_id: { origin: 'dns01-rights.invalid.' } }],
  ['dns_txt_get', { primary_id: { name: 'dns01-rights.invalid.', type: 'TXT' } }],
  // Refused twice over: no TTL below 60 and no empty data are stored.
  [
    'dns_txt_add',
    { client_id: 0, params: { type: 'TXT', name: 'dns01-rights.invalid.', data: '', ttl: '0', zone: '0' } },
  ],
  // There is no record -1, and the answer says that none was removed.
  ['dns_txt_delete', { primary_id: -1, update_serial: false }],
];

/** Which functions the remote user may call, each tried without changing anything. */
export async function checkRights(panel: Panel): Promise<RightCheck[]> {
  const checks: RightCheck[] = [];
  for (const [call, body] of PROBES) {
    const refusal = await panel.mayNot(call, body);
    checks.push({ right: call, held: refusal === undefined, hint: refusal?.hint });
  }
  return checks;
}
