import type { Endpoint } from './addresses.ts';
import { runOrThrow } from './processes.ts';
import { pathOf } from './programs.ts';

export interface Update {
  action: 'add' | 'delete';
  zone: string;
  name: string;
  value: string;
  ttl?: number;
}

/** Adds or deletes one TXT record by a signed dynamic update. */
export async function updateTxt(server: Endpoint, keyFile: string, update: Update): Promise<void> {
  const { action, zone, name, value, ttl = 60 } = update;
  if (/["\\\n]/.test(value)) throw new Error(`not a value for a TXT record: ${value}`);
  const shownFor = action === 'add' ? `${ttl} ` : '';
  await runOrThrow(pathOf('nsupdate'), ['-k', keyFile], {
    input: [
      `server ${server.host} ${server.port}`,
      `zone ${zone}.`,
      `update ${action} ${name}. ${shownFor}TXT "${value}"`,
      'send',
      '',
    ].join('\n'),
  });
}

/** The TXT values that a server itself holds at a name, unquoted, sorted. */
export async function txtValues(server: Endpoint, name: string): Promise<string[]> {
  const lines = await ask(server, name, 'TXT');
  return lines
    .filter((line) => line.startsWith('"'))
    .map((line) => line.slice(1, -1).replaceAll('" "', ''))
    .sort();
}

/** Whether a server is up and answers for all these zones. */
export async function servesAll(
  server: Endpoint,
  zones: readonly string[],
  { recursive = false } = {},
): Promise<boolean> {
  for (const zone of zones) {
    const answer = await ask(server, zone, 'SOA', recursive).catch(() => []);
    if (answer.length === 0) return false;
  }
  return true;
}

/** The root's key in the form of a trust anchor; undefined until the server has signed the root. */
export async function rootAnchor(server: Endpoint): Promise<string | undefined> {
  const keys = await ask(server, '', 'DNSKEY');
  const key = keys.find((line) => line.startsWith('257 '));
  return key && `. IN DNSKEY ${key}`;
}

async function ask({ host, port }: Endpoint, name: string, type: string, recursive = false): Promise<string[]> {
  const question = [`${name}.`, type, recursive ? '+recurse' : '+norecurse', '+short', '+tries=2', '+time=2'];
  // Without -r a .digrc of the person who runs the tests would change the answer's form.
  const answer = await runOrThrow(pathOf('dig'), ['-r', `@${host}`, '-p', String(port), ...question]);
  return answer.split('\n').filter((line) => line !== '' && !line.startsWith(';'));
}
