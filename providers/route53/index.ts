import * as z from 'zod/mini';
import { apiUrl, defineProvider, parseZones, secret } from '../../src/provider.ts';
import { createVerbs } from './changes.ts';
import { createRoute53Client } from './client.ts';

const options = z.strictObject({
  accessKeyId: z
    .string()
    .check(
      z.regex(/^\w{16,128}$/, 'expected an access key id, like AKIA…'),
      z.describe('access key id of an IAM user'),
    ),
  secretAccessKey: secret('its secret access key'),
  sessionToken: z.optional(secret('session token, only for temporary credentials')),
  hostedZoneId: z.optional(
    z
      .string()
      .check(
        z.regex(/^[A-Z0-9]{1,32}$/, 'expected the id of a hosted zone, like Z0123456789ABC'),
        z.describe(
          'the only hosted zone to use; needed where several public ones have the same name, or for a private one',
        ),
      ),
  ),
  url: apiUrl('https://route53.amazonaws.com'),
});

/** Amazon Route 53, API version 2013-04-01. */
export default defineProvider({
  type: 'route53',
  title: 'Amazon Route 53',
  docs: {
    url: 'https://docs.aws.amazon.com/Route53/latest/APIReference/',
    rights: [
      'An IAM user with an access key, used for nothing else. Give it a policy with these three statements, with the id of your hosted zone instead of `Z0123456789ABC`:',
      '`{"Effect": "Allow", "Action": "route53:ListHostedZonesByName", "Resource": "*"}`. You can omit it if you set `hostedZoneId`.',
      '`{"Effect": "Allow", "Action": ["route53:GetHostedZone", "route53:ListResourceRecordSets"], "Resource": "arn:aws:route53:::hostedzone/Z0123456789ABC"}`.',
      '`{"Effect": "Allow", "Action": "route53:ChangeResourceRecordSets", "Resource": "arn:aws:route53:::hostedzone/Z0123456789ABC", "Condition": {"ForAllValues:StringLike": {"route53:ChangeResourceRecordSetsNormalizedRecordNames": ["_acme-challenge.*"]}, "ForAllValues:StringEquals": {"route53:ChangeResourceRecordSetsRecordTypes": ["TXT"], "route53:ChangeResourceRecordSetsActions": ["CREATE", "DELETE"]}}}`. It allows only TXT records of challenge names.',
    ],
    requests: {
      add: '1; 3 if the name has other values; 2 if the value exists; 1 more if the id of the hosted zone is not known; up to 100 changes of a zone at once in the same number, and more only in zones with over 300 record sets',
      remove:
        '1 if the journal knows the value and the name has no other; otherwise 2, or 3 if the journal knows the value',
    },
    tried:
      'Never against the live API. Against a stand-in made from the AWS service model of Route 53 (aws-sdk 2.1693.0), the API reference and developer guide (read on 2026-11-21), and recorded answers in the tests of lego and lexicon.',
    notes: [
      'Values of other programs are never lost: each change names the record set as it was read, and Route 53 refuses the change if the set is different by then. dns01 then reads it again.',
      'Many changes of a zone are one request: all of them or none.',
      'Record sets with weighted, latency or other routing, and aliases, are not changed.',
      'Private hosted zones are used only if you set `hostedZoneId`.',
      'All users of an AWS account share 5 requests a second. dns01 counts its own, and waits if AWS refuses one.',
      'AWS refuses requests if the clock of the machine is wrong by more than 5 minutes.',
      'A value is usually served within 60 seconds. dns01 asks the name servers instead of polling the API.',
    ],
  },
  options,
  http: true,
  concurrency: 4,
  // Of the whole AWS account (developer guide, "Quotas"); whose keys belong to it is not known.
  rateLimits: [{ requests: 5, windowMs: 1000, per: 'credential' }],
  changes: { atMost: 100, atomic: true },
  nameServerPatterns: [/^ns-\d{1,4}\.awsdns-\d{1,2}\.(?:com|net|org|co\.uk)$/],
  usualDelayMs: 60_000,
  create(settings, context) {
    const client = createRoute53Client(settings, context);
    return {
      ...createVerbs(client, context),
      listZones: () => parseZones(client.zones()),
      nameServers: (zone) => client.nameServers(zone),
    };
  },
});
