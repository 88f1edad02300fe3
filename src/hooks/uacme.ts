import { challengeNameOf } from '../challenge/challenge.ts';
import { badCall, type HookClient } from './hook-call.ts';

/** uacme's exit code for "not this type": it offers the next one. */
const DECLINED = 1;

/** uacme: `begin`, then `done` or `failed`, each with type, identifier, token and, for dns-01, the value. */
export const uacme: HookClient = {
  usage: ['uacme begin|done|failed dns-01 DOMAIN TOKEN VALUE'],
  waits: true,
  // A failed begin counts as declined; neither done nor failed is called then.
  undoesFailedAdd: true,
  forgivesFailedRemove: false,
  translate(args) {
    const [method, type, domain, token, value, ...more] = args;
    if (type !== undefined && type !== 'dns-01') return { action: 'skip', exitCode: DECLINED };
    if (!domain || token === undefined || value === undefined || more.length > 0)
      throw badCall('uacme', args, uacme.usage);
    const challenges = [{ name: challengeNameOf(domain), value }];
    if (method === 'begin') return { action: 'add', challenges };
    if (method === 'done' || method === 'failed') return { action: 'remove', challenges };
    throw badCall('uacme', args, uacme.usage);
  },
};
