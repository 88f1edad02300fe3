import { challengeNameOf } from '../challenge/challenge.ts';
import { badCall, type HookClient } from './hook-call.ts';

/** acmetool's exit code for an event that a hook does not handle. */
const NOT_MINE = 42;

/** acmetool: `challenge-dns-start HOST TARGETFILE VALUE`, for all names at once. Other events are skipped. */
export const acmetool: HookClient = {
  usage: ['acmetool challenge-dns-start HOST TARGETFILE VALUE', 'acmetool challenge-dns-stop HOST TARGETFILE VALUE'],
  waits: true,
  undoesFailedAdd: true,
  forgivesFailedRemove: false,
  translate(args) {
    const [event, host, , value] = args;
    if (event !== 'challenge-dns-start' && event !== 'challenge-dns-stop')
      return { action: 'skip', exitCode: NOT_MINE };
    if (!host || !value) throw badCall('acmetool', args, acmetool.usage);
    const challenges = [{ name: challengeNameOf(host), value }];
    return { action: event === 'challenge-dns-start' ? 'add' : 'remove', challenges };
  },
};
