import { asUnknown, isDns01Error } from '../errors.ts';
import type { ProviderLog, WriteOnce } from '../provider.ts';

/** How often a write is sent at the most, when every look after it shows that it was not done. */
const ATTEMPTS = 3;

/**
 * Look, then decide: the one way in which a write whose answer was lost is repeated. A write that was refused in so many
 * words is not looked up. When even the look fails, the write's own failure is told, for that is where it began.
 * @throws whatever the last write threw
 */
export async function writeOnce<Result>({ write, look }: WriteOnce<Result>, log: ProviderLog): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await write();
    } catch (failure) {
      if (!isDns01Error(failure)) throw failure;
      // An earlier attempt may still arrive, however clearly this one was refused.
      if (!failure.outcomeUnknown) throw attempt === 1 ? failure : asUnknown(failure);
      log.debug('the answer to a write was lost, looking whether it was done', { failure: failure.message });
      const found = await look().catch((cause: unknown) => {
        log.debug('the look failed as well', { failure: String(cause) });
        throw failure;
      });
      if (found !== undefined) return found;
      if (attempt === ATTEMPTS) throw failure;
    }
  }
}
