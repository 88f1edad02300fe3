import { guard } from '../challenge/challenge.ts';
import { preview } from '../challenge/preview.ts';
import { publish } from '../challenge/publish.ts';
import { Dns01Error, isDns01Error } from '../errors.ts';
import type { Io } from './io.ts';
import { withRun } from './open-run.ts';
import type { CommonOptions } from './options.ts';
import { placeDocument, printResult, whereAndWho } from './output.ts';
import { waitShowingProgress } from './wait.ts';

export interface AddOptions extends CommonOptions {
  readonly wait: boolean;
}

/** `dns01 add-txt`: publish a value, then wait until every authoritative server shows it. */
export function addTxt(name: string, value: string, options: AddOptions, io: Io): Promise<void> {
  return withRun(options, io, async (run) => {
    const challenge = guard({ name, value }, run.config, run.log.warn);
    if (options.dryRun) {
      const place = { ...challenge, ...(await preview(challenge, run, options)) };
      const what = place.present ? 'is there already, nothing to do' : 'would be published';
      const document = { action: 'add', ...placeDocument(place), changed: !place.present, dryRun: true };
      return printResult(io, options, `${challenge.name}: ${what}${whereAndWho(place)}`, document);
    }
    const published = await publish(challenge, run, options);
    const { target, changed, handle } = published;
    const awaited = { name: target, value: challenge.value };
    const waitedMs = options.wait ? await waitOrExplain(() => waitShowingProgress([awaited], run, io, options)) : 0;
    const place = { ...published, zone: handle.zone };
    const seen = options.wait ? `, shown by every name server after ${(waitedMs / 1000).toFixed(1)} s` : '';
    const line = `${challenge.name}: ${changed ? 'published' : 'was there already'}${whereAndWho(place)}${seen}`;
    printResult(io, options, line, { action: 'add', ...placeDocument(place), changed, waitedMs });
  });
}

/** The record stays when the wait fails: say so. */
async function waitOrExplain(wait: () => Promise<number>): Promise<number> {
  try {
    return await wait();
  } catch (error) {
    if (!isDns01Error(error)) throw error;
    throw new Dns01Error(error.code, `published, but ${error.message}`, {
      cause: error,
      hint: `${error.hint ? `${error.hint}; ` : ''}the value stays: go on with wait-txt, or withdraw it with remove-txt`,
    });
  }
}
