import { CLOUDFLARE_TOKEN, startCloudflareFake } from '../../fakes/cloudflare.ts';
import { CPANEL_TOKEN, CPANEL_USER, startCpanelFake } from '../../fakes/cpanel.ts';
import { DESEC_TOKEN, startDesecFake } from '../../fakes/desec.ts';
import { DIGITALOCEAN_TOKEN, startDigitaloceanFake } from '../../fakes/digitalocean.ts';
import { DIRECTADMIN_KEY, DIRECTADMIN_USER, startDirectadminFake } from '../../fakes/directadmin.ts';
import { GANDI_API_KEY, GANDI_TOKEN, startGandiFake } from '../../fakes/gandi.ts';
import { HESTIA_ACCESS, HESTIA_SECRET, startHestiacpFake } from '../../fakes/hestiacp.ts';
import { HETZNER_TOKEN, startHetznerFake } from '../../fakes/hetzner.ts';
import { HTTPREQ_LOGIN, startHttpreqFake } from '../../fakes/httpreq.ts';
import { INWX_LOGIN, startInwxFake } from '../../fakes/inwx.ts';
import { IONOS_KEY, startIonosFake } from '../../fakes/ionos.ts';
import { NAMECHEAP_LOGIN, startNamecheapFake } from '../../fakes/namecheap.ts';
import { NETCUP_LOGIN, startNetcupFake } from '../../fakes/netcup.ts';
import { OVH_KEYS, startOvhFake } from '../../fakes/ovh.ts';
import { PLESK_PASSWORD, PLESK_USER, startPleskFake } from '../../fakes/plesk.ts';
import { PORKBUN_KEYS, startPorkbunFake } from '../../fakes/porkbun.ts';
import { ROUTE53_KEY, startRoute53Fake } from '../../fakes/route53.ts';
import { startZoneidFake } from '../../fakes/zoneid.ts';
import { PANEL_CASES } from './panel-cases.ts';
import { type PeerCase, VALUE } from './peers.ts';

/**
 * How the clients of other projects use each provider: through the vendor's own address, with the login of the stand-in.
 * A client that does not have the provider is left out.
 */
export const CASES: readonly PeerCase[] = [
  ...PANEL_CASES,
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
    // Debian's lego and lexicon only know the API of the old DNS console.
    provider: 'hetzner',
    start: () => startHetznerFake(),
    hosts: ['api.hetzner.cloud'],
    acmesh: { script: 'dns_hetznercloud', env: { HETZNER_TOKEN } },
  },
  {
    provider: 'httpreq',
    start: () => startHttpreqFake({ body: 'echo' }),
    hosts: ['httpreq.example.org'],
    lego: {
      code: 'httpreq',
      env: {
        HTTPREQ_ENDPOINT: 'https://httpreq.example.org',
        HTTPREQ_USERNAME: HTTPREQ_LOGIN.username,
        HTTPREQ_PASSWORD: HTTPREQ_LOGIN.password,
      },
    },
    acmesh: {
      script: 'dns_acmeproxy',
      env: {
        ACMEPROXY_ENDPOINT: 'https://httpreq.example.org',
        ACMEPROXY_USERNAME: HTTPREQ_LOGIN.username,
        ACMEPROXY_PASSWORD: HTTPREQ_LOGIN.password,
      },
    },
  },
  {
    // Debian's lexicon does not have it, and Debian's lego does not find its record again (fixed in lego 4.15.0).
    provider: 'ionos',
    start: () => startIonosFake(),
    hosts: ['api.hosting.ionos.com'],
    acmesh: { script: 'dns_ionos', env: { IONOS_PREFIX: IONOS_KEY.prefix, IONOS_SECRET: IONOS_KEY.secret } },
  },
  {
    provider: 'porkbun',
    own: 'few',
    start: () => startPorkbunFake(),
    // Debian's lego is built without it, and Debian's lexicon uses the host of before December 2024.
    hosts: ['api.porkbun.com', 'porkbun.com'],
    lexicon: {
      service: 'porkbun',
      env: { LEXICON_PORKBUN_AUTH_KEY: PORKBUN_KEYS.apiKey, LEXICON_PORKBUN_AUTH_SECRET: PORKBUN_KEYS.secretApiKey },
    },
    acmesh: {
      script: 'dns_porkbun',
      env: { PORKBUN_API_KEY: PORKBUN_KEYS.apiKey, PORKBUN_SECRET_API_KEY: PORKBUN_KEYS.secretApiKey },
    },
  },
  {
    // Debian's lego has the address that Gandi's API had before 2024.
    provider: 'gandi',
    start: () => startGandiFake(),
    hosts: ['api.gandi.net'],
    lexicon: {
      service: 'gandi',
      env: { LEXICON_GANDI_AUTH_TOKEN: GANDI_API_KEY, LEXICON_GANDI_API_PROTOCOL: 'rest' },
    },
    acmesh: { script: 'dns_gandi_livedns', env: { GANDI_LIVEDNS_TOKEN: GANDI_TOKEN } },
  },
  {
    // Debian's lexicon lacks the module that it needs for this.
    provider: 'namecheap',
    async start() {
      const fake = await startNamecheapFake();
      // acme.sh's script takes an empty zone for an error.
      fake.plant('www.example.com', '192.0.2.1', 'A');
      return fake;
    },
    hosts: ['api.namecheap.com', 'dynamicdns.park-your-domain.com'],
    lego: {
      code: 'namecheap',
      env: { NAMECHEAP_API_USER: NAMECHEAP_LOGIN.user, NAMECHEAP_API_KEY: NAMECHEAP_LOGIN.apiKey },
    },
    acmesh: {
      script: 'dns_namecheap',
      env: {
        NAMECHEAP_USERNAME: NAMECHEAP_LOGIN.user,
        NAMECHEAP_API_KEY: NAMECHEAP_LOGIN.apiKey,
        NAMECHEAP_SOURCEIP: NAMECHEAP_LOGIN.clientIp,
      },
    },
  },
  {
    provider: 'route53',
    start: () => startRoute53Fake(),
    hosts: ['route53.amazonaws.com'],
    lego: {
      code: 'route53',
      env: {
        AWS_ACCESS_KEY_ID: ROUTE53_KEY.accessKeyId,
        AWS_SECRET_ACCESS_KEY: ROUTE53_KEY.secretAccessKey,
        AWS_REGION: 'us-east-1',
      },
    },
    lexicon: {
      service: 'route53',
      env: {
        LEXICON_ROUTE53_AUTH_ACCESS_KEY: ROUTE53_KEY.accessKeyId,
        LEXICON_ROUTE53_AUTH_ACCESS_SECRET: ROUTE53_KEY.secretAccessKey,
      },
    },
    acmesh: {
      script: 'dns_aws',
      env: { AWS_ACCESS_KEY_ID: ROUTE53_KEY.accessKeyId, AWS_SECRET_ACCESS_KEY: ROUTE53_KEY.secretAccessKey },
    },
  },
  {
    provider: 'zoneid',
    async start() {
      const fake = await startZoneidFake({ username: 'it', apiKey: 'zoneid-api-key' });
      const calls = { add: 'POST txt', remove: 'DELETE txt' };
      return { ...fake, options: {}, secrets: [], calls, plant: () => {}, everything: () => [] };
    },
    own: 'none',
    hosts: ['api.zone.eu', 'api.zone.ee'],
    lego: { code: 'zoneee', env: { ZONEEE_API_USER: 'it', ZONEEE_API_KEY: 'zoneid-api-key' } },
    acmesh: { script: 'dns_zone', env: { ZONE_Username: 'it', ZONE_Key: 'zoneid-api-key' } },
  },
  {
    provider: 'ovh',
    own: 'few',
    start: () => startOvhFake(),
    hosts: ['eu.api.ovh.com'],
    lego: {
      code: 'ovh',
      env: {
        OVH_ENDPOINT: 'ovh-eu',
        OVH_APPLICATION_KEY: OVH_KEYS.applicationKey,
        OVH_APPLICATION_SECRET: OVH_KEYS.applicationSecret,
        OVH_CONSUMER_KEY: OVH_KEYS.consumerKey,
      },
    },
    lexicon: {
      service: 'ovh',
      env: {
        LEXICON_OVH_AUTH_ENTRYPOINT: 'ovh-eu',
        LEXICON_OVH_AUTH_APPLICATION_KEY: OVH_KEYS.applicationKey,
        LEXICON_OVH_AUTH_APPLICATION_SECRET: OVH_KEYS.applicationSecret,
        LEXICON_OVH_AUTH_CONSUMER_KEY: OVH_KEYS.consumerKey,
      },
      // lexicon finds a value again only if it is given as OVH stores it, in quotes.
      args: [`--content="${VALUE}"`],
    },
    acmesh: {
      script: 'dns_ovh',
      env: { OVH_AK: OVH_KEYS.applicationKey, OVH_AS: OVH_KEYS.applicationSecret, OVH_CK: OVH_KEYS.consumerKey },
    },
  },
  {
    provider: 'netcup',
    async start() {
      const standIn = await startNetcupFake();
      // netcup answers a list of an empty zone with an error, at which lexicon and acme.sh give up.
      standIn.plant('example.com', '192.0.2.1', 'A');
      return standIn;
    },
    hosts: ['ccp.netcup.net'],
    lego: {
      code: 'netcup',
      env: {
        NETCUP_CUSTOMER_NUMBER: NETCUP_LOGIN.customerNumber,
        NETCUP_API_KEY: NETCUP_LOGIN.apiKey,
        NETCUP_API_PASSWORD: NETCUP_LOGIN.apiPassword,
      },
    },
    lexicon: {
      service: 'netcup',
      env: {
        LEXICON_NETCUP_AUTH_CUSTOMER_ID: NETCUP_LOGIN.customerNumber,
        LEXICON_NETCUP_AUTH_API_KEY: NETCUP_LOGIN.apiKey,
        LEXICON_NETCUP_AUTH_API_PASSWORD: NETCUP_LOGIN.apiPassword,
      },
    },
    acmesh: {
      script: 'dns_netcup',
      env: {
        NC_Apikey: NETCUP_LOGIN.apiKey,
        NC_Apipw: NETCUP_LOGIN.apiPassword,
        NC_CID: NETCUP_LOGIN.customerNumber,
      },
    },
  },
  {
    provider: 'inwx',
    start: () => startInwxFake(),
    hosts: ['api.domrobot.com'],
    lego: { code: 'inwx', env: { INWX_USERNAME: INWX_LOGIN.username, INWX_PASSWORD: INWX_LOGIN.password } },
    lexicon: {
      service: 'inwx',
      env: (origin) => ({
        LEXICON_INWX_AUTH_USERNAME: INWX_LOGIN.username,
        LEXICON_INWX_AUTH_PASSWORD: INWX_LOGIN.password,
        LEXICON_INWX_ENDPOINT: `${origin}/xmlrpc/`,
      }),
    },
  },
  {
    // acme.sh finds ids only as texts, which they are today, and Debian's lego only as numbers, which they were.
    provider: 'inwx',
    start: () => startInwxFake({ ids: 'string' }),
    own: 'none',
    hosts: ['api.domrobot.com'],
    acmesh: { script: 'dns_inwx', env: { INWX_User: INWX_LOGIN.username, INWX_Password: INWX_LOGIN.password } },
  },
  {
    provider: 'cpanel',
    start: () => startCpanelFake(),
    hosts: ['panel.example.net'],
    acmesh: {
      script: 'dns_cpanel_uapi',
      env: {
        cPanel_Hostname: 'https://panel.example.net',
        cPanel_Username: CPANEL_USER,
        cPanel_Apitoken: CPANEL_TOKEN,
      },
    },
  },
  {
    provider: 'directadmin',
    start: () => startDirectadminFake(),
    hosts: ['panel.example.net'],
    lexicon: {
      service: 'directadmin',
      env: {
        LEXICON_DIRECTADMIN_ENDPOINT: 'https://panel.example.net',
        LEXICON_DIRECTADMIN_AUTH_USERNAME: DIRECTADMIN_USER,
        LEXICON_DIRECTADMIN_AUTH_PASSWORD: DIRECTADMIN_KEY,
      },
    },
    acmesh: {
      script: 'dns_da',
      env: {
        DA_Api: `https://${DIRECTADMIN_USER}:${encodeURIComponent(DIRECTADMIN_KEY)}@panel.example.net`,
        DA_Api_Insecure: '0',
      },
    },
  },
  {
    provider: 'hestiacp',
    start: () => startHestiacpFake(),
    hosts: ['panel.example.net'],
    // Only in acme.sh's source since July 2026.
    acmesh: {
      script: 'dns_hestiacp',
      env: {
        HESTIA_HOST: 'https://panel.example.net',
        HESTIA_ACCESS,
        HESTIA_SECRET,
        HESTIA_USER: 'it',
      },
    },
  },
  {
    provider: 'plesk',
    start: () => startPleskFake(),
    hosts: ['panel.example.net'],
    lexicon: {
      service: 'plesk',
      env: {
        LEXICON_PLESK_PLESK_SERVER: 'https://panel.example.net',
        LEXICON_PLESK_AUTH_USERNAME: PLESK_USER,
        LEXICON_PLESK_AUTH_PASSWORD: PLESK_PASSWORD,
      },
    },
    acmesh: {
      script: 'dns_pleskxml',
      env: {
        pleskxml_uri: 'https://panel.example.net/enterprise/control/agent.php',
        pleskxml_user: PLESK_USER,
        pleskxml_pass: PLESK_PASSWORD,
      },
    },
  },
];
