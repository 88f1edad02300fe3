import { challengeNameOf } from '../challenge/challenge.ts';
import { badCall, type HookCall, type HookClient } from './hook-call.ts';

/**
 * Apache's mod_md: MDChallengeDns01 is called with `setup DOMAIN VALUE`, then with `teardown DOMAIN`. Only with
 * MDChallengeDns01Version 2 does the teardown have the value.
 */
export const modMd: HookClient = {
  usage: ['mod_md setup DOMAIN VALUE', 'mod_md teardown DOMAIN [VALUE]'],
  waits: true,
  // It keeps a list of the setups that succeeded, and tears down only those.
  undoesFailedAdd: true,
  forgivesFailedRemove: false,
  translate(args): HookCall {
    const [verb, domain, value, ...more] = args;
    if (!domain || more.length > 0) throw badCall('mod_md', args, modMd.usage);
    const name = challengeNameOf(domain);
    if (verb === 'setup' && value) return { action: 'add', challenges: [{ name, value }] };
    if (verb === 'teardown' && value) return { action: 'remove', challenges: [{ name, value }] };
    if (verb === 'teardown' && value === undefined) return { action: 'remove-all', name };
    throw badCall('mod_md', args, modMd.usage);
  },
};
