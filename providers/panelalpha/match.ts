import { Dns01Error } from '../../src/errors.ts';
import type { Fqdn, TxtRecord } from '../../src/provider.ts';
import type { Place } from './client.ts';
import { doubled, fullName, type NameStyle, plainName, styleOf } from './names.ts';
import type { PanelRecord } from './schema.ts';
import { plainValue } from './text.ts';

/** Where a list shows a value: at its name, at the name with the zone twice at its end, or not at all. */
export type Sighting = 'there' | 'doubled' | 'missing';

type Wanted = Pick<TxtRecord, 'name' | 'value'>;

/**
 * @param sent the style in which the record was sent, where it was: a relative name cannot come back doubled, however
 *   the list looks
 * @throws E_PROTOCOL when a TXT record at the name has no value that can be read
 */
export function sight(records: readonly PanelRecord[], wanted: Wanted, { zone }: Place, sent?: NameStyle): Sighting {
  const style = styleIn(records, zone);
  const places = txtWithName(records)
    .filter((record) => readableValue(record, wanted, zone, style) === wanted.value)
    .map(({ name }) =>
      sent === 'relative' && isPlainly(name, wanted.name) ? wanted.name : fullName(name, zone, style),
    );
  if (places.includes(wanted.name)) return 'there';
  return places.includes(doubled(wanted.name, zone)) ? 'doubled' : 'missing';
}

/** The records that are this value at this name, or what became of it where its name was doubled. */
export function ownRecords(records: readonly PanelRecord[], wanted: Wanted, { zone }: Place): PanelRecord[] {
  const style = styleIn(records, zone);
  const names = [wanted.name, doubled(wanted.name, zone)];
  return txtWithName(records).filter(
    (record) =>
      readableValue(record, wanted, zone, style) === wanted.value && names.includes(fullName(record.name, zone, style)),
  );
}

/** The values at a name, unquoted. */
export function valuesAt(records: readonly PanelRecord[], name: Fqdn, { zone }: Place): string[] {
  const style = styleIn(records, zone);
  const at = txtWithName(records).filter((record) => fullName(record.name, zone, style) === name);
  return at.map((record) => plainValue(record.content ?? ''));
}

/** How the panel writes names, learnt from the list itself. */
export function styleIn(records: readonly PanelRecord[], zone: Fqdn): NameStyle | undefined {
  return styleOf(
    records.map(({ name }) => name),
    zone,
  );
}

function readableValue(
  { name, content }: PanelRecord,
  wanted: Wanted,
  zone: Fqdn,
  style: NameStyle | undefined,
): string | undefined {
  if (content !== undefined) return plainValue(content);
  if (fullName(name, zone, style) !== wanted.name) return undefined;
  throw new Dns01Error('E_PROTOCOL', `the TXT record ${name} in ${zone} has no value that dns01 can read`, {
    hint: 'the panel shows values in a field that dns01 does not know: run again with --verbose and report it',
  });
}

const txtWithName = (records: readonly PanelRecord[]): PanelRecord[] => records.filter(({ type }) => type === 'TXT');

const isPlainly = (shown: string, name: Fqdn): boolean => plainName(shown) === name;
