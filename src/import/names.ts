import { apiOfIspconfig, endpointOfOvh, joined, loginInUrl, originOf, tsigKeyOf, withoutDot } from './conversions.ts';

/** Where the value of an option comes from: a name, the first of several names that is set, or several values at once. */
export type From = string | readonly string[] | ((get: Get) => string | undefined);

/** The value that the other tool has stored under a name. */
export type Get = (name: string) => string | undefined;

/** Values that are the path of a TSIG key file. The tools' readers put its content in their place. */
export const KEY_FILES: ReadonlySet<string> = new Set(['NSUPDATE_KEY', 'DNSUPDATE_TSIG_FILE']);

export type Tool = 'acme.sh' | 'lego' | 'certbot' | 'lexicon';

/** By the option of our provider. A block's options are written `tsig.name`. */
export type Names = Readonly<Record<string, From>>;

const AWS = { accessKeyId: 'AWS_ACCESS_KEY_ID', secretAccessKey: 'AWS_SECRET_ACCESS_KEY' };

/**
 * What other tools call the options of our providers: acme.sh 3.1's dnsapi files, lego 4 and 5, certbot's own plugins and
 * those of third parties, lexicon 3.
 */
export const NAMES: Readonly<Record<string, Readonly<Partial<Record<Tool, Names>>>>> = {
  'acme-dns': {
    'acme.sh': {
      url: (get) => get('ACMEDNS_BASE_URL') ?? 'https://auth.acme-dns.io',
      username: 'ACMEDNS_USERNAME',
      password: 'ACMEDNS_PASSWORD',
      subdomain: 'ACMEDNS_SUBDOMAIN',
    },
  },
  cloudflare: {
    'acme.sh': { token: 'CF_Token', zoneId: 'CF_Zone_ID' },
    lego: { token: ['CF_DNS_API_TOKEN', 'CLOUDFLARE_DNS_API_TOKEN'], url: 'CLOUDFLARE_BASE_URL' },
    certbot: { token: 'dns_cloudflare_api_token' },
    // With a username, the token is a global API key.
    lexicon: {
      token: (get) => (get('CLOUDFLARE_AUTH_USERNAME') ? undefined : get('CLOUDFLARE_AUTH_TOKEN')),
      zoneId: 'CLOUDFLARE_ZONE_ID',
    },
  },
  cpanel: {
    'acme.sh': { url: 'cPanel_Hostname', username: 'cPanel_Username', token: 'cPanel_Apitoken' },
    lego: {
      url: 'CPANEL_BASE_URL',
      username: 'CPANEL_USERNAME',
      token: 'CPANEL_TOKEN',
      whm: (get) => (get('CPANEL_MODE') === 'whm' ? 'true' : undefined),
    },
    certbot: { url: 'cpanel_url', username: 'cpanel_username', token: 'cpanel_token' },
  },
  desec: {
    'acme.sh': { token: 'DEDYN_TOKEN' },
    lego: { token: 'DESEC_TOKEN' },
    certbot: { token: 'dns_desec_token' },
    lexicon: { token: 'DESEC_AUTH_TOKEN' },
  },
  digitalocean: {
    'acme.sh': { token: 'DO_API_KEY' },
    lego: { token: 'DO_AUTH_TOKEN', url: 'DO_API_URL' },
    certbot: { token: 'dns_digitalocean_token' },
    lexicon: { token: 'DIGITALOCEAN_AUTH_TOKEN' },
  },
  directadmin: {
    'acme.sh': {
      url: (get) => loginInUrl(get('DA_Api'))?.url,
      username: (get) => loginInUrl(get('DA_Api'))?.username,
      loginKey: (get) => loginInUrl(get('DA_Api'))?.password,
    },
    lego: { url: 'DIRECTADMIN_API_URL', username: 'DIRECTADMIN_USERNAME', loginKey: 'DIRECTADMIN_PASSWORD' },
    certbot: {
      url: ['directadmin_url', 'dns_directadmin_url'],
      username: ['directadmin_username', 'dns_directadmin_username'],
      loginKey: ['directadmin_password', 'dns_directadmin_password'],
    },
    lexicon: {
      url: 'DIRECTADMIN_ENDPOINT',
      username: 'DIRECTADMIN_AUTH_USERNAME',
      loginKey: 'DIRECTADMIN_AUTH_PASSWORD',
    },
  },
  gandi: {
    'acme.sh': { token: 'GANDI_LIVEDNS_TOKEN' },
    lego: { token: 'GANDIV5_PERSONAL_ACCESS_TOKEN' },
    certbot: { token: 'dns_gandi_token' },
    lexicon: { token: 'GANDI_AUTH_TOKEN' },
  },
  hetzner: {
    'acme.sh': { token: 'HETZNER_TOKEN', url: 'HETZNER_API' },
    lego: { token: 'HETZNER_API_TOKEN' },
    certbot: { token: 'dns_hetzner_api_token' },
    lexicon: { token: 'HETZNER_AUTH_TOKEN' },
  },
  httpreq: {
    'acme.sh': { url: 'ACMEPROXY_ENDPOINT', username: 'ACMEPROXY_USERNAME', password: 'ACMEPROXY_PASSWORD' },
    lego: { url: 'HTTPREQ_ENDPOINT', username: 'HTTPREQ_USERNAME', password: 'HTTPREQ_PASSWORD' },
  },
  inwx: {
    'acme.sh': { username: 'INWX_User', password: 'INWX_Password', totpSecret: 'INWX_Shared_Secret' },
    lego: { username: 'INWX_USERNAME', password: 'INWX_PASSWORD', totpSecret: 'INWX_SHARED_SECRET' },
    certbot: { username: 'dns_inwx_username', password: 'dns_inwx_password', totpSecret: 'dns_inwx_shared_secret' },
    lexicon: { username: 'INWX_AUTH_USERNAME', password: 'INWX_AUTH_PASSWORD' },
  },
  ionos: {
    'acme.sh': { apiKey: joined('.', 'IONOS_PREFIX', 'IONOS_SECRET') },
    lego: { apiKey: 'IONOS_API_KEY' },
    certbot: { apiKey: joined('.', 'dns_ionos_prefix', 'dns_ionos_secret') },
    lexicon: { apiKey: ['IONOS_API_KEY', 'IONOS_AUTH_API_KEY'] },
  },
  ispconfig: {
    'acme.sh': { url: 'ISPC_Api', username: 'ISPC_User', password: 'ISPC_Password' },
    lego: { url: 'ISPCONFIG_SERVER_URL', username: 'ISPCONFIG_USERNAME', password: 'ISPCONFIG_PASSWORD' },
    certbot: {
      url: (get) => apiOfIspconfig(get('dns_ispconfig_endpoint')),
      username: 'dns_ispconfig_username',
      password: 'dns_ispconfig_password',
    },
  },
  namecheap: {
    'acme.sh': { user: 'NAMECHEAP_USERNAME', apiKey: 'NAMECHEAP_API_KEY', clientIp: 'NAMECHEAP_SOURCEIP' },
    lego: { user: 'NAMECHEAP_API_USER', apiKey: 'NAMECHEAP_API_KEY' },
    certbot: { user: 'dns_namecheap_username', apiKey: 'dns_namecheap_api_key' },
    lexicon: { user: 'NAMECHEAP_AUTH_USERNAME', apiKey: 'NAMECHEAP_AUTH_TOKEN', clientIp: 'NAMECHEAP_AUTH_CLIENT_IP' },
  },
  netcup: {
    'acme.sh': { customerNumber: 'NC_CID', apiKey: 'NC_Apikey', apiPassword: 'NC_Apipw' },
    lego: { customerNumber: 'NETCUP_CUSTOMER_NUMBER', apiKey: 'NETCUP_API_KEY', apiPassword: 'NETCUP_API_PASSWORD' },
    certbot: {
      customerNumber: 'dns_netcup_customer_id',
      apiKey: 'dns_netcup_api_key',
      apiPassword: 'dns_netcup_api_password',
    },
    lexicon: {
      customerNumber: 'NETCUP_AUTH_CUSTOMER_ID',
      apiKey: 'NETCUP_AUTH_API_KEY',
      apiPassword: 'NETCUP_AUTH_API_PASSWORD',
    },
  },
  ovh: {
    'acme.sh': {
      applicationKey: 'OVH_AK',
      applicationSecret: 'OVH_AS',
      consumerKey: 'OVH_CK',
      url: (get) => endpointOfOvh(get('OVH_END_POINT')),
    },
    lego: {
      applicationKey: 'OVH_APPLICATION_KEY',
      applicationSecret: 'OVH_APPLICATION_SECRET',
      consumerKey: 'OVH_CONSUMER_KEY',
      url: (get) => endpointOfOvh(get('OVH_ENDPOINT')),
    },
    certbot: {
      applicationKey: 'dns_ovh_application_key',
      applicationSecret: 'dns_ovh_application_secret',
      consumerKey: 'dns_ovh_consumer_key',
      url: (get) => endpointOfOvh(get('dns_ovh_endpoint')),
    },
    lexicon: {
      applicationKey: 'OVH_AUTH_APPLICATION_KEY',
      applicationSecret: 'OVH_AUTH_APPLICATION_SECRET',
      consumerKey: 'OVH_AUTH_CONSUMER_KEY',
      url: (get) => endpointOfOvh(get('OVH_AUTH_ENTRYPOINT')),
    },
  },
  plesk: {
    'acme.sh': { url: (get) => originOf(get('pleskxml_uri')), username: 'pleskxml_user', password: 'pleskxml_pass' },
    lego: { url: 'PLESK_SERVER_BASE_URL', username: 'PLESK_USERNAME', password: 'PLESK_PASSWORD' },
    certbot: { url: 'dns_plesk_api_url', username: 'dns_plesk_username', password: 'dns_plesk_password' },
    lexicon: { url: 'PLESK_PLESK_SERVER', username: 'PLESK_AUTH_USERNAME', password: 'PLESK_AUTH_PASSWORD' },
  },
  porkbun: {
    'acme.sh': { apiKey: 'PORKBUN_API_KEY', secretApiKey: 'PORKBUN_SECRET_API_KEY' },
    lego: { apiKey: 'PORKBUN_API_KEY', secretApiKey: 'PORKBUN_SECRET_API_KEY' },
    certbot: { apiKey: 'dns_porkbun_key', secretApiKey: 'dns_porkbun_secret' },
    lexicon: { apiKey: 'PORKBUN_AUTH_KEY', secretApiKey: 'PORKBUN_AUTH_SECRET' },
  },
  poweradmin: {
    'acme.sh': { url: 'POWERADMIN_URL', apiKey: 'POWERADMIN_API_KEY' },
    lego: { url: 'POWERADMIN_BASE_URL', apiKey: 'POWERADMIN_API_KEY' },
  },
  powerdns: {
    'acme.sh': { url: 'PDNS_Url', apiKey: 'PDNS_Token', server: 'PDNS_ServerId' },
    lego: { url: 'PDNS_API_URL', apiKey: 'PDNS_API_KEY', server: 'PDNS_SERVER_NAME' },
    certbot: { url: 'dns_powerdns_api_url', apiKey: 'dns_powerdns_api_key' },
    lexicon: {
      url: (get) => get('POWERDNS_PDNS_SERVER')?.replace(/\/api\/v1\/?$/, ''),
      apiKey: 'POWERDNS_AUTH_TOKEN',
      server: 'POWERDNS_PDNS_SERVER_ID',
    },
  },
  rfc2136: {
    'acme.sh': {
      server: (get) => get('NSUPDATE_SERVER') ?? 'localhost',
      port: 'NSUPDATE_SERVER_PORT',
      'tsig.name': (get) => tsigKeyOf(get('NSUPDATE_KEY'))?.name,
      'tsig.algorithm': (get) => tsigKeyOf(get('NSUPDATE_KEY'))?.algorithm,
      'tsig.secret': (get) => tsigKeyOf(get('NSUPDATE_KEY'))?.secret,
    },
    lego: {
      server: ['DNSUPDATE_NAMESERVER', 'RFC2136_NAMESERVER'],
      'tsig.name': (get) =>
        withoutDot(get('DNSUPDATE_TSIG_KEY') ?? get('RFC2136_TSIG_KEY')) ?? tsigKeyOf(get('DNSUPDATE_TSIG_FILE'))?.name,
      // lego's default is not one of ours, so that it is refused and not replaced.
      'tsig.algorithm': (get) =>
        withoutDot(get('DNSUPDATE_TSIG_ALGORITHM') ?? get('RFC2136_TSIG_ALGORITHM')) ??
        tsigKeyOf(get('DNSUPDATE_TSIG_FILE'))?.algorithm ??
        'hmac-sha1',
      'tsig.secret': (get) =>
        get('DNSUPDATE_TSIG_SECRET') ?? get('RFC2136_TSIG_SECRET') ?? tsigKeyOf(get('DNSUPDATE_TSIG_FILE'))?.secret,
    },
    certbot: {
      server: 'dns_rfc2136_server',
      port: 'dns_rfc2136_port',
      'tsig.name': (get) => withoutDot(get('dns_rfc2136_name')),
      'tsig.algorithm': (get) => get('dns_rfc2136_algorithm')?.toLowerCase() ?? 'hmac-md5',
      'tsig.secret': 'dns_rfc2136_secret',
    },
    // ALGORITHM:NAME:SECRET
    lexicon: {
      server: 'DDNS_DDNS_SERVER',
      'tsig.name': (get) => withoutDot(get('DDNS_AUTH_TOKEN')?.split(':')[1]),
      'tsig.algorithm': (get) => get('DDNS_AUTH_TOKEN')?.split(':')[0]?.toLowerCase(),
      'tsig.secret': (get) => get('DDNS_AUTH_TOKEN')?.split(':')[2],
    },
  },
  route53: {
    'acme.sh': AWS,
    lego: { ...AWS, hostedZoneId: 'AWS_HOSTED_ZONE_ID', sessionToken: 'AWS_SESSION_TOKEN' },
    lexicon: {
      accessKeyId: ['ROUTE53_AUTH_ACCESS_KEY', 'ROUTE53_AUTH_USERNAME'],
      secretAccessKey: ['ROUTE53_AUTH_ACCESS_SECRET', 'ROUTE53_AUTH_TOKEN'],
      hostedZoneId: 'ROUTE53_ZONE_ID',
    },
  },
  technitium: {
    'acme.sh': { url: 'Technitium_Server', token: 'Technitium_Token' },
    lego: { url: 'TECHNITIUM_SERVER_BASE_URL', token: 'TECHNITIUM_API_TOKEN' },
  },
  zoneid: {
    'acme.sh': { username: 'ZONE_Username', apiKey: 'ZONE_Key' },
    lego: { username: 'ZONEEE_API_USER', apiKey: 'ZONEEE_API_KEY', url: 'ZONEEE_ENDPOINT' },
  },
};

/** The dnsapi files of acme.sh whose accounts dns01 has a provider of its own for. */
export const ACMESH_SCRIPTS: Readonly<Record<string, string>> = {
  dns_acmedns: 'acme-dns',
  dns_acmeproxy: 'httpreq',
  dns_aws: 'route53',
  dns_cf: 'cloudflare',
  dns_cpanel: 'cpanel',
  dns_da: 'directadmin',
  dns_desec: 'desec',
  dns_dgon: 'digitalocean',
  dns_gandi_livedns: 'gandi',
  dns_hetznercloud: 'hetzner',
  dns_inwx: 'inwx',
  dns_ionos: 'ionos',
  dns_ispconfig: 'ispconfig',
  dns_namecheap: 'namecheap',
  dns_netcup: 'netcup',
  dns_nsupdate: 'rfc2136',
  dns_ovh: 'ovh',
  dns_pdns: 'powerdns',
  dns_pleskxml: 'plesk',
  dns_porkbun: 'porkbun',
  dns_poweradmin: 'poweradmin',
  dns_technitium: 'technitium',
  dns_zone: 'zoneid',
};

/** Credentials of a kind that our provider does not take, and what to do. */
export const USELESS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['CF_Key', 'CF_API_KEY', 'CLOUDFLARE_API_KEY', 'dns_cloudflare_api_key', 'CLOUDFLARE_AUTH_USERNAME'].map((name) => [
      name,
      'is for a global API key of Cloudflare: create an API token with the permission Zone, DNS, Edit',
    ]),
  ),
  ...Object.fromEntries(
    ['HETZNER_Token', 'HETZNER_API_KEY'].map((name) => [
      name,
      'is of the old DNS Console, which has ended: create a token in the Hetzner Console',
    ]),
  ),
  ...Object.fromEntries(
    ['GANDI_LIVEDNS_KEY', 'GANDIV5_API_KEY', 'GANDI_API_KEY', 'dns_gandi_api_key'].map((name) => [
      name,
      'is an old API key of Gandi: create a personal access token',
    ]),
  ),
};
