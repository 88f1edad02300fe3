import { isIP } from 'node:net';
import * as z from 'zod/mini';
import { challengeNameOf } from '../challenge/name.ts';
import { Dns01Error } from '../errors.ts';
import type { RecordHandle } from '../provider.ts';
import type { HookAdd, HookChallenge, HookEnvironment, HookRemove } from './hook-call.ts';

/** certbot's manual plugin: everything comes in the environment (certbot docs, "Pre and Post Validation Hooks"). */

/** What the auth hook prints and certbot hands to the cleanup hook of the same challenge. */
const outputSchema = z.object({
  name: z.string(),
  value: z.string(),
  zone: z.string(),
  id: z.optional(z.string()),
});

/** `--manual-auth-hook`. @throws E_USAGE when certbot did not call it, or not for dns-01 */
export function certbotAuth(env: HookEnvironment): HookAdd {
  const remaining = env['CERTBOT_REMAINING_CHALLENGES'];
  const key = env['CERTBOT_ALL_IDENTIFIERS'] ?? env['CERTBOT_ALL_DOMAINS'];
  const counts = key !== undefined && remaining !== undefined && /^\d{1,6}$/.test(remaining);
  return {
    action: 'add',
    challenge: certbotChallenge(env),
    order: counts ? { key, remaining: Number(remaining) } : undefined,
  };
}

/** `--manual-cleanup-hook`. @throws E_USAGE as above */
export function certbotCleanup(env: HookEnvironment): HookRemove {
  const challenge = certbotChallenge(env);
  return { action: 'remove', challenge, handle: handleFrom(env['CERTBOT_AUTH_OUTPUT'], challenge) };
}

/** One line for stdout, which certbot keeps and shows. */
export function certbotOutput({ name, value }: HookChallenge, { zone, id }: RecordHandle): string {
  return JSON.stringify({ name, value, zone, ...(id === undefined ? {} : { id }) });
}

function certbotChallenge(env: HookEnvironment): HookChallenge {
  const domain = env['CERTBOT_IDENTIFIER'] ?? env['CERTBOT_DOMAIN'];
  const value = env['CERTBOT_VALIDATION'];
  if (!domain || !value) {
    throw new Dns01Error('E_USAGE', 'CERTBOT_DOMAIN and CERTBOT_VALIDATION are not set: certbot calls this hook', {
      hint: "certbot certonly --manual --preferred-challenges dns --manual-auth-hook 'dns01 hook certbot auth' --manual-cleanup-hook 'dns01 hook certbot cleanup' -d example.com",
    });
  }
  if (env['CERTBOT_TOKEN'] || isIP(domain)) {
    throw new Dns01Error('E_USAGE', `certbot asks for http-01 for ${domain}, and this hook answers dns-01`, {
      hint: 'add --preferred-challenges dns to the certbot command',
    });
  }
  return { name: challengeNameOf(domain), value };
}

/** certbot may bring the output of another challenge: a handle counts only for the very same value. */
function handleFrom(output: string | undefined, challenge: HookChallenge): RecordHandle | undefined {
  const parsed = z.safeParse(outputSchema, parseLine(output));
  if (!parsed.success || parsed.data.name !== challenge.name || parsed.data.value !== challenge.value) return undefined;
  return { zone: parsed.data.zone, id: parsed.data.id };
}

function parseLine(output: string | undefined): unknown {
  try {
    return JSON.parse(output?.trim() || 'null');
  } catch {
    return undefined;
  }
}
