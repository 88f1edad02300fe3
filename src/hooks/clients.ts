import { Dns01Error } from '../errors.ts';
import { acmeSh } from './acme-sh.ts';
import { acmetool } from './acmetool.ts';
import { certbot } from './certbot.ts';
import { dehydrated } from './dehydrated.ts';
import { getssl } from './getssl.ts';
import type { HookClient } from './hook-call.ts';
import { lego } from './lego.ts';
import { simpleAcme } from './simple-acme.ts';
import { uacme } from './uacme.ts';

/** The clients whose hook dns01 can be, by the word after `dns01 hook`. */
export const hookClients: Readonly<Record<string, HookClient>> = {
  'acme.sh': acmeSh,
  acmetool,
  certbot,
  dehydrated,
  getssl,
  lego,
  'simple-acme': simpleAcme,
  uacme,
};

/** @throws E_USAGE with the list of what there is */
export function clientNamed(name: string): HookClient {
  const client = Object.hasOwn(hookClients, name) ? hookClients[name] : undefined;
  if (client) return client;
  throw new Dns01Error('E_USAGE', `there is no hook for "${name}"`, {
    hint: `known clients: ${Object.keys(hookClients).join(', ')}`,
  });
}

/** The verbs by which a client that takes a path without arguments can be told. */
const VERBS: readonly (readonly [string, RegExp])[] = [
  ['lego', /^(present|cleanup)$/],
  ['uacme', /^(begin|done|failed)$/],
  ['acmetool', /^(challenge-[a-z-]+|live-updated)$/],
  ['simple-acme', /^(create|delete)$/],
  // Everything that dehydrated says, today and tomorrow, is words joined by underscores.
  ['dehydrated', /^[a-z]+(_[a-z]*)+$/],
];

/**
 * Who is calling, by the first word of the call.
 * @throws E_USAGE with what is known, when nobody calls like that
 */
export function clientCalling(args: readonly string[]): string {
  const [verb = ''] = args;
  const known = VERBS.find(([, pattern]) => pattern.test(verb));
  if (known) return known[0];
  const usages = VERBS.flatMap(([name]) => hookClients[name]?.usage ?? []);
  throw new Dns01Error('E_USAGE', `who is calling cannot be told from "${verb}"`, {
    hint: `known: ${usages.join(', ')}; any client can be named: dns01 hook CLIENT …`,
  });
}
