import { CLOUDFLARE_TOKEN, startCloudflareFake } from '../../fakes/cloudflare.ts';
import { DESEC_TOKEN, startDesecFake } from '../../fakes/desec.ts';
import { DIGITALOCEAN_TOKEN, startDigitaloceanFake } from '../../fakes/digitalocean.ts';
import { startZoneidFake } from '../../fakes/zoneid.ts';
import type { PeerCase } from './peers.ts';

/**
 * How the clients of other projects use each provider: through the vendor's own address, with the login of the stand-in.
 * A client that does not have the provider is left out.
 */
export const CASES: readonly PeerCase[] = [
  {
    // Debian's lego is built without this provider.
    provider: 'cloudflare',
    start: () => startCloudflareFake(),
    hosts: ['api.cloudflare.com'],
    lexicon: { service: 'cloudflare', env: { LEXICON_CLOUDFLARE_AUTH_TOKEN: CLOUDFLARE_TOKEN } },
    acmesh: { script: 'dns_cf', env: { CF_Token: CLOUDFLARE_TOKEN } },
  },
  {
    provider: 'desec',
    start: () => startDesecFake(),
    hosts: ['desec.io'],
    lego: { code: 'desec', env: { DESEC_TOKEN } },
    acmesh: { script: 'dns_desec', env: { DEDYN_TOKEN: DESEC_TOKEN } },
  },
  {
    provider: 'digitalocean',
    start: () => startDigitaloceanFake(),
    hosts: ['api.digitalocean.com'],
    lego: { code: 'digitalocean', env: { DO_AUTH_TOKEN: DIGITALOCEAN_TOKEN } },
    lexicon: { service: 'digitalocean', env: { LEXICON_DIGITALOCEAN_AUTH_TOKEN: DIGITALOCEAN_TOKEN } },
    acmesh: { script: 'dns_dgon', env: { DO_API_KEY: DIGITALOCEAN_TOKEN } },
  },
  {
    provider: 'zoneid',
    async start() {
      const fake = await startZoneidFake({ username: 'it', apiKey: 'zoneid-api-key' });
      const calls = { add: 'POST txt', remove: 'DELETE txt' };
      return { ...fake, options: {}, secrets: [], calls, plant: () => {}, everything: () => [] };
    },
    own: false,
    hosts: ['api.zone.eu', 'api.zone.ee'],
    lego: { code: 'zoneee', env: { ZONEEE_API_USER: 'it', ZONEEE_API_KEY: 'zoneid-api-key' } },
    acmesh: { script: 'dns_zone', env: { ZONE_Username: 'it', ZONE_Key: 'zoneid-api-key' } },
  },
];
