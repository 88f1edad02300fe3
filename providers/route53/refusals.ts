import { type HttpAnswer, type Refusal, unescapeXml } from '../../src/provider.ts';

const rights = {
  code: 'E_AUTH',
  text: 'this login does not have the right to do this',
  hint: 'give the user or role the policy that dns01 providers route53 shows',
} as const;

const keyRefused = {
  code: 'E_AUTH',
  text: 'the access key was refused',
  hint: 'check accessKeyId, and sessionToken where the credentials are temporary',
  loginRefused: true,
} as const;

const sessionEnded = {
  code: 'E_AUTH',
  text: 'the temporary credentials have ended',
  hint: 'get new temporary credentials, and set accessKeyId, secretAccessKey and sessionToken together',
  loginRefused: true,
} as const;

const clock = {
  code: 'E_AUTH',
  text: 'the signature was refused, because the clock of this machine is wrong',
  hint: 'set the clock of this machine, e.g. by NTP: AWS accepts a difference of at most 5 minutes',
} as const;

/** Nothing was done, and the same request may be sent again. */
const busy = {
  code: 'E_RATE',
  text: 'too many requests, after several attempts',
  hint: 'all users of an AWS account share 5 requests a second: try again later',
} as const;

/** The codes of errors (AWS service model of Route 53, and "Common Errors" of its API reference). */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  AccessDenied: rights,
  AccessDeniedException: rights,
  NotAuthorized: rights,
  InvalidClientTokenId: keyRefused,
  MissingAuthenticationToken: keyRefused,
  UnrecognizedClientException: keyRefused,
  ExpiredToken: sessionEnded,
  ExpiredTokenException: sessionEnded,
  RequestExpired: clock,
  SignatureDoesNotMatch: {
    code: 'E_AUTH',
    text: 'the signature was refused',
    hint: 'check secretAccessKey; a proxy that changes requests has the same effect',
  },
  Throttling: busy,
  ThrottlingException: busy,
  PriorRequestNotComplete: busy,
  NoSuchHostedZone: {
    code: 'E_ZONE',
    text: 'there is no such hosted zone',
    hint: 'check that the hosted zone is in this AWS account, and hostedZoneId if it is set',
  },
  InvalidChangeBatch: {
    code: 'E_REJECTED',
    hint: 'check the name in the hosted zone: no TXT record is possible beside a CNAME, for example',
  },
};

/** An error as `<Error><Code>…`, or as the element `InvalidChangeBatch`, which only has messages. */
export function refusalOf({ text }: HttpAnswer): Refusal | undefined {
  const code = /<Code>\s*(\w{1,64})\s*<\/Code>/.exec(text)?.[1] ?? /<(InvalidChangeBatch)\b/.exec(text)?.[1] ?? '';
  const refusal = Object.hasOwn(REFUSALS, code) ? REFUSALS[code] : undefined;
  return code === 'SignatureDoesNotMatch' && /Signature (?:expired|not yet current)/.test(text) ? clock : refusal;
}

export function messageOf({ text }: HttpAnswer): string | undefined {
  const messages = [...text.matchAll(/<Message>([^<]{1,2000})<\/Message>/g)].map(([, message = '']) => message);
  return messages.length === 0 ? undefined : unescapeXml(messages.join('; '));
}
