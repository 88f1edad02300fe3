import type { Endpoint } from '../lab/addresses.ts';
import { runOrThrow } from '../lab/processes.ts';
import { pathOf } from '../lab/programs.ts';

/** An account at a provider, with one zone that a DNS server shows. */
export interface Account {
  readonly zone: string;
  /** As it stands in dns01's config. */
  readonly login: Readonly<Record<string, unknown>>;
  /** What of the login no output may show. */
  readonly secrets: readonly string[];
  /** Whom to ask about the zone, where the laboratory's NS records do not lead there. */
  readonly nameserver?: Endpoint;
  /** Puts a value of somebody else at a name, without dns01. */
  plant(name: string, value: string): Promise<void>;
  /** Every record of the zone, as the provider has it and as its DNS server does. */
  contents(): Promise<string[]>;
  close(): Promise<void>;
}

/** All records of a zone but the SOA, whose serial counts the changes; sorted. */
export async function zoneContents({ host, port }: Endpoint, zone: string): Promise<string[]> {
  const question = [`${zone}.`, 'AXFR', '+noall', '+answer'];
  const transfer = await runOrThrow(pathOf('dig'), ['-r', `@${host}`, '-p', String(port), ...question]);
  return transfer
    .split('\n')
    .map((line) => line.split(/\s+/).join(' '))
    .filter((line) => line !== '' && !line.startsWith(';') && !line.includes(' SOA '))
    .sort();
}
