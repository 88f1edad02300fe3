import type { FakeReply, FaultServer } from './fault-server.ts';

/** What every stand-in of a provider's API can do for the contract suite, the fault matrix and the tests with other clients. */
export interface StandIn {
  readonly server: FaultServer;
  /** The keys of an account that uses it, without `provider`. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Every secret among the options, also as it is sent, where that differs. */
  readonly secrets: readonly string[];
  /** The calls that add and remove one value, by the names that the stand-in gives them. */
  readonly calls: { readonly add: string; readonly remove: string };
  /** Every TXT value at the name, unquoted, as often as it is there. */
  held(name: string): string[];
  /** Stores a record without the API, as another program would. Its zone has to be one of the account. */
  plant(name: string, value: string, type?: string): void;
  /** Every record of every type, a line each, without ids of whole sets or serials that each change of a zone renews. */
  everything(): string[];
  close(): Promise<void>;
}

export interface StandInSettings {
  /** The zones of the account; default: `example.com`. */
  readonly zones?: readonly string[];
  /** Called for every TXT value that begins or ends to be served, before the answer is sent, so that a DNS server can follow. */
  readonly onChange?: OnChange | undefined;
}

export type OnChange = (zone: string, name: string, value: string, change: 'added' | 'removed') => Promise<void>;

/** The longest of these zones that holds the name. */
export function zoneHolding(zones: Iterable<string>, name: string): string | undefined {
  return [...zones].filter((zone) => name === zone || name.endsWith(`.${zone}`)).sort((a, b) => b.length - a.length)[0];
}

/** An answer in JSON. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): FakeReply {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}
