import { check } from '../challenge/order.ts';
import type { Io } from '../output/io.ts';
import { placeOf, publish } from './one-value.ts';
import { withRun } from './open-run.ts';
import type { CommonOptions } from './options.ts';
import { placeDocument, printResult, whereAndWho } from './output.ts';

export interface AddOptions extends CommonOptions {
  readonly wait: boolean;
}

/** `dns01 add-txt`: publishes a value, then waits until every authoritative server shows it. */
export function addTxt(name: string, value: string, options: AddOptions, io: Io): Promise<void> {
  return withRun(options, io, async (run) => {
    if (options.dryRun) {
      const place = await placeOf(check({ name, value }, run), run, options);
      const what = place.present ? 'is there already, nothing to do' : 'would be published';
      const document = { action: 'add', ...placeDocument(place), changed: !place.present, dryRun: true };
      return printResult(io, options, `${place.name}: ${what}${whereAndWho(place)}`, document);
    }
    const { published, seen, waitedMs } = await publish({ name, value }, run, options, io);
    const { changed } = published;
    const what = changed === false ? 'was there already' : 'published';
    const line = `${published.name}: ${what}${whereAndWho(published)}${seen}`;
    printResult(io, options, line, { action: 'add', ...placeDocument(published), changed, waitedMs });
  });
}
