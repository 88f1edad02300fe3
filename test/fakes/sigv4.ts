import { createHash, createHmac } from 'node:crypto';
import type { FakeRequest } from './fault-server.ts';

export interface AwsKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string | undefined;
  readonly region: string;
  readonly service: string;
}

export interface AwsFault {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** Milliseconds by which a request's time may differ (IAM user guide, "Troubleshoot Signature Version 4"). */
const MAX_SKEW_MS = 300_000;

/**
 * Why AWS refuses a request's signature; undefined where it is right. Made from the IAM user guide, "Create a signed AWS
 * API request", for all services but S3.
 * @param now milliseconds since 1970
 */
export function signatureFault(request: FakeRequest, key: AwsKey, now = Date.now()): AwsFault | undefined {
  const { headers } = request;
  const fields = /^AWS4-HMAC-SHA256 Credential=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})$/.exec(
    headers['authorization'] ?? '',
  );
  if (!fields) return fault('MissingAuthenticationToken', 'Missing Authentication Token');
  const [, credential = '', signedHeaders = '', signature] = fields;
  const [accessKeyId, day = '', region, service, end] = credential.split('/');
  const time = headers['x-amz-date'] ?? '';
  const token = headers['x-amz-security-token'];
  if (accessKeyId !== key.accessKeyId || token !== key.sessionToken) {
    return fault('InvalidClientTokenId', 'The security token included in the request is invalid.');
  }
  if (region !== key.region) return mismatch(`Credential should be scoped to a valid region, not '${region}'. `);
  if (service !== key.service || end !== 'aws4_request') {
    return mismatch(`Credential should be scoped to correct service: '${key.service}'. `);
  }
  if (!/^\d{8}T\d{6}Z$/.test(time) || !time.startsWith(day)) {
    return fault('IncompleteSignature', `Date must be in ISO-8601 'basic format'. Got '${time}'.`, 400);
  }
  const skewMs = parseTime(time) - now;
  if (Math.abs(skewMs) > MAX_SKEW_MS) return mismatch(skewText(time, now, skewMs));
  const signed = signedHeaders.split(';');
  const needed = ['host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))];
  const missing = needed.find((name) => !signed.includes(name));
  if (missing !== undefined) return mismatch(`'${missing}' must be a 'SignedHeader' in the AWS Authorization. `);

  const canonical = [
    request.method,
    request.path.split('/').map(encodePart).join('/'),
    canonicalQuery(request.query),
    ...signed.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    signedHeaders,
    sha256(request.body),
  ].join('\n');
  const scope = [day, region, service, 'aws4_request'].join('/');
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const signingKey = [day, key.region, key.service, 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${key.secretAccessKey}`,
  );
  if (createHmac('sha256', signingKey).update(text).digest('hex') === signature) return undefined;
  return mismatch(
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
  );
}

const fault = (code: string, message: string, status = 403): AwsFault => ({ status, code, message });
const mismatch = (message: string): AwsFault => fault('SignatureDoesNotMatch', message);
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The path comes encoded already, and every part of it is encoded once more. */
const encodePart = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

function canonicalQuery(query: string): string {
  const pairs = [...new URLSearchParams(query)].map(([name, value]) => `${encodePart(name)}=${encodePart(value)}`);
  return pairs.sort().join('&');
}

const parseTime = (time: string): number =>
  Date.parse(time.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));

const basic = (now: number): string => new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, '');

function skewText(time: string, now: number, skewMs: number): string {
  return skewMs < 0
    ? `Signature expired: ${time} is now earlier than ${basic(now - MAX_SKEW_MS)} (${basic(now)} - 5 min.)`
    : `Signature not yet current: ${time} is still later than ${basic(now + MAX_SKEW_MS)} (${basic(now)} + 5 min.)`;
}
