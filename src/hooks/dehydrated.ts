import { challengeNameOf } from '../challenge/challenge.ts';
import { badCall, type HookChallenge, type HookClient } from './hook-call.ts';

/**
 * dehydrated: triples of domain, token file and value; one with HOOK_CHAIN=no, all of the order with HOOK_CHAIN=yes. It
 * makes many other calls, and even tests that unknown ones succeed, so all of those end with 0.
 */
export const dehydrated: HookClient = {
  usage: [
    'dehydrated deploy_challenge DOMAIN TOKENFILE VALUE …',
    'dehydrated clean_challenge DOMAIN TOKENFILE VALUE …',
  ],
  waits: true,
  // After a failed deploy it stops at once and does not clean up.
  undoesFailedAdd: true,
  // After a failed clean it discards the validated order.
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
