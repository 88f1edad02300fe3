import { Dns01Error } from '../../src/errors.ts';
import {
  type Fqdn,
  isSameName,
  isWithin,
  plainName,
  relativeName,
  type TxtRecord,
  unquoteTxt,
} from '../../src/provider.ts';
import type { PanelRecord } from './answers.ts';

/** The form of a name: `www`, `www.example.com` or `www.example.com.`. */
export type NameStyle = 'relative' | 'fqdn' | 'fqdn-dot';

/** Whether a list shows a value: at its name, at the name with the zone twice at its end, or not at all. */
export type ListState = 'there' | 'doubled' | 'missing';

/** What a full name becomes if the server behind the panel takes it for a relative one. */
export const doubled = (name: Fqdn, zone: Fqdn): string => `${name}.${zone}`;

export function writtenAs(style: NameStyle, name: Fqdn, zone: Fqdn): string {
  if (style === 'fqdn-dot') return `${name}.`;
  return style === 'fqdn' ? name : relativeName(name, zone);
}

/** The style in which the panel shows names, and the one to try if that is wrong. */
export function stylesToTry(
  records: readonly PanelRecord[],
  zone: Fqdn,
  nameStyle: NameStyle | 'auto',
): [NameStyle, NameStyle] {
  const shown = styleIn(records, zone);
  const style = nameStyle === 'auto' ? shown : nameStyle;
  if (style !== 'relative') return [style, 'relative'];
  return [style, shown === 'fqdn-dot' ? 'fqdn-dot' : 'fqdn'];
}

/**
 * The panel's style of names, which depends on the DNS server behind it, from the names that it shows. `@` says nothing:
 * it is the zone in every style.
 */
function styleIn(records: readonly PanelRecord[], zone: Fqdn): NameStyle {
  const telling = records.map(({ name }) => name.trim()).filter((name) => name !== '@' && name !== '');
  if (telling.some((name) => name.endsWith('.'))) return 'fqdn-dot';
  return telling.length === 0 || showsRelative(records, zone) ? 'relative' : 'fqdn';
}

const showsRelative = (records: readonly PanelRecord[], zone: Fqdn): boolean =>
  records.some(({ name }) => !['@', ''].includes(name.trim()) && !isWithin(plainName(name.trim()), zone));

/**
 * A list may mix the forms of names, so a name is ours if any form of it is. Only a full name among relative ones is
 * ambiguous: it is doubled if this run sent it in full.
 * @param sent the style in which this run sent the record
 * @throws E_PROTOCOL for a TXT record at the name without a readable value
 */
export function stateIn(records: readonly PanelRecord[], record: TxtRecord, sent?: NameStyle): ListState {
  const { name, zone } = record;
  const isAmbiguous = sent !== undefined && sent !== 'relative' && showsRelative(records, zone);
  const own = ownRecords(records, record).map((shown) => shown.name.trim());
  const isThere = (shown: string) =>
    plainName(shown) !== doubled(name, zone) && !(isAmbiguous && shown.toLowerCase() === name);
  if (own.some(isThere)) return 'there';
  return own.length > 0 ? 'doubled' : 'missing';
}

/** The records with this value at this name, or at its doubled name. */
export function ownRecords(records: readonly PanelRecord[], { name, value, zone }: TxtRecord): PanelRecord[] {
  return records.filter((record) => {
    if (record.type !== 'TXT') return false;
    const shown = record.name.trim();
    const isAtName = isSameName(shown, name, zone);
    if (isAtName && record.content === undefined) throw noValue(record, zone);
    return (isAtName || plainName(shown) === doubled(name, zone)) && unquoteTxt(record.content ?? '') === value;
  });
}

/** The values at a name, unquoted. */
export function valuesAt(records: readonly PanelRecord[], name: Fqdn, zone: Fqdn): string[] {
  const at = records.filter((record) => record.type === 'TXT' && isSameName(record.name.trim(), name, zone));
  return at.map((record) => unquoteTxt(record.content ?? ''));
}

function noValue({ name }: PanelRecord, zone: Fqdn): Dns01Error {
  return new Dns01Error('E_PROTOCOL', `the TXT record ${name} in ${zone} has no value that dns01 can read`, {
    hint: 'the panel shows values in a field that dns01 does not know: run again with --verbose and report it',
  });
}
