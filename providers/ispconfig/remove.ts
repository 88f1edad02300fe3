import { Dns01Error } from '../../src/errors.ts';
import type { ProviderContext, TxtRecord } from '../../src/provider.ts';
import type { Panel } from './client.ts';
import { holds } from './rows.ts';
import { dotted } from './zone-book.ts';

/**
 * Withdraw a value: every row that holds exactly it, by ids read in this same run, for `dns_txt_delete` removes
 * whatever has the id, an A record too. A full name is unique, so that the zone need not be known.
 * @throws E_AUTH the user may not; E_REMOTE, E_PROTOCOL no usable answer
 */
export async function removeTxt(
  panel: Panel,
  record: TxtRecord,
  context: ProviderContext,
): Promise<'removed' | 'absent'> {
  const rows = async () => {
    const found = await panel.rows({ name: dotted(record.name), type: 'TXT', data: record.value });
    return found.filter((row) => holds(row, record));
  };

  /** The serial is raised before the row is deleted, so that a row which is gone was withdrawn properly. */
  const remove = (id: string, updateSerial: boolean) =>
    context.writeOnce<boolean>({
      write: () => panel.deleteRow(id, { updateSerial }),
      look: async () => ((await rows()).some((row) => row.id === id) ? undefined : true),
    });

  const found = await rows();
  const results = [];
  for (const { id } of found) results.push(await remove(id, true));
  if (results.every((removed) => removed)) return found.length > 0 ? 'removed' : 'absent';

  // Somebody else was faster, or the row's zone is gone or not this user's: then the panel knows no serial to raise, and
  // keeps the row.
  for (const { id } of await rows()) {
    results.push(await remove(id, false));
    if ((await rows()).some((row) => row.id === id)) throw keptByPanel(id);
    context.log.warn(
      `the record with the id ${id} was removed without a new serial: secondaries may show it for longer`,
    );
  }
  return results.includes(true) ? 'removed' : 'absent';
}

function keptByPanel(id: string): Dns01Error {
  return new Dns01Error('E_AUTH', `dns_txt_delete: the panel keeps the record with the id ${id}`, {
    hint: 'its zone is gone or belongs to another client: delete the record in the panel, or use an account that may',
  });
}
