import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeDnsServer, type FakeRecord, startFakeDns } from '../fakes/dns-server.ts';
import { type IspconfigFake, startIspconfigFake } from '../fakes/ispconfig.ts';
import { openWorkplace, type Workplace } from '../support/cli.ts';

let here: Workplace;
let dns: FakeDnsServer;
let panel: IspconfigFake;
const records: FakeRecord[] = [];

beforeEach(async () => {
  records.length = 0;
  here = await openWorkplace();
  panel = await startIspconfigFake({
    onChange: async (_zone, name, _type, value, what) => dns.show(name, what === 'added' ? [value] : []),
  });
  dns = await startFakeDns({ zones: [{ name: 'com' }, { name: 'example.com', records }] });
});
afterEach(() => Promise.all([here.remove(), dns.close(), panel.close()]));

interface Settings {
  readonly zones?: Readonly<Record<string, unknown>>;
  readonly nameservers?: readonly string[];
}

const configure = (accounts: Readonly<Record<string, unknown>>, { zones, nameservers = [dns.at] }: Settings = {}) =>
  here.configure(
    JSON.stringify({
      accounts,
      ...(zones ? { zones } : {}),
      dns: { resolvers: [dns.at], roots: [dns.at], nameservers: { 'example.com': nameservers } },
      propagation: { timeout: 2, interval: 0.1 },
    }),
  );
const doctor = (...options: string[]) => here.run(['doctor', ...options]);

const panelAccount = () => ({
  panel: { provider: 'ispconfig', url: panel.url, username: panel.username, password: panel.password },
});

/** A provider of which each method is JavaScript, or missing. */
async function ownProvider(methods: Readonly<Record<string, string>>) {
  const file = join(here.directory, 'own.mjs');
  const all = { addTxt: 'never()', removeTxt: 'never()', listTxt: CANNOT_LIST, ...methods };
  const source = Object.entries(all).map(([name, body]) =>
    name === 'listZones' ? `async *listZones() { ${body} }` : `async ${name}(...args) { ${body} }`,
  );
  await writeFile(
    file,
    `export default ({ defineProvider, z, secret, Dns01Error }) => defineProvider({
      type: 'own', title: 'Own', docs: {}, options: z.strictObject({ key: secret('the key') }),
      create() { return { ${source.join(',\n')} }; },
    });`,
  );
  return { own: { provider: './own.mjs', key: 'secret-key' } };
}

const CANNOT_LIST = `throw new Dns01Error('E_REJECTED', 'own cannot be asked which values ' + args[0] + ' holds');`;

describe('doctor says "not checked" where nothing was asked', () => {
  it('with one account and no zones, when the provider can only be asked about a name', async () => {
    await configure(await ownProvider({ listTxt: 'return [];' }));
    const { code, stdout, stderr } = await doctor();
    expect(stdout).toMatch(
      /^not checked account own: login: no zone is under zones: and no name was given, so nothing could be asked\n +hint: name a domain that needs a certificate: dns01 doctor NAME$/m,
    );
    expect(stdout).not.toMatch(/login: accepted/);
    expect(code).toBe(75);
    expect(stderr).toMatch(/^dns01: error: nothing could be checked, so it is unknown whether issuing would work$/m);
    const json = await doctor('--json');
    expect(json.code).toBe(75);
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false });
  });

  it('and asks about the name that is given', async () => {
    await configure(
      await ownProvider({ listTxt: `if (args[0] !== '_acme-challenge.example.com') never(); return [];` }),
    );
    const { code, stdout } = await doctor('example.com');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok +account own: login: accepted$/m);
    expect(stdout).toMatch(/^ok +account own: zones: example\.com$/m);
    expect(stdout).toMatch(/^ok +name example\.com: target: written at _acme-challenge\.example\.com by account own$/m);
  });

  it.each([[[]], [['example.com']]])('where only a write would tell: %j', async (names) => {
    const zones = { 'example.com': 'own' };
    await configure(await ownProvider({}), { zones });
    const { code, stdout } = await doctor(...names);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^not checked account own: login: own cannot be asked which values _acme-challenge\.example\.com holds\n +hint: only a write can show whether it works: dns01 doctor --write NAME$/m,
    );
    expect(stdout).not.toMatch(/login: accepted/);
  });

  it('but with the zones of the login where the provider lists them', async () => {
    await configure(panelAccount());
    const { code, stdout } = await doctor();
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok +account panel: login: accepted$/m);
    expect(stdout).toMatch(/^ok +account panel: zones: example\.com$/m);
  });
});

describe('a refusal is bad', () => {
  it('of a key, also where the answer has the code of one who cannot tell', async () => {
    const refusal = `throw new Dns01Error('E_REJECTED', 'the package does not cover it', { status: 403 });`;
    await configure(await ownProvider({ listTxt: refusal }));
    const { code, stdout } = await doctor('example.com');
    expect(code).toBe(65);
    expect(stdout).toMatch(/^BAD +account own: login: the package does not cover it$/m);
  });

  it('of every zone that could hold the name', async () => {
    const none = `throw new Dns01Error('E_ZONE', 'no such zone ' + args[1]);`;
    await configure(await ownProvider({ listTxt: none }));
    const { code, stdout } = await doctor('example.com');
    expect(code).toBe(65);
    expect(stdout).toMatch(
      /^BAD +account own: zones: no zone of this account holds _acme-challenge\.example\.com, tried: /m,
    );
    await configure(panelAccount());
    expect((await doctor('www.example.org')).stdout).toMatch(
      /^BAD +account panel: zones: this login sees no zone that holds _acme-challenge\.www\.example\.org$/m,
    );
  });

  it('of a wait that ends before the provider usually serves a change', async () => {
    await configure(panelAccount());
    expect((await doctor()).stdout).toMatch(
      /^warning +account panel: wait: ISPConfig 3 usually serves a change after 60 s, but a wait ends after 2 s\n +hint: set propagation: \{ timeout: 120 \} in /m,
    );
  });

  it('of a right, and a credential that ends is a warning', async () => {
    const day = 86_400_000;
    const until = (days: number) => `until: new Date(Date.now() + ${days * day})`;
    await configure(
      await ownProvider({
        checkRights: `return [
          { right: 'script', held: false, hint: 'install it' },
          { right: 'token', held: true, ${until(29)} },
          { right: 'old token', held: true, ${until(-3)} },
          { right: 'new token', held: true, ${until(300)} },
        ];`,
      }),
    );
    const { code, stdout } = await doctor();
    expect(code).toBe(65);
    expect(stdout).toMatch(/^BAD +account own: rights: missing: script\n +hint: install it$/m);
    expect(stdout).toMatch(/^warning +account own: rights: token, until \d{4}-\d\d-\d\d$/m);
    expect(stdout).toMatch(/^BAD +account own: rights: ended: old token, until /m);
    expect(stdout).toMatch(/^ok +account own: rights: new token, until /m);
  });

  it('of no account for a name', async () => {
    await configure(panelAccount(), { zones: { 'example.com': 'panel' } });
    const { code, stdout } = await doctor('example.org');
    expect(code).toBe(65);
    expect(stdout).toMatch(/^BAD +name example\.org: target: /m);
    expect(stdout).not.toMatch(/account panel: /);
  });

  it('of a zone that is a challenge name itself, under that name', async () => {
    await configure(panelAccount(), { zones: { '_acme-challenge.example.com': 'panel' } });
    const { stdout } = await doctor();
    expect(stdout).toMatch(
      / zone _acme-challenge\.example\.com: target: .* _acme-challenge\.example\.com by account panel$/m,
    );
    expect(stdout).not.toContain('_acme-challenge._acme-challenge');
  });

  it('of a secret file that is not there, with nothing said of the login', async () => {
    const { panel: account } = panelAccount();
    await configure({ panel: { ...account, password: { file: '/nope' } } });
    const { code, stdout } = await doctor();
    expect(code).toBe(78);
    expect(stdout).toMatch(
      /^BAD +account panel: secret: .*dns01\.yaml:1: accounts\.panel\.password: the file \/nope is not there$/m,
    );
    expect(stdout).toMatch(/^not checked account panel: login: a secret that it needs cannot be read$/m);
    expect(panel.server.takeCalls()).toEqual([]);
  });
});

describe('a name server in dns.nameservers that does not answer', () => {
  it('is a warning beside one that does', async () => {
    const dead = await startFakeDns();
    await dead.close();
    await configure(panelAccount(), { nameservers: [dns.at, dead.at] });
    const { code, stdout } = await doctor('example.com');
    expect(stdout).toMatch(
      /^warning +zone example\.com: name server: 127\.0\.0\.1:\d+ [^\n]+\n +hint: dns01 waits until each of dns\.nameservers shows a value: repair this one, or remove it$/m,
    );
    expect(stdout).toMatch(/^ok +zone example\.com: name server: 1 of 2 addresses answer$/m);
    expect(code).toBe(0);
  });

  it('is bad where none answers', async () => {
    const dead = await startFakeDns();
    await dead.close();
    await configure(panelAccount(), { nameservers: [dead.at] });
    const { code, stdout } = await doctor('example.com');
    expect(stdout).toMatch(/^BAD +zone example\.com: name server: 127\.0\.0\.1:\d+ /m);
    expect(code).toBe(65);
  });
});

describe('doctor --write', () => {
  it('says that nothing was written where neither zones nor names are there', async () => {
    await configure(panelAccount());
    const { stdout } = await doctor('--write');
    expect(stdout).toMatch(
      /^not checked write test: write: nothing was written: no zone is under zones: and no name was given\n +hint: name where to write: dns01 doctor --write NAME$/m,
    );
  });

  it('says what it wrote, where, for names that share a challenge once', async () => {
    await configure(panelAccount());
    const { code, stdout } = await doctor('--write', 'example.com', '*.example.com');
    expect(code).toBe(0);
    const written = stdout.match(/^ok +name \S+: write: published .*$/gm);
    expect(written).toHaveLength(1);
    expect(written?.[0]).toMatch(
      /published [\w-]{43} at _acme-challenge\.example\.com in zone example\.com by account panel after \d+\.\d s$/,
    );
    expect(stdout).toMatch(/write: withdrawn after/);
    expect(panel.held('_acme-challenge.example.com')).toEqual([]);
  });

  it('writes nothing with --dry-run, and says so', async () => {
    await configure(panelAccount());
    const rows = panel.rows.length;
    const { stdout } = await doctor('--write', '--dry-run', 'example.com');
    expect(stdout).toMatch(/^not checked write test: write: nothing was written, because of --dry-run$/m);
    expect(panel.rows).toHaveLength(rows);
  });
});

describe('names', () => {
  it('of a challenge are taken as they are, in the config and as arguments', async () => {
    await configure(panelAccount(), { zones: { '_acme-challenge.example.com': 'panel' } });
    const { stdout } = await doctor();
    expect(stdout).toMatch(/target: written at _acme-challenge\.example\.com by account panel$/m);
    await doctor('_acme-challenge.example.com');
    const asked = [...dns.questions.map(({ name }) => name), stdout].join('\n');
    expect(asked).not.toContain('_acme-challenge._acme-challenge');
  });

  it('that are none, and an account that is not there, are errors of usage', async () => {
    await configure(panelAccount());
    expect((await doctor('exa mple')).code).toBe(64);
    expect((await doctor('--account', 'nobody')).code).toBe(64);
  });

  it('of wildcards are held to issuewild', async () => {
    records.push({ name: 'example.com', type: 'CAA', data: '0 issuewild ;' });
    await configure(panelAccount());
    const { code, stdout } = await doctor('--issuer', 'letsencrypt.org', 'example.com', '*.example.com');
    expect(code).toBe(65);
    expect(stdout).toMatch(/^ok +name example\.com: caa: /m);
    expect(stdout).toMatch(/^BAD +name \*\.example\.com: caa: .*0 issuewild ";" allows no CA$/m);
  });

  it('share what is said of their name servers', async () => {
    await configure(panelAccount());
    const { stdout } = await doctor('a.example.com', 'b.example.com');
    expect(stdout.match(/name server: 1 of 1 addresses answer/g)).toHaveLength(1);
  });
});
