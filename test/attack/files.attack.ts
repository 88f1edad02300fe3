import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startZoneidFake } from '../fakes/zoneid.ts';
import { CA_FILE, startHttps } from '../support/https.ts';
import { ADD, asRoot, giveAway, NAME, openScene, REMOVE, type Scene, VALUE } from './support/scene.ts';

const OFFLINE = 'zones: { example.com: it }\ndns: { followCnames: false }\n';

let here: Scene;
beforeEach(async () => {
  here = await openScene();
});
afterEach(() => here.remove());

/** A program that leaves a mark when it is run. */
const script = (mark: string) => `#!/bin/sh\necho ran >> '${mark}'\n`;
const execConfig = (program: string) => `accounts: { it: { provider: exec, command: ${program} } }\n${OFFLINE}`;
const mark = () => here.at('mark');
const hasRun = () => existsSync(mark());

describe('a config in the current directory', () => {
  const plant = (text: string) => {
    const place = here.folder('theirs', 0o755);
    for (const file of ['dns01.yaml', 'dns01.yml', 'dns01.json', '.dns01.yaml', '.dns01rc', 'dns01.config.js'])
      giveAway(here.write(`theirs/${file}`, text, 0o644));
    giveAway(here.write('theirs/package.json', JSON.stringify({ dns01: { accounts: {} } }), 0o644));
    giveAway(place);
    return place;
  };
  const nowhere = { DNS01_CONFIG: '', HOME: '/nonexistent', XDG_CONFIG_HOME: '/nonexistent' };

  asRoot('of another user runs none of its programs', async () => {
    const program = here.write('theirs/x.sh', script(mark()), 0o755);
    giveAway(program);
    const cwd = plant(execConfig(program));
    for (const verb of [
      ADD,
      REMOVE,
      ['doctor'],
      ['sweep', '--older-than', '0s'],
      ['hook', 'dehydrated', 'startup_hook'],
    ]) {
      await here.run(verb, { cwd, env: nowhere });
    }
    expect((await here.run(ADD, { cwd, env: nowhere })).stderr).toContain('no config found');
    expect(hasRun()).toBe(false);
  });

  asRoot('of another user starts no shell of acme.sh either', async () => {
    for (const file of ['acme.sh', 'dnsapi/dns_x.sh'])
      giveAway(here.write(`theirs/home/${file}`, script(mark()), 0o755));
    const cwd = plant(
      `accounts: { it: { provider: acmesh, script: dns_x, home: ${here.at('theirs/home')} } }\n${OFFLINE}`,
    );
    await here.run(ADD, { cwd, env: nowhere });
    const named = await here.run(ADD, { cwd, env: { ...nowhere, DNS01_CONFIG: 'dns01.yaml' } });
    expect(named.code).toBe(78);
    expect(hasRun()).toBe(false);
  });

  asRoot('of another user sends no file of this one away', async () => {
    const fake = await startZoneidFake();
    const secret = here.write('private', 'the-secret-of-root-0123456789');
    const cwd = plant(
      `accounts: { it: { provider: zoneid, url: ${fake.url}, username: x, apiKey: { file: ${secret} } } }\n${OFFLINE}`,
    );
    await here.run(ADD, { cwd, env: nowhere });
    expect((await here.run(ADD, { cwd, env: { ...nowhere, DNS01_CONFIG: 'dns01.yaml' } })).code).toBe(78);
    expect(fake.server.requests).toEqual([]);
    await fake.close();
  });
});

/** The ways in which somebody else may have a hand in a file. */
const TAMPERINGS: Readonly<Record<string, (file: string, scene: Scene) => void>> = {
  'belongs to another user': (file) => giveAway(file),
  'can be written by the group': (file) => execFileSync('chmod', ['g+w', file]),
  'can be written by everybody': (file) => execFileSync('chmod', ['o+w', file]),
  'lies in a directory that everybody can write': (_file, scene) => execFileSync('chmod', ['0777', scene.at('place')]),
  'lies in a directory of another user': (_file, scene) => giveAway(scene.at('place')),
  'is a link to a file of another user': (file, scene) => {
    const target = scene.write('theirs', readFileSync(file, 'utf8'), lstatSync(file).mode & 0o777);
    giveAway(target);
    execFileSync('ln', ['-sf', target, file]);
  },
};

describe.each(Object.keys(TAMPERINGS))('a file that %s', (tampering) => {
  const tamper = (file: string) => TAMPERINGS[tampering]?.(file, here);
  const expectRefused = async (args: readonly string[] = ADD, env: Record<string, string> = {}) => {
    const outcome = await here.run(args, { env });
    expect(outcome.stderr).toMatch(/belongs to another user|other users can write|not a regular file/);
    expect(outcome.code).toBe(78);
  };

  asRoot('is no config', async () => {
    const program = here.write('x.sh', script(mark()), 0o755);
    const config = here.write('place/config.yaml', execConfig(program));
    tamper(config);
    await expectRefused(ADD, { DNS01_CONFIG: config });
    await expectRefused(['--config', config, ...ADD], {});
    expect(hasRun()).toBe(false);
  });

  asRoot('is no config below HOME and XDG_CONFIG_HOME', async () => {
    const program = here.write('x.sh', script(mark()), 0o755);
    const config = here.write('place/.config/dns01/config.yaml', execConfig(program));
    tamper(config);
    await expectRefused(ADD, { DNS01_CONFIG: '', HOME: here.at('place') });
    await expectRefused(ADD, { DNS01_CONFIG: '', XDG_CONFIG_HOME: here.at('place/.config') });
    expect(hasRun()).toBe(false);
  });

  asRoot('is not run by exec', async () => {
    const program = here.write('place/x.sh', script(mark()), 0o755);
    await here.configure(execConfig(program));
    expect((await here.run(ADD)).code).toBe(0);
    execFileSync('rm', [mark()]);
    tamper(program);
    await expectRefused();
    expect(hasRun()).toBe(false);
  });

  for (const file of ['acme.sh', 'dnsapi/dns_x.sh']) {
    asRoot(`is not read as ${file}`, async () => {
      const files = ['acme.sh', 'dnsapi/dns_x.sh'].map((each) =>
        here.write(`place/${each}`, `${script(mark())}dns_x_add() { return 0; }\n`, 0o755),
      );
      await here.configure(
        `accounts: { it: { provider: acmesh, script: dns_x, home: ${here.at('place')} } }\n${OFFLINE}`,
      );
      tamper(files[file === 'acme.sh' ? 0 : 1] ?? '');
      await expectRefused();
      expect(hasRun()).toBe(false);
    });
  }

  asRoot('is no secret', async () => {
    const fake = await startZoneidFake();
    const secret = here.write('place/key', fake.apiKey);
    await here.configure(
      `accounts: { it: { provider: zoneid, url: ${fake.url}, username: ${fake.username}, apiKey: { file: ${secret} } } }\n${OFFLINE}`,
    );
    expect((await here.run(ADD)).code).toBe(0);
    fake.server.takeCalls();
    tamper(secret);
    await expectRefused();
    expect(fake.server.takeCalls()).toEqual([]);
    await fake.close();
  });

  asRoot('is no systemd credential', async () => {
    const fake = await startZoneidFake();
    const secret = here.write('place/key', fake.apiKey);
    await here.configure(
      `accounts: { it: { provider: zoneid, url: ${fake.url}, username: ${fake.username}, apiKey: { credential: key } } }\n${OFFLINE}`,
    );
    tamper(secret);
    await expectRefused(ADD, { CREDENTIALS_DIRECTORY: here.at('place') });
    expect(fake.server.takeCalls()).toEqual([]);
    await fake.close();
  });

  asRoot('is no ca', async () => {
    const server = await startHttps('server', (_request, response) => response.writeHead(404).end());
    const ca = here.write('place/ca.pem', readFileSync(CA_FILE, 'utf8'));
    await here.configure(
      `accounts: { it: { provider: zoneid, url: "${server.origin}", username: x, apiKey: some-api-key, ca: ${ca} } }\n${OFFLINE}`,
    );
    await here.run(ADD);
    expect(server.requests.length).toBeGreaterThan(0);
    const before = server.requests.length;
    tamper(ca);
    await expectRefused();
    expect(server.requests).toHaveLength(before);
    await server.close();
  });

  const plugin = (from = './helper.mjs') => `
    import { mark } from '${from}';
    mark();
    export default ({ defineProvider, z }) => defineProvider({
      type: 'mine', title: 'Mine', docs: { url: '', rights: [], requests: { add: '', remove: '' }, tried: '' },
      options: z.strictObject({}), http: false,
      create: () => ({
        addTxt: async ({ zone }) => ({ zone, changed: true }), removeTxt: async () => 'removed', listTxt: async () => [],
      }),
    });`;
  const helper = () =>
    `import { writeFileSync } from 'node:fs';\nexport const mark = () => writeFileSync('${mark()}', 'ran');\n`;

  for (const [what, folder, provider, from] of [
    ['provider of one’s own', 'place', './place/mine.mjs', './helper.mjs'],
    ['provider with its code in folders', 'place', './place/mine.mjs', './lib/deep/helper.mjs'],
    ['package', 'node_modules/mine', 'mine', './lib/helper.mjs'],
    ['dependency of a package', 'node_modules/mine', 'mine', 'other'],
  ] as const) {
    asRoot(`is not imported by a ${what}`, async () => {
      // What lies below `place` has to lie there with links as well.
      here.folder('place', 0o755);
      const base = folder === 'place' ? 'place' : `place/${folder}`;
      const main = here.write(`${base}/mine.mjs`, plugin(from), 0o644);
      const [path, text] = from === 'other' ? ['node_modules/other/index.mjs', helper()] : [from.slice(2), helper()];
      const helperFile = here.write(`${base}/${path}`, text, 0o644);
      if (from === 'other') {
        here.write(
          `${base}/node_modules/other/package.json`,
          '{"name":"other","main":"index.mjs","type":"module"}',
          0o644,
        );
      }
      if (folder !== 'place') here.write(`${base}/package.json`, '{"name":"mine","main":"mine.mjs"}', 0o644);
      const config = here.write(
        folder === 'place' ? 'config.yaml' : 'place/config.yaml',
        `accounts: { it: { provider: ${provider} } }\n${OFFLINE}`,
      );
      const env = { DNS01_CONFIG: config };
      expect((await here.run(ADD, { env })).stderr).toBe('');
      expect(hasRun()).toBe(true);
      execFileSync('rm', [mark()]);
      tamper(helperFile);
      await expectRefused(ADD, env);
      expect(hasRun()).toBe(false);
      expect(existsSync(main)).toBe(true);
    });
  }
});

it('a misspelt provider is looked for beside the config alone', async () => {
  const home = here.folder('home');
  for (const folder of [
    '.node_modules/ispconfg',
    '.node_libraries/ispconfg',
    'node_modules/ispconfg',
    '../node_modules/ispconfg',
  ]) {
    here.write(`home/${folder}/index.js`, `require('node:fs').writeFileSync('${mark()}', 'ran');\n`, 0o644);
  }
  const config = here.write('etc/config.yaml', `accounts: { it: { provider: ispconfg } }\n${OFFLINE}`);
  const outcome = await here.run(ADD, {
    cwd: home,
    env: { DNS01_CONFIG: config, HOME: home, NODE_PATH: here.at('home/node_modules') },
  });
  expect(outcome.code).toBe(78);
  expect(outcome.stderr).toContain('there is no provider "ispconfg"');
  expect(hasRun()).toBe(false);
});

describe('a FIFO', () => {
  const fifo = (path: string) => {
    here.write(path, '');
    execFileSync('rm', [here.at(path)]);
    execFileSync('mkfifo', ['-m', '600', here.at(path)]);
    return here.at(path);
  };
  const LIMIT = ['--timeout', '4'];

  it('as config, secret, ca or program ends in time', async () => {
    const pipe = fifo('pipe');
    const zoneid = (keys: string) =>
      here.write(
        'config.yaml',
        `accounts: { it: { provider: zoneid, url: "https://127.0.0.1:9", username: x, ${keys} } }\n${OFFLINE}`,
      );
    const configs = [
      () => pipe,
      () => zoneid(`apiKey: { file: ${pipe} }`),
      () => zoneid(`apiKey: some-api-key, ca: ${pipe}`),
      () => here.write('config.yaml', execConfig(pipe)),
      () => here.write('config.yaml', `accounts: { it: { provider: ${pipe} } }\n${OFFLINE}`),
    ];
    for (const config of configs) {
      const outcome = await here.timed([...ADD, ...LIMIT], { env: { DNS01_CONFIG: config() } });
      expect(outcome.code).toBe(78);
      expect(outcome.seconds).toBeLessThan(8);
    }
  });

  it('anywhere in the state directory ends in time, and the work is done', async () => {
    const fake = await startZoneidFake();
    await here.configure(
      `accounts: { it: { provider: zoneid, url: ${fake.url}, username: ${fake.username}, apiKey: ${fake.apiKey} } }\n${OFFLINE}`,
    );
    expect((await here.run(ADD)).code).toBe(0);
    const files = readdirSync(here.stateDirectory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    expect(files.some((file) => file.includes('/journal/'))).toBe(true);
    for (const file of files) execFileSync('sh', ['-c', 'rm "$1"; mkfifo -m 600 "$1"', 'sh', file]);
    execFileSync('mkfifo', ['-m', '600', join(here.stateDirectory, 'journal', 'other.json')]);
    for (const verb of [ADD, REMOVE, ['sweep', '--older-than', '0s'], ['sweep', '--scan'], ['doctor', '--json']]) {
      const outcome = await here.timed([...verb, ...LIMIT]);
      expect(outcome.seconds, verb.join(' ')).toBeLessThan(8);
      expect(outcome.code, verb.join(' ')).not.toBe(70);
    }
    expect(fake.held(NAME)).toEqual([]);
    await fake.close();
  });

  it('as the holder of a lock ends in time', async () => {
    const { startPanelalphaFake } = await import('../fakes/panelalpha.ts');
    const fake = await startPanelalphaFake();
    await here.configure(
      `accounts: { it: { provider: panelalpha, url: ${fake.url}, token: ${fake.token} } }\n${OFFLINE}`,
    );
    expect((await here.run(ADD)).code).toBe(0);
    const locks = await holdersOf(here, REMOVE);
    for (const holder of locks) execFileSync('mkfifo', ['-m', '600', holder]);
    const outcome = await here.timed([...ADD, ...LIMIT]);
    expect(outcome.seconds).toBeLessThan(8);
    expect(outcome.code).toBe(0);
    await fake.close();
  });
});

/** Where the holders of all locks are named that a run takes. */
async function holdersOf(scene: Scene, verb: readonly string[]): Promise<string[]> {
  const seen = new Set<string>();
  const locks = join(scene.stateDirectory, 'locks');
  const running = scene.run(verb);
  const timer = setInterval(() => {
    for (const name of existsSync(locks) ? readdirSync(locks) : []) if (name.endsWith('.lock')) seen.add(name);
  }, 1);
  await running;
  clearInterval(timer);
  expect(seen.size).toBeGreaterThan(0);
  return [...seen].map((name) => join(locks, name.replace(/\.lock$/, '.holder')));
}

describe('a state directory', () => {
  const FOLDERS = ['journal', 'zones', 'rate-limits', 'locks', 'orders', 'refused', 'accounts'];
  const VERBS = [ADD, REMOVE, ['batch', '--no-wait'], ['sweep', '--older-than', '0s'], ['sweep', '--scan']] as const;
  const input = `${JSON.stringify({ action: 'add', name: NAME, value: VALUE })}\n`;

  asRoot('of another user, or that others can write, is refused before anything is written', async () => {
    const fake = await startZoneidFake();
    await here.configure(
      `accounts: { it: { provider: zoneid, url: ${fake.url}, username: ${fake.username}, apiKey: ${fake.apiKey} } }\n${OFFLINE}`,
    );
    giveAway(here.folder('theirs'));
    here.folder('open', 0o777);
    here.folder('shared', 0o770);
    const below = here.folder('theirs/mine');
    for (const state of [here.at('theirs'), here.at('open'), here.at('shared'), below]) {
      for (const args of VERBS) {
        const outcome = await here.run(args, { env: { DNS01_STATE_DIR: state }, input });
        expect(outcome.code, `${state} ${args.join(' ')}`).toBe(78);
      }
      expect(readdirSync(state).filter((name) => name !== 'mine')).toEqual([]);
    }
    expect(fake.server.requests).toEqual([]);
    await fake.close();
  });

  asRoot('with links or folders of another user in it writes nothing where they lead', async () => {
    const { startPanelalphaFake } = await import('../fakes/panelalpha.ts');
    const [zoneid, panel] = [await startZoneidFake(), await startPanelalphaFake({ accounts: { 1: ['example.net'] } })];
    await here.configure(`accounts:
  it: { provider: zoneid, url: ${zoneid.url}, username: ${zoneid.username}, apiKey: ${zoneid.apiKey} }
  panel: { provider: panelalpha, url: ${panel.url}, token: ${panel.token} }
  own: { provider: embedded, zones: [example.org] }
zones: { example.com: it, example.net: panel, example.org: own }
dns: { followCnames: false }
`);
    for (const how of ['link', 'foreign', 'open'] as const) {
      const state = here.folder(`state-${how}`);
      const target = here.folder(`target-${how}`, 0o777);
      for (const folder of FOLDERS) {
        if (how === 'link') symlinkSync(target, join(state, folder));
        else here.folder(`state-${how}/${folder}`, how === 'open' ? 0o777 : 0o755);
        if (how === 'foreign') giveAway(join(state, folder));
      }
      for (const args of VERBS) {
        for (const name of [NAME, '_acme-challenge.example.net', '_acme-challenge.example.org']) {
          const verb = args.map((each) => (each === NAME ? name : each));
          const outcome = await here.timed([...verb, '--timeout', '20'], {
            env: { DNS01_STATE_DIR: state },
            input: input.replace(NAME, name),
          });
          expect(outcome.code, `${how}: ${verb.join(' ')}: ${outcome.stderr}`).not.toBe(70);
        }
      }
      expect(readdirSync(target)).toEqual([]);
      for (const folder of FOLDERS) {
        if (how !== 'link') expect(readdirSync(join(state, folder)), `${how} ${folder}`).toEqual([]);
      }
    }
    await Promise.all([zoneid.close(), panel.close()]);
  });

  it('with links in the place of its files overwrites nothing', async () => {
    const { startPanelalphaFake } = await import('../fakes/panelalpha.ts');
    const [zoneid, panel] = [await startZoneidFake(), await startPanelalphaFake()];
    const account = {
      zoneid: `zoneid, url: ${zoneid.url}, username: ${zoneid.username}, apiKey: ${zoneid.apiKey}`,
      panelalpha: `panelalpha, url: ${panel.url}, token: ${panel.token}`,
    };
    for (const provider of ['zoneid', 'panelalpha'] as const) {
      await here.configure(`accounts: { it: { provider: ${account[provider]} } }\n${OFFLINE}`);
      await here.run(ADD);
      const holders = provider === 'panelalpha' ? await holdersOf(here, REMOVE) : [];
      const known = readdirSync(here.stateDirectory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name));
      const victim = here.write('victim', 'a file of root');
      for (const file of [...known, ...holders]) {
        execFileSync('rm', ['-f', file]);
        symlinkSync(victim, file);
      }
      for (const args of VERBS) await here.timed([...args, '--timeout', '10'], { input });
      expect(readFileSync(victim, 'utf8')).toBe('a file of root');
    }
    await Promise.all([zoneid.close(), panel.close()]);
  });

  asRoot('with an entry of another user in its journal does not believe it', async () => {
    const fake = await startZoneidFake({ zones: ['example.com', 'example.ee'] });
    const victim = await fake.plant('_dmarc.example.com', 'v=DMARC1; p=reject');
    await here.configure(
      `accounts: { it: { provider: zoneid, url: ${fake.url}, username: ${fake.username}, apiKey: ${fake.apiKey} } }\n${OFFLINE}`,
    );
    await here.run(ADD);
    const journal = join(here.stateDirectory, 'journal');
    const [entry = ''] = readdirSync(journal);
    const written = JSON.parse(readFileSync(join(journal, entry), 'utf8')) as Record<string, unknown>;
    mkdirSync(journal, { recursive: true });
    writeFileSync(
      join(journal, entry),
      JSON.stringify({ ...written, handle: { zone: 'example.com', id: String(victim.id), proven: true } }),
    );
    giveAway(join(journal, entry));
    await here.run(REMOVE);
    await here.run(['sweep', '--older-than', '0s']);
    expect(fake.held('_dmarc.example.com')).toEqual(['v=DMARC1; p=reject']);
    await fake.close();
  });
});
