import type { ProviderContext } from '../../src/provider.ts';
import type { PanelClient, Place } from './client.ts';
import type { PanelRecord } from './schema.ts';

/** Milliseconds before each look at the list: some DNS servers show a change only a little later. */
const PAUSES = [0, 500, 1000, 2000, 4000];

/** The list as soon as it shows what is waited for, else as it was at last. */
export async function watch(
  place: Place,
  { client, context }: { readonly client: PanelClient; readonly context: Pick<ProviderContext, 'sleep'> },
  isAwaited: (records: readonly PanelRecord[]) => boolean,
): Promise<PanelRecord[]> {
  let records: PanelRecord[] = [];
  for (const pause of PAUSES) {
    if (pause > 0) await context.sleep(pause);
    records = await client.records(place);
    if (isAwaited(records)) break;
  }
  return records;
}
