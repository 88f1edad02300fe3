import { readFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import * as acme from 'acme-client';
import type { Pebble } from '../lab/pebble.ts';

/** An ACME account that answers challenges which no common client knows. */
export interface AcmeAccount {
  /** The account's URL. */
  readonly url: string;
  /**
   * Answers one challenge of this type for each domain; the problem of the first that fails, or the certificate.
   * @param publish called with the TXT value of each challenge before its answer
   */
  issue(
    domains: readonly string[],
    type: string,
    publish?: (domain: string, value: string) => Promise<void>,
  ): Promise<{ problem?: Problem; certificate?: string }>;
}

interface Problem {
  readonly type: string;
  readonly detail: string;
}

type Challenge = acme.Authorization['challenges'][number];

/** The CA's certificate counts for all accounts that are open. */
export async function openAcmeAccount({ directory, caFile }: Pebble): Promise<AcmeAccount> {
  acme.axios.defaults.httpsAgent = new Agent({ ca: await readFile(caFile) });
  acme.axios.defaults.proxy = false;
  const accountKey = await acme.crypto.createPrivateEcdsaKey();
  const client = new acme.Client({
    directoryUrl: directory,
    accountKey,
    backoffMin: 100,
    backoffMax: 100,
    backoffAttempts: 100,
  });
  await client.createAccount({ termsOfServiceAgreed: true });

  /** Pebble reuses one valid authorization in a hundred even if it is told to reuse none. */
  async function freshOrder(domains: readonly string[]): Promise<acme.Order> {
    const order = await client.createOrder({ identifiers: domains.map((value) => ({ type: 'dns', value })) });
    const reused = (await client.getAuthorizations(order)).filter(({ status }) => status === 'valid');
    for (const authorization of reused) await client.deactivateAuthorization(authorization);
    return reused.length > 0 ? freshOrder(domains) : order;
  }
  return {
    url: client.getAccountUrl(),
    async issue(domains, type, publish) {
      const order = await freshOrder(domains);
      for (const [index, authorization] of (await client.getAuthorizations(order)).entries()) {
        const challenge = challengeOf(authorization, type);
        // The value is made as for dns-01 (draft-ietf-acme-dns-account-label section 3.1).
        const value = await client.getChallengeKeyAuthorization({ ...challenge, type: 'dns-01' });
        await publish?.(authorization.identifier.value, value);
        await client.completeChallenge(challenge);
        const isValid = await client.waitForValidStatus(authorization).then(
          () => true,
          () => false,
        );
        if (isValid) continue;
        const after = (await client.getAuthorizations(order))[index] ?? authorization;
        return { problem: challengeOf(after, type).error as Problem };
      }
      const [, csr] = await acme.crypto.createCsr({ altNames: [...domains] });
      const done = await client.finalizeOrder(order, csr);
      return { certificate: await client.getCertificate(done) };
    },
  };
}

function challengeOf({ challenges }: acme.Authorization, wanted: string): Challenge {
  // The library's type knows the challenges of RFC 8555 only.
  const found = challenges.find(({ type }: { type: string }) => type === wanted);
  if (!found) throw new Error(`no ${wanted} among ${JSON.stringify(challenges)}`);
  return found;
}
