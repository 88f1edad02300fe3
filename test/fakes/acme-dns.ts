import { type FakeReply, type FakeRequest, type FaultServer, startFaultServer } from './fault-server.ts';

export interface AcmeDnsFake {
  /** Its one call is `POST /update`. */
  readonly server: FaultServer;
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly subdomain: string;
  /** The two values of the registration, the older first; a new one has none. */
  held(): string[];
  /** The two values of another user's registration at the same server. */
  heldByNeighbour(): string[];
  close(): Promise<void>;
}

const REGISTRATION = {
  username: 'c36f50e8-4632-44f0-83fe-e070fef28a10',
  password: 'htB9mR9DYgcu9bX_afHF62erXaH2TS7bg9KW3F7Z',
  subdomain: '8e5700ea-a4bf-41c7-8a77-e990661dcc6a',
} as const;

const NEIGHBOUR = {
  username: 'eabcdb41-d89f-4580-826f-3e62e9755ef2',
  password: 'pbAXVjlIOE01xbut7YnAbkhMQIkcwoHO0ek2j4Q0',
  subdomain: 'd420c923-bbd7-4056-ab64-c3ca54c9b3cf',
} as const;

const NEIGHBOURS_VALUES = ['0'.repeat(43), '1'.repeat(43)] as const;

/** acme-dns by its source of 2024-12-15 (auth.go, api.go, validation.go, db.go), with two registrations. */
export async function startAcmeDnsFake(): Promise<AcmeDnsFake> {
  /** Two rows each. An update takes the older one, so the same value twice is in both. */
  const rows = new Map<string, readonly string[]>([
    [REGISTRATION.subdomain, ['', '']],
    [NEIGHBOUR.subdomain, NEIGHBOURS_VALUES],
  ]);
  const held = (subdomain: string) => (rows.get(subdomain) ?? []).filter((value) => value !== '');

  function reply({ method, path, headers, body }: FakeRequest): FakeReply {
    if (method !== 'POST' || path !== '/update') return { status: 404, body: '404 page not found\n' };
    const { subdomain, txt } = JSON.parse(body) as { subdomain?: string; txt?: string };
    const [user, key] = [headers['x-api-user'], headers['x-api-key']];
    const known = [REGISTRATION, NEIGHBOUR].find(({ username, password }) => user === username && key === password);
    if (!known || subdomain !== known.subdomain) return fault(401, 'forbidden');
    if (txt === undefined || !/^[A-Za-z0-9_-]{43}$/.test(txt)) return fault(400, 'bad_txt');
    rows.set(subdomain, [rows.get(subdomain)?.[1] ?? '', txt]);
    return { status: 200, headers: { 'content-type': 'application/json' }, body: `{"txt": "${txt}"}` };
  }

  const server = await startFaultServer({ nameOf: ({ method, path }) => `${method} ${path}`, reply });
  return {
    server,
    url: server.origin,
    ...REGISTRATION,
    held: () => held(REGISTRATION.subdomain),
    heldByNeighbour: () => held(NEIGHBOUR.subdomain),
    close: () => server.close(),
  };
}

function fault(status: number, error: string): FakeReply {
  return { status, headers: { 'content-type': 'application/json' }, body: `{"error": "${error}"}` };
}
