/** Which rows of the panel are meant: its own searches do not regard letter case. */
import { domainToUnicode } from 'node:url';
import { Dns01Error } from '../../src/errors.ts';
import type { Fqdn, TxtRecord } from '../../src/provider.ts';
import type { Row } from './schema.ts';
import { dotted } from './zone-book.ts';

const isAt = (row: Row, name: Fqdn): boolean => row.name.toLowerCase() === dotted(name);

export const isTxtAt = (row: Row, name: Fqdn): boolean => row.type === 'TXT' && isAt(row, name);

/** True where the row holds exactly this value, whether it is served or not. */
export const holds = (row: Row, { name, value }: TxtRecord): boolean => isTxtAt(row, name) && row.data === value;

/** Rows that are switched off stay in the panel and never reach the nameserver. */
export const isServed = (row: Row): boolean => row.active.toUpperCase() === 'Y';

/** @throws E_REJECTED where a CNAME is at the name: the nameserver would refuse the whole zone, unnoticed by the API */
export function refuseBesideCname(rows: readonly Row[], name: Fqdn): void {
  const cname = rows.find((row) => row.type === 'CNAME' && isAt(row, name) && isServed(row));
  if (!cname) return;
  const target = cname.data.replace(/\.$/, '');
  throw new Dns01Error('E_REJECTED', `${name} is a CNAME to ${target}, and nothing can stand beside a CNAME`, {
    hint: `delete this CNAME in the panel under DNS, or have the value published at ${target}`,
  });
}

/**
 * Refuse what ISPConfig would take with an `ok` and store as something else.
 * @throws E_REJECTED
 */
export function refuseUnstorable({ name, value }: TxtRecord): void {
  const label = name.split('.').find((part) => !isStorable(part));
  if (label !== undefined) {
    throw new Dns01Error('E_REJECTED', `the label "${label}" of ${name} cannot be stored by ISPConfig`, {
      hint: 'it would store the record at the top of the zone instead: delegate the name with a CNAME to another one',
    });
  }
  if (/[^ -~]|["\\]/.test(value)) {
    throw new Dns01Error('E_REJECTED', 'the value holds quotes, backslashes or characters other than printable ASCII', {
      hint: 'the nameserver of the panel would refuse the whole zone with it',
    });
  }
}

/** Labels that ISPConfig takes for broken Punycode are stored as an empty name, which is the top of the zone. */
function isStorable(label: string): boolean {
  if (!/^(?!-)[a-z0-9_-]{1,63}(?<!-)$/.test(label)) return false;
  return !/^..--/.test(label) || (label.startsWith('xn--') && isPunycode(label));
}

/** Node before 24 reads nothing in a broken label, later ones leave it as it is. */
function isPunycode(label: string): boolean {
  const read = domainToUnicode(label);
  return read !== '' && read !== label;
}
