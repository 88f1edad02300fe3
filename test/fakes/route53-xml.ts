/** The documents of Route 53's API. */
import { XMLParser } from 'fast-xml-parser';
import type { FakeReply } from './fault-server.ts';
import type { Change, RecordSet } from './route53-batch.ts';

export interface HostedZone {
  readonly id: string;
  readonly name: string;
  readonly isPrivate: boolean;
  sets: RecordSet[];
}

export const NAMESPACE = 'https://route53.amazonaws.com/doc/2013-04-01/';

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

export const zoneXml = ({ id, name, isPrivate, sets }: HostedZone): string =>
  `<HostedZone><Id>/hostedzone/${id}</Id><Name>${name}.</Name><CallerReference>ref-${id}</CallerReference><Config><PrivateZone>${isPrivate}</PrivateZone></Config><ResourceRecordSetCount>${sets.length}</ResourceRecordSetCount></HostedZone>`;

export const delegation = ({ isPrivate, sets }: HostedZone): string => {
  const servers = sets.find(({ type }) => type === 'NS')?.values ?? [];
  if (isPrivate) return '<VPCs><VPC><VPCRegion>eu-west-1</VPCRegion><VPCId>vpc-0123</VPCId></VPC></VPCs>';
  return `<DelegationSet><NameServers>${servers.map((server) => `<NameServer>${server.replace(/\.$/, '')}</NameServer>`).join('')}</NameServers></DelegationSet>`;
};

export function setXml({ name, type, ttl, values, extra = '' }: RecordSet): string {
  const records = values.map((value) => `<ResourceRecord><Value>${escaped(value)}</Value></ResourceRecord>`).join('');
  const content = extra.includes('AliasTarget')
    ? extra
    : `${extra}<TTL>${ttl}</TTL><ResourceRecords>${records}</ResourceRecords>`;
  return `<ResourceRecordSet><Name>${name.replace(/\*/g, '\\052')}.</Name><Type>${type}</Type>${content}</ResourceRecordSet>`;
}

export const max = (size: number): string => `<MaxItems>${size}</MaxItems>`;

export const changeInfo = (id: string, status: string): string =>
  `<ChangeInfo><Id>/change/${id}</Id><Status>${status}</Status><SubmittedAt>${new Date().toISOString()}</SubmittedAt></ChangeInfo>`;

export const batchFault = (messages: readonly string[]): FakeReply => ({
  status: 400,
  headers: { 'content-type': 'text/xml' },
  body: `<?xml version="1.0"?>\n<InvalidChangeBatch xmlns="${NAMESPACE}"><Messages>${messages.map((message) => `<Message>${escaped(message)}</Message>`).join('')}</Messages></InvalidChangeBatch>`,
});

export const fault = (status: number, code: string, message: string): FakeReply => ({
  status,
  headers: { 'content-type': 'text/xml' },
  body: `<?xml version="1.0"?>\n<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>Sender</Type><Code>${code}</Code><Message>${escaped(message)}</Message></Error><RequestId>b25f48e8-84fd-11e6-80d9-574e0c4664cb</RequestId></ErrorResponse>`,
});

/** The changes of a request; undefined where it is not the document of the API. */
export function parseBatch(body: string): Change[] | undefined {
  const document = new XMLParser({
    ignoreAttributes: false,
    parseTagValue: false,
    ignoreDeclaration: true,
    isArray: (name) => name === 'Change' || name === 'ResourceRecord',
  }).parse(body);
  const request = document.ChangeResourceRecordSetsRequest;
  if (request?.['@_xmlns'] !== NAMESPACE || !only(request, ['@_xmlns', 'ChangeBatch'])) return undefined;
  const changes = request.ChangeBatch?.Changes?.Change;
  if (!changes || !only(request.ChangeBatch, ['Comment', 'Changes'])) return undefined;
  const parsed: (Change | undefined)[] = changes.map(
    ({ Action: action, ResourceRecordSet: set, ...more }: Record<string, Record<string, never>>) => {
      if (!set || Object.keys(more).length > 0 || !only(set, ['Name', 'Type', 'TTL', 'ResourceRecords']))
        return undefined;
      const records =
        (set['ResourceRecords'] as { ResourceRecord?: { Value: string }[] } | undefined)?.ResourceRecord ?? [];
      const name = String(set['Name']).replace(/\.$/, '').toLowerCase();
      return {
        action,
        set: { name, type: String(set['Type']), ttl: Number(set['TTL']), values: records.map(({ Value }) => Value) },
      };
    },
  );
  return parsed.includes(undefined) ? undefined : (parsed as Change[]);
}

const only = (element: object, members: readonly string[]): boolean =>
  Object.keys(element).every((name) => members.includes(name));
