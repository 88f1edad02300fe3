import { challengeNameOf } from '../challenge/challenge.ts';
import { badCall, type HookChallenge, type HookClient } from './hook-call.ts';

/**
 * dehydrated: triples of domain, token file and value; one with HOOK_CHAIN=no, all of the order with HOOK_CHAIN=yes. It
 * calls for much else, known and unknown, and even tests that unknown calls succeed: all that is not ours ends well.
 */
export const dehydrated: HookClient = {
  usage: [
    'dehydrated deploy_challenge DOMAIN TOKENFILE VALUE …',
    'dehydrated clean_challenge DOMAIN TOKENFILE VALUE …',
  ],
  waits: true,
  // After a failed deploy it stops at once and cleans nothing.
  undoesFailedAdd: true,
  // After a failed clean it throws the validated order away.
  forgivesFailedRemove: true,
  translate([verb, ...rest]) {
    if (verb === 'deploy_challenge') return { action: 'add', challenges: triples(verb, rest) };
    if (verb === 'clean_challenge') return { action: 'remove', challenges: triples(verb, rest) };
    return { action: 'skip', exitCode: 0 };
  },
};

function triples(verb: string, args: readonly string[]): HookChallenge[] {
  if (args.length === 0 || args.length % 3 !== 0) throw badCall('dehydrated', [verb, ...args], dehydrated.usage);
  const count = args.length / 3;
  return Array.from({ length: count }, (_, index) => ({
    name: challengeNameOf(args[index * 3] ?? ''),
    value: args[index * 3 + 2] ?? '',
  }));
}
