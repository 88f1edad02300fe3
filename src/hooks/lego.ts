import { challengeNameOf, challengeValue } from '../challenge/challenge.ts';
import { badCall, type HookCall, type HookChallenge, type HookClient } from './hook-call.ts';

/**
 * lego's exec provider, and every program with lego inside. By default the name is complete and its CNAMEs are already
 * followed. With EXEC_MODE=RAW lego gives the domain, the token and the key authorization behind a `--`. lego queries
 * the name servers itself.
 */
export const lego: HookClient = {
  usage: ['lego present NAME VALUE', 'lego cleanup NAME VALUE', 'lego present -- DOMAIN TOKEN KEYAUTH'],
  waits: false,
  undoesFailedAdd: false,
  forgivesFailedRemove: false,
  translate(args): HookCall {
    const [verb, ...rest] = args;
    const challenge = rest[0] === '--' ? rawChallenge(rest.slice(1)) : challengeFrom(rest);
    if (!challenge || (verb !== 'present' && verb !== 'cleanup')) throw badCall('lego', args, lego.usage);
    return { action: verb === 'present' ? 'add' : 'remove', challenges: [challenge] };
  },
};

function challengeFrom([name, value, ...more]: readonly string[]): HookChallenge | undefined {
  return name !== undefined && value !== undefined && more.length === 0 ? { name, value } : undefined;
}

function rawChallenge([domain, token, keyAuthorization, ...more]: readonly string[]): HookChallenge | undefined {
  if (!domain || token === undefined || !keyAuthorization || more.length > 0) return undefined;
  return { name: challengeNameOf(domain), value: challengeValue(keyAuthorization) };
}
