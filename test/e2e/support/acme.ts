import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Pebble } from '../lab/pebble.ts';
import { runOrThrow } from '../lab/processes.ts';
import { pathOf } from '../lab/programs.ts';

/** Just enough of an ACME client (RFC 8555) for challenges that no common client knows. */
export interface AcmeAccount {
  /** The account's URL. */
  readonly url: string;
  /** RFC 7638, SHA-256, base64url. */
  readonly thumbprint: string;
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

export interface Problem {
  readonly type: string;
  readonly detail: string;
}

type Json = Readonly<Record<string, unknown>>;

interface Authorization {
  readonly identifier: { readonly value: string };
  readonly challenges: readonly Json[];
}

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

const base64url = (data: string | Buffer): string => Buffer.from(data).toString('base64url');

export async function openAcmeAccount({ directory, caFile }: Pebble, dir: string): Promise<AcmeAccount> {
  const ca = await readFile(caFile);
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { crv, kty, x, y } = publicKey.export({ format: 'jwk' });
  const jwk = { crv, kty, x, y };
  const urls = JSON.parse((await send(directory, ca)).text) as Readonly<Record<string, string>>;
  let kid: string | undefined;

  /** An empty payload is a POST-as-GET. */
  async function post(url: string, payload: Json | ''): Promise<Reply> {
    const { headers } = await send(urls['newNonce'] ?? '', ca);
    const nonce = headers['replay-nonce'];
    const head = base64url(JSON.stringify({ alg: 'ES256', nonce, url, ...(kid ? { kid } : { jwk }) }));
    const body = payload === '' ? '' : base64url(JSON.stringify(payload));
    const signature = signatureOf(`${head}.${body}`, privateKey);
    return send(url, ca, JSON.stringify({ protected: head, payload: body, signature }));
  }
  const read = async (url: string, payload: Json | '' = '') => JSON.parse((await post(url, payload)).text) as Json;
  async function settled(url: string, ...waiting: string[]): Promise<Json> {
    for (let attempt = 0; attempt < 100; attempt++) {
      const found = await read(url);
      if (!waiting.includes(String(found['status']))) return found;
      await pause(100);
    }
    throw new Error(`${url} stays ${waiting}`);
  }

  const created = await post(urls['newAccount'] ?? '', { termsOfServiceAgreed: true });
  kid = String(created.headers['location']);
  const thumbprint = createHash('sha256').update(JSON.stringify(jwk)).digest('base64url');
  return {
    url: kid,
    thumbprint,
    async issue(domains, type, publish) {
      const identifiers = domains.map((value) => ({ type: 'dns', value }));
      const ordered = await post(urls['newOrder'] ?? '', { identifiers });
      const order = JSON.parse(ordered.text) as Json;
      for (const url of order['authorizations'] as readonly string[]) {
        const { challenges, identifier } = (await read(url)) as unknown as Authorization;
        const challenge = challenges.find((each) => each['type'] === type);
        if (!challenge) throw new Error(`no ${type} among ${JSON.stringify(challenges)}`);
        const keyAuthorization = `${challenge['token']}.${thumbprint}`;
        await publish?.(identifier.value, createHash('sha256').update(keyAuthorization).digest('base64url'));
        await read(String(challenge['url']), {});
        const { status } = await settled(url, 'pending', 'processing');
        if (status !== 'valid') return { problem: (await read(String(challenge['url'])))['error'] as Problem };
      }
      await read(String(order['finalize']), { csr: await csrFor(domains, dir) });
      const done = await settled(String(ordered.headers['location']), 'ready', 'processing', 'pending');
      return { certificate: (await post(String(done['certificate']), '')).text };
    },
  };
}

const signatureOf = (text: string, key: KeyObject): string =>
  base64url(sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }));

async function csrFor(domains: readonly string[], dir: string): Promise<string> {
  const names = domains.map((domain) => `DNS:${domain}`).join(',');
  const file = join(dir, 'request.der');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', join(dir, 'new.key')];
  const what = ['-subj', '/', '-addext', `subjectAltName=${names}`, '-outform', 'DER', '-out', file];
  await runOrThrow(pathOf('openssl'), ['req', '-new', ...key, ...what]);
  return base64url(await readFile(file));
}

function send(url: string, ca: Buffer, body?: string): Promise<Reply> {
  // Pebble refuses requests without a user agent, as RFC 8555 section 6.1 wants.
  const type = body === undefined ? {} : { 'content-type': 'application/jose+json' };
  const headers = { 'user-agent': 'dns01-test', ...type };
  return new Promise((resolve, reject) => {
    request(url, { ca, agent: false, method: body === undefined ? 'GET' : 'POST', headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const { statusCode: status = 0, headers: received } = response;
        resolve({ status, headers: received, text: Buffer.concat(chunks).toString('utf8') });
      });
    })
      .on('error', reject)
      .end(body);
  });
}
