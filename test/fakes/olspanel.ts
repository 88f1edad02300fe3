import { type FakeReply, type FaultServer, startFaultServer } from './fault-server.ts';

export interface OlspanelFakeSettings {
  /** As the panel lists them, with sub-domains. */
  readonly domains?: readonly string[];
}

export interface OlspanelFake {
  /** Its calls have the API's names; a wrong path is `not found`. */
  readonly server: FaultServer;
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** Switches of the panel, which can be changed at any time. */
  readonly panel: { apiOff: boolean; addressBlocked: boolean };
  close(): Promise<void>;
}

/** OLSPanel's user API, from its documents and the source of a copy: Django with paths that end in a slash, errors in a 200. */
export async function startOlspanelFake({
  domains = ['example.com'],
}: OlspanelFakeSettings = {}): Promise<OlspanelFake> {
  const [username, password] = ['panel-user', 'panel-pass-4711'];
  const panel = { apiOff: false, addressBlocked: false };
  const json = (body: unknown): FakeReply => ({ status: 200, headers: JSON_TYPE, body: JSON.stringify(body) });

  const server = await startFaultServer({
    nameOf: ({ path }) => /^\/api\/(\w+)\/$/.exec(path)?.[1] ?? 'not found',
    reply({ call, method, headers, body }) {
      if (panel.addressBlocked) return { status: 403, headers: HTML_TYPE, body: '<h1>Your address is blocked</h1>' };
      if (call !== 'domain_list') return { status: 404, headers: HTML_TYPE, body: '<h1>Not Found</h1>' };
      if (method !== 'POST') return json({ error: 'POST method required' });
      if (panel.apiOff) return json({ error: 'API is currently disabled' });
      if (headers['username'] !== username || headers['password'] !== password)
        return json({ error: 'Invalid credentials' });
      // Django reads no fields from a JSON body.
      if (new URLSearchParams(body).get('username') === null)
        return json({ success: false, message: "User '' not found." });
      return json(domains.map((domain, index) => ({ id: index + 1, domain, path: `/home/${username}/${domain}` })));
    },
  });
  return { server, url: server.origin, username, password, panel, close: server.close };
}

const JSON_TYPE = { 'content-type': 'application/json' };
const HTML_TYPE = { 'content-type': 'text/html' };
