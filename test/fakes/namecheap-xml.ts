/** The documents of Namecheap's API. */
import type { FakeReply, FakeRequest } from './fault-server.ts';

const escaped = (value: unknown): string =>
  String(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

export const open = (name: string, attributes: Readonly<Record<string, unknown>>): string =>
  `<${name}${Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${escaped(value)}"`)
    .join('')}>`;

export const element = (name: string, attributes: Readonly<Record<string, unknown>>): string =>
  open(name, attributes).replace(/>$/, ' />');

const answer = (status: string, errors: string, command: string, content: string): FakeReply => ({
  status: 200,
  headers: { 'content-type': 'text/xml; charset=utf-8' },
  body: `<?xml version="1.0" encoding="utf-8"?>\r\n<ApiResponse Status="${status}" xmlns="http://api.namecheap.com/xml.response">\r\n  ${errors}\r\n  <Warnings />\r\n  <RequestedCommand>${command.toLowerCase()}</RequestedCommand>\r\n  ${content}\r\n  <Server>PHX01APIEXT01</Server>\r\n  <GMTTimeDifference>--5:00</GMTTimeDifference>\r\n  <ExecutionTime>0.045</ExecutionTime>\r\n</ApiResponse>`,
});

export const succeeded = (command: string, content: string): FakeReply =>
  answer('OK', '<Errors />', command, `<CommandResponse Type="${command}">${content}</CommandResponse>`);

export const failed = (command: string, number: number, message: string): FakeReply =>
  answer('ERROR', `<Errors><Error Number="${number}">${escaped(message)}</Error></Errors>`, command, '');

/** Parameters of the query and of the form; their names have no letter case, and commands neither. */
export function parametersOf({ query, body }: Pick<FakeRequest, 'query' | 'body'>): ReadonlyMap<string, string> {
  const pairs = [...new URLSearchParams(query), ...new URLSearchParams(body)];
  return new Map(
    pairs.map(([key, value]) => [key.toLowerCase(), key.toLowerCase() === 'command' ? value.toLowerCase() : value]),
  );
}
