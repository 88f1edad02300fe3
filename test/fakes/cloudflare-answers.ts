import type { FakeReply } from './fault-server.ts';
import { json } from './stand-in.ts';

/** What Cloudflare's API shows: its envelope, zones and records. */
export const ACCOUNT = '01a7362d577a6c3019a474fd6f485823';
const STAMP = '2026-01-01T05:20:00.12345Z';

export interface StoredRecord {
  readonly id: string;
  readonly zone: string;
  readonly name: string;
  readonly type: string;
  readonly content: string;
  readonly ttl: number;
}

export const success = (result: unknown, more: object = {}): FakeReply =>
  json(200, { result, success: true, errors: [], messages: [], ...more });

export function refusal(status: number, code: number, message: string, error_chain?: readonly object[]): FakeReply {
  const error = { code, message, ...(error_chain ? { error_chain } : {}) };
  return json(status, { result: null, success: false, errors: [error], messages: [] });
}

export const invalid = (code: number, message: string): FakeReply =>
  refusal(400, 1004, 'DNS Validation Error', [{ code, message }]);

export function shownZone(name: string, id: string) {
  return {
    id,
    name,
    status: 'active',
    paused: false,
    type: 'full',
    development_mode: 0,
    name_servers: ['christian.ns.cloudflare.com', 'Dina.ns.cloudflare.com'],
    original_name_servers: null,
    original_registrar: null,
    original_dnshost: null,
    created_on: STAMP,
    modified_on: STAMP,
    activated_on: STAMP,
    meta: { step: 2 },
    owner: { id: ACCOUNT, type: 'user' },
    account: { id: ACCOUNT, name: 'it@example.net' },
  };
}

export const shownRecord = ({ zone: _, ...record }: StoredRecord) => ({
  ...record,
  proxiable: record.type !== 'TXT',
  proxied: false,
  settings: {},
  meta: {},
  tags: [],
  created_on: STAMP,
  modified_on: STAMP,
});
