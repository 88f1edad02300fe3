import { isIP } from 'node:net';
import * as z from 'zod/mini';
import { challengeNameOf } from '../challenge/challenge.ts';
import { Dns01Error } from '../errors.ts';
import { parseName } from '../names.ts';
import type { RecordHandle } from '../provider.ts';
import { badCall, type HookAdd, type HookChallenge, type HookClient, type HookEnvironment } from './hook-call.ts';

/**
 * certbot's manual plugin: all data comes in the environment (certbot docs, "Pre and Post Validation Hooks"). Only the
 * command line tells auth and cleanup apart: CERTBOT_AUTH_OUTPUT of one lineage is still set in the auth call of the
 * next.
 */
export const certbot: HookClient = {
  usage: ['certbot auth', 'certbot cleanup'],
  waits: true,
  // Both are called again for cleanup, even if the add failed.
  undoesFailedAdd: false,
  forgivesFailedRemove: false,
  translate(args, env) {
    if (args.length === 1 && args[0] === 'auth') return auth(env);
    if (args.length !== 1 || args[0] !== 'cleanup') throw badCall('certbot', args, certbot.usage);
    const challenge = challengeOf(env);
    return { action: 'remove', challenges: [challenge], handle: handleFrom(env['CERTBOT_AUTH_OUTPUT'], challenge) };
  },
  /** One line, which certbot keeps, shows, and gives to the cleanup of the same challenge. */
  output: ({ name, value }, { zone, id }) => JSON.stringify({ name, value, zone, ...(id === undefined ? {} : { id }) }),
  failureNote: (names) => `FAILED for ${names}; certbot goes on anyway, and the CA will refuse the name`,
};

const outputSchema = z.object({
  name: z.string(),
  value: z.string(),
  zone: z.string(),
  id: z.optional(z.string()),
});

function auth(env: HookEnvironment): HookAdd {
  const remaining = env['CERTBOT_REMAINING_CHALLENGES'];
  const key = env['CERTBOT_ALL_IDENTIFIERS'] ?? env['CERTBOT_ALL_DOMAINS'];
  const counts = key !== undefined && remaining !== undefined && /^\d{1,6}$/.test(remaining);
  return {
    action: 'add',
    challenges: [challengeOf(env)],
    order: counts ? { key, remaining: Number(remaining) } : undefined,
  };
}

function challengeOf(env: HookEnvironment): HookChallenge {
  const domain = env['CERTBOT_IDENTIFIER'] ?? env['CERTBOT_DOMAIN'];
  const value = env['CERTBOT_VALIDATION'];
  if (!domain || !value) {
    throw new Dns01Error('E_USAGE', 'CERTBOT_DOMAIN and CERTBOT_VALIDATION are not set: certbot calls this hook', {
      hint: "certbot certonly --manual --preferred-challenges dns --manual-auth-hook 'dns01 hook certbot auth' --manual-cleanup-hook 'dns01 hook certbot cleanup' -d example.com",
    });
  }
  if (env['CERTBOT_TOKEN'] || isIP(domain)) {
    throw new Dns01Error('E_USAGE', `certbot asks for http-01 for ${domain}, and this hook is for dns-01`, {
      hint: 'add --preferred-challenges dns to the certbot command',
    });
  }
  return { name: challengeNameOf(domain), value };
}

/** certbot may pass the output of another challenge, so a handle counts only for exactly the same value. */
function handleFrom(output: string | undefined, challenge: HookChallenge): RecordHandle | undefined {
  const parsed = z.safeParse(outputSchema, parseLine(output));
  if (!parsed.success || parsed.data.name !== challenge.name || parsed.data.value !== challenge.value) return undefined;
  const zone = parseName(parsed.data.zone);
  return zone && { zone, id: parsed.data.id };
}

function parseLine(output: string | undefined): unknown {
  try {
    return JSON.parse(output?.trim() || 'null');
  } catch {
    return undefined;
  }
}
