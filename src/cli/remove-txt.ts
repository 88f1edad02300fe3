import { carryOut, check } from '../challenge/order.ts';
import { WHOLE_CONFIG } from '../challenge/principal.ts';
import { isDns01Error } from '../errors.ts';
import type { Io } from '../output/io.ts';
import { placeOf } from './one-value.ts';
import { withRun } from './open-run.ts';
import type { CommonOptions } from './options.ts';
import { placeDocument, printResult, whereAndWho } from './output.ts';

/** `dns01 remove-txt`: withdraws exactly this value; a value that is not there is a success. */
export function removeTxt(name: string, value: string, options: CommonOptions, io: Io): Promise<void> {
  return withRun(options, io, async (run) => {
    if (options.dryRun) {
      const place = await placeOf(check({ name, value }, run), run, options);
      const what = place.present ? 'would be withdrawn' : 'is not there, nothing to do';
      const document = { action: 'remove', ...placeDocument(place), changed: place.present, dryRun: true };
      return printResult(io, options, `${place.name}: ${what}${whereAndWho(place)}`, document);
    }
    const settings = { principal: WHOLE_CONFIG, overrides: options };
    const { each } = carryOut({ action: 'remove', challenges: [{ name, value }], ...settings }, run);
    const [withdrawn] = await Promise.all(each);
    if (!withdrawn || isDns01Error(withdrawn)) throw withdrawn;
    const { changed } = withdrawn;
    const what = changed === false ? 'was not there' : 'withdrawn';
    const line = `${withdrawn.name}: ${what}${whereAndWho(withdrawn)}`;
    printResult(io, options, line, { action: 'remove', ...placeDocument(withdrawn), changed, waitedMs: 0 });
  });
}
