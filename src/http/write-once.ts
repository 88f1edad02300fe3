import { asUnknown, isDns01Error } from '../errors.ts';
import type { ProviderLog, WriteOnce } from '../provider.ts';

/** How often a write is sent at most, if each check after it shows that it was not done. */
const MAX_ATTEMPTS = 3;

/**
 * Check, then decide: the only way to repeat a write with an unknown outcome. A write that was clearly refused is not
 * checked. If the check fails too, the write's own error is thrown, because the problem began there.
 * @throws what the last write threw
 */
export async function writeOnce<Result>({ write, look }: WriteOnce<Result>, log: ProviderLog): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await write();
    } catch (failure) {
      if (!isDns01Error(failure)) throw failure;
      // An earlier attempt may still arrive, even if this one was clearly refused.
      if (!failure.outcomeUnknown) throw attempt === 1 ? failure : asUnknown(failure);
      log.debug('the outcome of a write is unknown, checking whether it was done', { failure: failure.message });
      const found = await look().catch((cause: unknown) => {
        log.debug('the check failed too', { failure: String(cause) });
        throw failure;
      });
      if (found !== undefined) return found;
      if (attempt === MAX_ATTEMPTS) throw failure;
    }
  }
}
