import type { FakeReply } from './fault-server.ts';
import { json } from './stand-in.ts';

export interface RrSet {
  readonly name: string;
  readonly type: string;
  ttl: number | null;
  values: string[];
}

export interface Zone {
  readonly id: number;
  readonly name: string;
  readonly mode: 'primary' | 'secondary';
  readonly sets: RrSet[];
}

export interface Action {
  readonly id: number;
  readonly command: string;
  readonly zone: number;
  stepsLeft: number;
  readonly fails: boolean;
  /** Tells a DNS server. */
  announce(): Promise<void>;
}

const STARTED = '2026-11-21T12:00:00Z';
const NAME_SERVERS = ['hydrogen.ns.hetzner.com.', 'oxygen.ns.hetzner.com.', 'helium.ns.hetzner.de.'];

export interface Change {
  readonly zone: string;
  readonly name: string;
  readonly records: unknown;
  readonly ttl: unknown;
  readonly unknown: readonly string[];
  readonly verb: string;
}

/** The first field that the API does not take, and why. */
export function wrongIn({ zone, name, records, ttl, unknown, verb }: Change): [field: string, why: string] | undefined {
  if (name !== name.toLowerCase() || name.endsWith('.') || name === zone || name.endsWith(`.${zone}`)) {
    return ['rr_name', 'must be in lower case, and must not end with a dot or the zone name'];
  }
  if (unknown[0] !== undefined || (verb !== 'add_records' && ttl !== undefined))
    return [unknown[0] ?? 'ttl', 'unknown field'];
  if (ttl !== undefined && (!Number.isInteger(ttl) || Number(ttl) < 60)) return ['ttl', 'must be at least 60'];
  if (!Array.isArray(records) || records.length < 1 || records.length > 50)
    return ['records', 'must have 1 to 50 items'];
  const values = records.map((record: { value?: unknown }) => record.value);
  if (!values.every(isQuoted)) return ['records[0].value', 'must consist of one or many quoted strings'];
  return new Set(values).size < values.length ? ['records', 'must be distinct'] : undefined;
}

/** "The format of TXT records must consist of one or many quoted strings of 255 characters." */
const isQuoted = (value: unknown): boolean =>
  typeof value === 'string' && /^"(?:[^"\\]|\\.){0,255}"(?: "(?:[^"\\]|\\.){0,255}")*$/.test(value);

export const refuse = (status: number, code: string, message: string, details: unknown = null): FakeReply =>
  json(status, { error: { code, message, details } });

export const invalid = (field: string, why: string): FakeReply =>
  refuse(422, 'invalid_input', why, { fields: [{ name: field, messages: [why] }] });

export function shownAction({ id, command, zone, stepsLeft, fails }: Action): unknown {
  const isOver = stepsLeft <= 0;
  return {
    id,
    command,
    status: isOver ? (fails ? 'error' : 'success') : 'running',
    progress: isOver ? 100 : 50,
    started: STARTED,
    finished: isOver ? STARTED : null,
    resources: [{ id: zone, type: 'zone' }],
    error: isOver && fails ? { code: 'action_failed', message: 'Action failed' } : null,
  };
}

export const shownSet = (zone: Zone, { name, type, ttl, values }: RrSet): unknown => ({
  id: `${name}/${type}`,
  name,
  type,
  ttl,
  labels: {},
  protection: { change: false },
  records: values.map((value) => ({ value, comment: '' })),
  zone: zone.id,
});

export const shownZone = ({ id, name, mode, sets }: Zone): unknown => ({
  id,
  name,
  created: STARTED,
  ttl: 3600,
  mode,
  primary_nameservers: mode === 'secondary' ? [{ address: '198.51.100.1', port: 53 }] : [],
  protection: { delete: false },
  labels: {},
  authoritative_nameservers: {
    assigned: NAME_SERVERS,
    delegated: NAME_SERVERS,
    delegation_last_check: STARTED,
    delegation_status: 'valid',
  },
  registrar: 'other',
  status: 'ok',
  record_count: sets.length,
});

/** 25 items a page, or up to 50 on request. */
export function pageOf<Item>(all: readonly Item[], query: URLSearchParams) {
  const perPage = Math.min(50, Number(query.get('per_page') ?? 25));
  const page = Number(query.get('page') ?? 1);
  const last = Math.max(1, Math.ceil(all.length / perPage));
  const pagination = {
    page,
    per_page: perPage,
    previous_page: page > 1 ? page - 1 : null,
    next_page: page < last ? page + 1 : null,
    last_page: last,
    total_entries: all.length,
  };
  return { items: all.slice((page - 1) * perPage, page * perPage), meta: { pagination } };
}
