import { inFirstZone, zonesToTry } from '../../src/challenge/zone-search.ts';
import { type Fqdn, normaliseName } from '../../src/names.ts';
import type { AddedTxt, DnsProvider, RecordHandle } from '../../src/provider.ts';

export interface SearchedRecord {
  readonly name: string;
  readonly value: string;
  readonly ttl: number;
  readonly zone?: string | undefined;
}

export type SearchedHandle = Omit<RecordHandle, 'zone'> & { readonly zone: string };

/** A provider as the core uses it: where no zone is given, the zones are tried. */
export interface SearchingProvider extends Omit<DnsProvider, 'addTxt' | 'removeTxt' | 'listTxt'> {
  addTxt(record: SearchedRecord, hint?: string): Promise<AddedTxt>;
  removeTxt(record: SearchedRecord, handle?: SearchedHandle): Promise<'removed' | 'absent'>;
  listTxt(name: string, zone?: string): Promise<string[]>;
}

export function searching(provider: DnsProvider): SearchingProvider {
  const zonesOf = (name: Fqdn, zone: string | undefined, hint?: string) =>
    zone === undefined ? zonesToTry(name, hint === undefined ? [] : [normaliseName(hint)]) : [normaliseName(zone)];
  return {
    ...provider,
    addTxt(record, hint) {
      const name = normaliseName(record.name);
      return inFirstZone(name, zonesOf(name, record.zone, hint), (zone) => provider.addTxt({ ...record, name, zone }));
    },
    removeTxt(record, handle) {
      const name = normaliseName(record.name);
      return inFirstZone(name, zonesOf(name, handle?.zone ?? record.zone), (zone) =>
        provider.removeTxt({ ...record, name, zone }, handle && { ...handle, zone: normaliseName(handle.zone) }),
      );
    },
    listTxt(text, given) {
      const name = normaliseName(text);
      return inFirstZone(name, zonesOf(name, given), (zone) => provider.listTxt(name, zone));
    },
  };
}
