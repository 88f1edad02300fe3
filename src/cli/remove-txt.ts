import { guard } from '../challenge/challenge.ts';
import { preview } from '../challenge/preview.ts';
import { withdraw } from '../challenge/withdraw.ts';
import type { Io } from './io.ts';
import { withRun } from './open-run.ts';
import type { CommonOptions } from './options.ts';
import { placeDocument, printResult, whereAndWho } from './output.ts';

/** `dns01 remove-txt`: withdraw exactly this value; nothing there is a success. */
export function removeTxt(name: string, value: string, options: CommonOptions, io: Io): Promise<void> {
  return withRun(options, io, async (run) => {
    const challenge = guard({ name, value }, run.config, run.log.warn);
    if (options.dryRun) {
      const place = { ...challenge, ...(await preview(challenge, run, options)) };
      const what = place.present ? 'would be withdrawn' : 'is not there, nothing to do';
      const document = { action: 'remove', ...placeDocument(place), changed: place.present, dryRun: true };
      return printResult(io, options, `${challenge.name}: ${what}${whereAndWho(place)}`, document);
    }
    const withdrawn = await withdraw(challenge, run, options);
    const { changed } = withdrawn;
    const line = `${challenge.name}: ${changed ? 'withdrawn' : 'was not there any more'}${whereAndWho(withdrawn)}`;
    printResult(io, options, line, { action: 'remove', ...placeDocument(withdrawn), changed, waitedMs: 0 });
  });
}
