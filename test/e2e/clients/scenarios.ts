import type { AcmeClient } from './acme-client.ts';

/** A certificate that somebody may want. */
export interface Scenario {
  /** As the matrix calls it. */
  readonly title: string;
  readonly slug: string;
  /** Through what the CA looks: the lagging secondary itself, or a resolver before it, which caches or does not. */
  readonly ca: 'secondary' | 'resolver' | 'caching resolver';
  /** Of the provider's records, in seconds. */
  readonly ttl?: number;
  /** Why a client cannot do it, or why it makes no sense; undefined for what is to be run. */
  whyNot?(client: AcmeClient): string | undefined;
  order(zone: (label: string) => string): Order;
}

export interface Order {
  readonly zones: readonly string[];
  readonly domains: readonly string[];
  /** CNAMEs of the challenge names. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** The names that hold the values in the end, where those are not the challenge names themselves. */
  readonly targets?: readonly string[];
}

export const SCENARIOS: readonly Scenario[] = [
  {
    title: 'one name',
    slug: 'one',
    ca: 'secondary',
    whyNot: sameWithoutChain,
    order: (zone) => ({ zones: [zone('a')], domains: [`www.${zone('a')}`] }),
  },
  { title: 'apex + wildcard', slug: 'wild', ca: 'secondary', order: apexAndWildcard },
  {
    title: 'five names, three zones',
    slug: 'five',
    ca: 'secondary',
    order: (zone) => ({
      zones: [zone('a'), zone('b'), zone('c')],
      domains: [zone('a'), `www.${zone('a')}`, zone('b'), `deep.under.${zone('b')}`, zone('c')],
    }),
  },
  {
    title: 'CNAME to another zone',
    slug: 'cname',
    ca: 'resolver',
    whyNot: sameWithoutChain,
    order: (zone) => ({
      zones: [zone('a'), zone('b')],
      domains: [`www.${zone('a')}`],
      aliases: { [`_acme-challenge.www.${zone('a')}`]: `www-a.${zone('b')}` },
      targets: [`www-a.${zone('b')}`],
    }),
  },
  {
    title: 'CNAME to a CNAME',
    slug: 'chain',
    ca: 'resolver',
    whyNot: sameWithoutChain,
    order: (zone) => ({
      zones: [zone('a'), zone('b'), zone('c')],
      domains: [`www.${zone('a')}`],
      aliases: {
        [`_acme-challenge.www.${zone('a')}`]: `first.${zone('b')}`,
        [`first.${zone('b')}`]: `second.${zone('c')}`,
      },
      targets: [`second.${zone('c')}`],
    }),
  },
  {
    title: 'delegated child zone',
    slug: 'child',
    ca: 'secondary',
    whyNot: sameWithoutChain,
    order: (zone) => ({ zones: [zone('a'), `sub.${zone('a')}`], domains: [`sub.${zone('a')}`] }),
  },
  {
    title: 'apex + wildcard, the CA caches',
    slug: 'cache',
    ca: 'caching resolver',
    whyNot: ({ oneAfterTheOther }) =>
      oneAfterTheOther
        ? 'this client asks for the second name only after the CA has looked at the first one and has cached it'
        : undefined,
    order: apexAndWildcard,
  },
  {
    title: 'the same, TTL 1 s',
    slug: 'ttl',
    ca: 'caching resolver',
    ttl: 1,
    whyNot: ({ oneAfterTheOther }) =>
      oneAfterTheOther
        ? undefined
        : 'this client publishes all names before the CA looks, so the TTL makes no difference',
    order: apexAndWildcard,
  },
];

function sameWithoutChain({ slug }: AcmeClient): string | undefined {
  return slug === 'dehydrated-chain'
    ? 'for one name, HOOK_CHAIN makes no difference, because the call is the same'
    : undefined;
}

function apexAndWildcard(zone: (label: string) => string): Order {
  return { zones: [zone('a')], domains: [zone('a'), `*.${zone('a')}`] };
}

/** Every combination has zones of its own: they run side by side, and each change begins the lag of its zone anew. */
export function orderOf(client: AcmeClient, scenario: Scenario): Order {
  return scenario.order((label) => `${label}.${scenario.slug}-${client.slug}.test`);
}

/** The names that hold the values of an order. */
export function heldNames({ domains, targets }: Order): readonly string[] {
  return targets ?? [...new Set(domains.map((domain) => `_acme-challenge.${domain.replace(/^\*\./, '')}`))];
}
