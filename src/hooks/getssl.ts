import { challengeNameOf } from '../challenge/challenge.ts';
import { badCall, type HookClient } from './hook-call.ts';

/** getssl: DNS_ADD_COMMAND and DNS_DEL_COMMAND get a domain and a value. It queries the name servers itself. */
export const getssl: HookClient = {
  usage: ['getssl add DOMAIN VALUE', 'getssl del DOMAIN VALUE'],
  waits: false,
  undoesFailedAdd: true,
  forgivesFailedRemove: false,
  translate(args) {
    const [verb, domain, value, ...more] = args;
    if (!domain || !value || more.length > 0) throw badCall('getssl', args, getssl.usage);
    const challenges = [{ name: challengeNameOf(domain), value }];
    if (verb === 'add') return { action: 'add', challenges };
    if (verb === 'del') return { action: 'remove', challenges };
    throw badCall('getssl', args, getssl.usage);
  },
};
