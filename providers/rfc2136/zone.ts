import { Dns01Error } from '../../src/errors.ts';
import { type Fqdn, isWithin, zoneCandidates } from '../../src/provider.ts';
import type { UpdateClient } from './client.ts';
import { CLASS, type ResourceRecord, type Response, TYPE } from './message.ts';
import { nameOfCode } from './refusal.ts';

/**
 * The zone that holds a name, as the server itself sees it. The answer to a question for an SOA names it, as the answer
 * or, where the name is no zone, beside it (RFC 2308 section 3), so that mostly one question is enough.
 * @throws E_ZONE when the server is authoritative for none
 */
export async function findZone(client: UpdateClient, name: Fqdn): Promise<Fqdn> {
  const looked: string[] = [];
  for (const candidate of zoneCandidates(name)) {
    const answer = await client.ask(candidate, TYPE.SOA);
    const zone = zoneOf(answer, candidate);
    if (zone !== undefined) return zone;
    looked.push(`${candidate} (${answer.authoritative ? '' : 'not authoritative, '}${nameOfCode(answer.rcode)})`);
  }
  throw new Dns01Error('E_ZONE', `the server holds no zone for ${name}, asked for: ${looked.join(', ')}`, {
    hint: 'set server to the primary of the zone, or say which zone it is with --zone or in the config',
  });
}

function zoneOf({ authoritative, answers, authorities }: Response, name: Fqdn): Fqdn | undefined {
  if (!authoritative) return undefined;
  return [...answers, ...authorities].find((record) => isSoa(record) && isWithin(name, record.name))?.name;
}

const isSoa = (record: ResourceRecord): boolean => record.type === TYPE.SOA && record.class === CLASS.IN;
