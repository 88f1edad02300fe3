import { carryOut, check } from '../challenge/order.ts';
import { preview } from '../challenge/preview.ts';
import { WHOLE_CONFIG } from '../challenge/principal.ts';
import { type Waited, waitedText } from '../challenge/wait.ts';
import { Dns01Error, isDns01Error } from '../errors.ts';
import type { Io } from '../output/io.ts';
import { openProgress } from '../output/progress.ts';
import { withRun } from './open-run.ts';
import type { CommonOptions } from './options.ts';
import { placeDocument, printResult, whereAndWho } from './output.ts';

export interface AddOptions extends CommonOptions {
  readonly wait: boolean;
}

/** `dns01 add-txt`: publishes a value, then waits until every authoritative server shows it. */
export function addTxt(name: string, value: string, options: AddOptions, io: Io): Promise<void> {
  return withRun(options, io, async (run) => {
    const settings = { principal: WHOLE_CONFIG, overrides: options };
    if (options.dryRun) {
      const challenge = check({ name, value }, run);
      const place = { ...challenge, ...(await preview(challenge, run, settings)) };
      const what = place.present ? 'is there already, nothing to do' : 'would be published';
      const document = { action: 'add', ...placeDocument(place), changed: !place.present, dryRun: true };
      return printResult(io, options, `${challenge.name}: ${what}${whereAndWho(place)}`, document);
    }
    const progress = await openProgress(io, options);
    const challenges = [{ name, value }];
    const order = { action: 'add', challenges, wait: options.wait, progress: progress.update, ...settings } as const;
    const { each, all } = carryOut(order, run);
    const [published] = await Promise.all(each);
    if (!published || isDns01Error(published)) throw published;
    const waited = await waitOrExplain(all.finally(progress.clear));
    const seen = options.wait ? `, ${waitedText(waited)}` : '';
    const { changed } = published;
    const what = changed === false ? 'was there already' : 'published';
    const line = `${published.name}: ${what}${whereAndWho(published)}${seen}`;
    printResult(io, options, line, { action: 'add', ...placeDocument(published), changed, waitedMs: waited.waitedMs });
  });
}

/** The record stays when the wait fails: the error says so. */
export async function waitOrExplain(wait: Promise<Waited>): Promise<Waited> {
  try {
    return await wait;
  } catch (error) {
    if (!isDns01Error(error)) throw error;
    throw new Dns01Error(error.code, `published, but ${error.message}`, {
      cause: error,
      hint: `${error.hint ? `${error.hint}; ` : ''}the value stays: wait again with wait-txt, or withdraw it with remove-txt`,
    });
  }
}
