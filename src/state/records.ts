import * as z from 'zod/mini';

export const recordSchema = z.object({ name: z.string(), value: z.string(), ttl: z.number() });

/** One TXT record; the TTL is in seconds. */
export type KeptRecord = z.output<typeof recordSchema>;

export interface Records {
  /** False if it was there before. */
  add(record: KeptRecord): Promise<boolean>;
  /** False if it was not there. */
  remove(name: string, value: string): Promise<boolean>;
  at(name: string): Promise<KeptRecord[]>;
  all(): Promise<KeptRecord[]>;
  /** The records to serve, from memory: files are read again only after a change. Returns the same list until then. */
  served(): Promise<ServedRecords>;
}

export interface ServedRecords {
  readonly records: readonly KeptRecord[];
  /** A number for the SOA that never decreases: the second of the last change. */
  readonly serial: number;
}

/** The records that dns01 serves itself, those of one account each. */
export interface RecordStore {
  /** @throws E_CONFIG where there is no place for them */
  open(account: string): Promise<Records>;
}
