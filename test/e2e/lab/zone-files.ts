export interface NameServerAddresses {
  ns1: string;
  ns2: string;
  /** Their names in one of the zones, in a world whose root is signed; otherwise each zone has names of its own. */
  names?: [string, string];
}

/** Names and where their CNAMEs lead. */
export type Aliases = Readonly<Record<string, string>>;

/**
 * The text of a zone whose name servers are ns1 and ns2 inside of it, or those of `addresses.names`, with delegations to
 * those of `zones` that lie below, and with those of the aliases that no zone below holds. The root is the empty string.
 */
export function zoneText(zone: string, zones: string[], addresses: NameServerAddresses, aliases: Aliases = {}): string {
  const below = zones.filter((other) => other !== zone && isBelow(other, zone));
  const own = Object.entries(aliases).filter(
    ([name]) => isBelow(name, zone) && !below.some((other) => isBelow(name, other)),
  );
  return [
    // Long timers: between two changes only a NOTIFY may make the secondary look.
    `${zone}. 60 IN SOA ${nameServer(1, zone)} hostmaster${zone === '' ? '' : `.${zone}`}. 1 86400 86400 864000 1`,
    ...[zone, ...below].flatMap((apex) => delegation(apex, addresses)),
    ...own.map(([name, target]) => `${name}. 60 IN CNAME ${target}.`),
    '',
  ].join('\n');
}

function isBelow(name: string, zone: string): boolean {
  return zone === '' || name.endsWith(`.${zone}`);
}

function delegation(apex: string, { ns1, ns2, names }: NameServerAddresses): string[] {
  if (names && apex !== '') {
    const hosts = isBelow(names[0], apex) ? [`${names[0]}. 60 IN A ${ns1}`, `${names[1]}. 60 IN A ${ns2}`] : [];
    return [...names.map((name) => `${apex}. 60 IN NS ${name}.`), ...hosts];
  }
  return [
    `${apex}. 60 IN NS ${nameServer(1, apex)}`,
    `${apex}. 60 IN NS ${nameServer(2, apex)}`,
    `${nameServer(1, apex)} 60 IN A ${ns1}`,
    `${nameServer(2, apex)} 60 IN A ${ns2}`,
  ];
}

function nameServer(number: 1 | 2, zone: string): string {
  return `ns${number}.${zone}${zone === '' ? '' : '.'}`;
}
