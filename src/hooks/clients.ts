import { didYouMean } from '../closest.ts';
import { Dns01Error } from '../errors.ts';
import { acmeSh } from './acme-sh.ts';
import { acmetool } from './acmetool.ts';
import { certbot } from './certbot.ts';
import { dehydrated } from './dehydrated.ts';
import { getssl } from './getssl.ts';
import type { HookClient } from './hook-call.ts';
import { lego } from './lego.ts';
import { modMd } from './mod-md.ts';
import { simpleAcme } from './simple-acme.ts';
import { uacme } from './uacme.ts';

/** The clients that dns01 has a hook for, by the word after `dns01 hook`. */
export const hookClients: Readonly<Record<string, HookClient>> = {
  'acme.sh': acmeSh,
  acmetool,
  certbot,
  dehydrated,
  getssl,
  lego,
  mod_md: modMd,
  'simple-acme': simpleAcme,
  uacme,
};

/** @throws E_USAGE with the list of clients */
export function clientNamed(name: string): HookClient {
  const client = Object.hasOwn(hookClients, name) ? hookClients[name] : undefined;
  if (client) return client;
  const names = Object.keys(hookClients);
  const hint = didYouMean(name, names) ?? `known clients: ${names.join(', ')}`;
  throw new Dns01Error('E_USAGE', `there is no hook for "${name}"`, { hint });
}

/** The verbs that identify a client that takes a path without arguments. */
const VERBS: readonly (readonly [string, RegExp])[] = [
  ['lego', /^(present|cleanup)$/],
  ['uacme', /^(begin|done|failed)$/],
  ['acmetool', /^(challenge-[a-z-]+|live-updated)$/],
  ['simple-acme', /^(create|delete)$/],
  // All calls of dehydrated, present and future, are words joined by underscores.
  ['dehydrated', /^[a-z]+(_[a-z]*)+$/],
];

/** The calls of clients that take a path without arguments. */
export const knownCalls = (): string[] => VERBS.flatMap(([name]) => hookClients[name]?.usage ?? []);

/**
 * The client that calls, by the first word of the call.
 * @throws E_USAGE with the known calls, where no client calls like this
 */
export function clientCalling(args: readonly string[]): string {
  const [verb = ''] = args;
  const known = VERBS.find(([, pattern]) => pattern.test(verb));
  if (known) return known[0];
  throw new Dns01Error('E_USAGE', `no known client calls its hook with "${verb}"`, {
    hint: `known: ${knownCalls().join(', ')}; or name the client: dns01 hook CLIENT …`,
  });
}
