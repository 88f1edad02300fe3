import type * as z from 'zod/mini';
import type { Fqdn } from '../../src/provider.ts';
import type { zoneSchema } from './schema.ts';

/** The hosts in the NS record set of a zone; the API gives them in full. */
export function nameServersIn({ rrsets }: z.output<typeof zoneSchema>, zone: Fqdn): string[] {
  const set = rrsets.find(({ name, type }) => type === 'NS' && plain(name) === zone);
  return (set?.records ?? []).filter(({ disabled }) => !disabled).map(({ content }) => plain(content));
}

const plain = (name: string): string => name.toLowerCase().replace(/\.$/, '');
