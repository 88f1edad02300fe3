/** What the verbs for one value have in common. */
import type { Challenge } from '../challenge/challenge.ts';
import { carryOut } from '../challenge/order.ts';
import { preview } from '../challenge/preview.ts';
import { WHOLE_CONFIG } from '../challenge/principal.ts';
import type { Run } from '../challenge/run.ts';
import { type Waited, waitedText } from '../challenge/wait.ts';
import { Dns01Error, isDns01Error } from '../errors.ts';
import type { Io } from '../output/io.ts';
import { openProgress } from '../output/progress.ts';
import type { CommonOptions } from './options.ts';

/** Where a value would go, and whether it is there. */
export async function placeOf({ name, value }: Challenge, run: Run, overrides: CommonOptions) {
  const settings = { principal: WHOLE_CONFIG, overrides };
  return { name, value, ...(await preview({ name, value }, run, settings)) };
}

/** Publishes a value and waits until every name server shows it. `seen` says so for a person. */
export async function publish(
  value: Readonly<Record<'name' | 'value', string>>,
  run: Run,
  options: CommonOptions & { readonly wait: boolean },
  io: Io,
) {
  const progress = await openProgress(io, options);
  const { wait } = options;
  const settings = { principal: WHOLE_CONFIG, overrides: options, progress: progress.update };
  const { each, all } = carryOut({ action: 'add', challenges: [value], wait, ...settings }, run);
  const [published] = await Promise.all(each);
  if (!published || isDns01Error(published)) throw published;
  const waited = await waitOrExplain(all.finally(progress.clear));
  const seen = wait ? `, ${waitedText(waited)}` : '';
  return { published, seen, waitedMs: waited.waitedMs };
}

/** The record stays when the wait fails: the error says so. */
async function waitOrExplain(wait: Promise<Waited>): Promise<Waited> {
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
