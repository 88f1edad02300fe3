import { type FakeReply, type FakeRequest, startFaultServer } from './fault-server.ts';
import type { StandIn, StandInSettings } from './stand-in.ts';

export const HTTPREQ_LOGIN = { username: 'user', password: 'httpreq-pass-word-42' } as const;

export interface HttpreqFakeSettings extends StandInSettings {
  /** Null: the server wants no login. */
  readonly login?: { readonly username: string; readonly password: string } | null;
  /** A path before /present and /cleanup. */
  readonly prefix?: string;
  /** What the server answers, with status 200; `echo`: the message. lego does not read it, acme.sh's dns_acmeproxy looks for the value. */
  readonly body?: string;
}

/**
 * A server for lego's httpreq provider in its default mode, by its documentation and tests: go-acme/lego,
 * providers/dns/httpreq, of 2026-07-21. It takes exactly what lego sends.
 */
export async function startHttpreqFake(settings: HttpreqFakeSettings = {}): Promise<StandIn> {
  const { login = HTTPREQ_LOGIN, prefix = '', body = 'lego' } = settings;
  const authorization = login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
  let records: { readonly name: string; readonly type: string; readonly value: string }[] = [];

  async function reply({ method, path, headers, body: sent }: FakeRequest): Promise<FakeReply> {
    if (method !== 'POST' || ![`${prefix}/present`, `${prefix}/cleanup`].includes(path)) {
      return { status: 404, body: '404 page not found\n' };
    }
    if ((headers['authorization'] ?? null) !== authorization) return { status: 401, body: 'Unauthorized\n' };
    if (headers['content-type'] !== 'application/json') return { status: 415, body: 'Unsupported Media Type\n' };
    const message = messageIn(sent);
    if (!message) return { status: 400, body: 'Bad Request\n' };
    await change(path.endsWith('/present') ? 'added' : 'removed', message);
    return {
      status: 200,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: body === 'echo' ? sent : body,
    };
  }

  /** What is there already stays one record, and what is not there need not be removed. */
  async function change(how: 'added' | 'removed', { name, value }: { readonly name: string; readonly value: string }) {
    const twin = records.find((one) => one.name === name && one.type === 'TXT' && one.value === value);
    if ((twin !== undefined) === (how === 'added')) return;
    records = twin ? records.filter((one) => one !== twin) : [...records, { name, type: 'TXT', value }];
    await settings.onChange?.('', name, value, how);
  }

  const server = await startFaultServer({
    nameOf: ({ method, path }) => `${method} /${path.split('/').at(-1)}`,
    reply,
  });
  return {
    server,
    options: { url: server.origin + prefix, ...login },
    secrets: login ? [login.password, String(authorization).slice('Basic '.length)] : [],
    calls: { add: 'POST /present', remove: 'POST /cleanup' },
    held: (name) => records.filter((one) => one.name === name && one.type === 'TXT').map(({ value }) => value),
    plant(name, value, type = 'TXT') {
      records.push({ name, type, value });
    },
    everything: () => records.map(({ name, type, value }) => [name, type, value].join(' ')),
    close: () => server.close(),
  };
}

/** Exactly `{"fqdn": "_acme-challenge.domain.", "value": …}`. */
function messageIn(text: string): { readonly name: string; readonly value: string } | undefined {
  const { fqdn, value, ...more } = JSON.parse(text) as Record<string, unknown>;
  if (typeof fqdn !== 'string' || typeof value !== 'string' || value === '' || Object.keys(more).length > 0)
    return undefined;
  return /^[^.]+(?:\.[^.]+)*\.$/.test(fqdn) ? { name: fqdn.slice(0, -1), value } : undefined;
}
