import type { ProviderDefinition } from '../src/provider.ts';

type Loader = () => Promise<{ readonly default: ProviderDefinition }>;

/** The providers that ship with dns01, each loaded only when an account uses it. */
export const providers: Readonly<Record<string, Loader>> = {
  'acme-dns': () => import('./acme-dns/index.ts'),
  acmesh: () => import('./acmesh/index.ts'),
  cloudflare: () => import('./cloudflare/index.ts'),
  cpanel: () => import('./cpanel/index.ts'),
  desec: () => import('./desec/index.ts'),
  digitalocean: () => import('./digitalocean/index.ts'),
  directadmin: () => import('./directadmin/index.ts'),
  embedded: () => import('./embedded/index.ts'),
  exec: () => import('./exec/index.ts'),
  froxlor: () => import('./froxlor/index.ts'),
  gandi: () => import('./gandi/index.ts'),
  hestiacp: () => import('./hestiacp/index.ts'),
  hetzner: () => import('./hetzner/index.ts'),
  httpreq: () => import('./httpreq/index.ts'),
  inwx: () => import('./inwx/index.ts'),
  ionos: () => import('./ionos/index.ts'),
  ispconfig: () => import('./ispconfig/index.ts'),
  lexicon: () => import('./lexicon/index.ts'),
  namecheap: () => import('./namecheap/index.ts'),
  netcup: () => import('./netcup/index.ts'),
  olspanel: () => import('./olspanel/index.ts'),
  ovh: () => import('./ovh/index.ts'),
  panelalpha: () => import('./panelalpha/index.ts'),
  plesk: () => import('./plesk/index.ts'),
  porkbun: () => import('./porkbun/index.ts'),
  poweradmin: () => import('./poweradmin/index.ts'),
  powerdns: () => import('./powerdns/index.ts'),
  rfc2136: () => import('./rfc2136/index.ts'),
  route53: () => import('./route53/index.ts'),
  technitium: () => import('./technitium/index.ts'),
  virtualmin: () => import('./virtualmin/index.ts'),
  zoneid: () => import('./zoneid/index.ts'),
};

/** The definitions of all of them, which loads all of their code. */
export const loadAllProviders = (): Promise<ProviderDefinition[]> =>
  Promise.all(Object.values(providers).map(async (load) => (await load()).default));
