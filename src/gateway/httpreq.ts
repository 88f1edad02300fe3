import { failure, refuse } from './answer.ts';
import type { Action, Credentials, Front } from './front.ts';
import { parseBody } from './request.ts';

/**
 * lego's httpreq in its two modes; acme.sh's dns_acmeproxy uses the first one (go-acme.github.io/lego/dns/httpreq). The
 * answer has the value only after it was published or withdrawn.
 */
export const httpreq: Front = {
  name: 'httpreq',
  actionOf: (word) => ACTIONS.get(word),
  credentials: ({ authorization }) => basicCredentials(authorization),
  hashOf: ({ hash }) => hash,
  wrongLogin: refuse(401, 'wrong user or password', { 'www-authenticate': 'Basic realm="dns01"' }),
  parse(text, { principal }, isDelegated) {
    // A user must not find out which names of others are in a delegated zone.
    const request = parseBody(text, (name) => principal.mayWrite(name) && isDelegated(name));
    return typeof request === 'string' ? refuse(400, request) : request;
  },
  done: ({ fqdn, value }) => ({ status: 200, body: { fqdn, value } }),
  failed: (error, { fqdn }) => failure(error, fqdn),
  hasLease: false,
};

const ACTIONS: ReadonlyMap<string, Action> = new Map([
  ['present', 'add'],
  ['cleanup', 'remove'],
]);

function basicCredentials(header: string | undefined): Credentials | undefined {
  const [, encoded] = /^Basic ([A-Za-z0-9+/=]{1,1000})$/i.exec(header ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
