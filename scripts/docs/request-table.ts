import type { ProviderDefinition } from '../../src/provider.ts';
import { type AllCounted, readCounted } from '../../test/e2e/peers/counted.ts';

type Counted = AllCounted[string];

/** What dns01 and other clients send to the same stand-in, as it was counted. */
export function requestTable(definitions: readonly ProviderDefinition[]): string {
  const counted = readCounted();
  const rows = definitions.flatMap(({ type, title }) => {
    const each = counted[type];
    return each?.dns01 ? [`| ${[`[${title}](${type}.md)`, ...cellsOf(each)].join(' | ')} |`] : [];
  });
  return `## Requests, beside other clients

Requests to add + requests to remove one value at a name that has none. Each client was run and sent its requests to the
same stand-in of the provider's API: dns01, Debian 12's lego 4.9.1 and lexicon 3.11.7, and acme.sh 3.1.4 from its source.
A dash: this client does not have the provider, or only an API of it that has ended. The other clients send the same again for each of
50 names. dns01 remembers the zone after the first name.

| provider | dns01, first name | dns01, later names | dns01, 50 names at once | lego | lexicon | acme.sh |
|---|---|---|---|---|---|---|
${rows.join('\n')}`;
}

function cellsOf({ dns01, ...peers }: Counted): string[] {
  const shown = (each: { readonly add: number; readonly remove: number } | undefined) =>
    each ? `${each.add} + ${each.remove}` : '-';
  return [dns01?.first, dns01?.later, dns01?.fifty, peers.lego, peers.lexicon, peers['acme.sh']].map(shown);
}
