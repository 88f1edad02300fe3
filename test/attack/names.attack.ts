import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeName, FLAG } from '../../src/dns/wire.ts';
import { startZoneidFake, type ZoneidFake } from '../fakes/zoneid.ts';
import { type RawAnswer, type RawDns, type RawQuestion, rawName, record, soa, startRawDns } from './support/raw-dns.ts';
import { NAME, openScene, type Scene, VALUE } from './support/scene.ts';

let here: Scene;
let dns: RawDns;
let answer: (question: RawQuestion) => RawAnswer;
beforeEach(async () => {
  here = await openScene();
  answer = () => nothing('example.com');
  dns = await startRawDns((question) => answer(question));
});
afterEach(() => Promise.all([dns.close(), here.remove()]));

const nothing = (zone: string): RawAnswer => ({ authorities: [soa(zone)] });
const alias = (from: string, to: Buffer): RawAnswer => ({ answers: [record(from, 'CNAME', to)] });

/** Every call of the program, its arguments as they came. */
function calls(): string[][] {
  const file = here.at('calls');
  if (!existsSync(file)) return [];
  return readFileSync(file, 'latin1')
    .split('\0\0')
    .filter((call) => call !== '')
    .map((call) => call.split('\0'));
}

const program = () =>
  here.write(
    'program.mjs',
    `#!${process.execPath}\nimport { appendFileSync } from 'node:fs';\n` +
      `appendFileSync(${JSON.stringify(here.at('calls'))}, process.argv.slice(2).join('\\0') + '\\0\\0');\n`,
    0o755,
  );

/** Targets that no zone should lead to: each a name's first labels, as bytes. */
const HOSTILE: Readonly<Record<string, readonly (string | Buffer)[]>> = {
  'a line feed': ['x\nserver'],
  'a carriage return': ['x\ry'],
  'a NUL': ['x\0y'],
  'a tab': ['x\ty'],
  'an escape sequence': ['\u001b[2Jx'],
  'a command substitution': ['$(id)'],
  backticks: ['`id`'],
  'a single quote': ["x'y"],
  'a double quote': ['x"y'],
  'a semicolon': ['x;id'],
  'a pipe': ['x|id'],
  'an ampersand': ['x&id'],
  'a star': ['*'],
  'dots inside a label': ['..'],
  'another name inside a label': ['_acme-challenge.victim'],
  'a path': ['../../etc/passwd'],
  'a backslash': ['x\\y'],
  'a leading dash': ['-f'],
  'a dash at the end': ['x-'],
  'a space': ['x y'],
  'a comment': ['x#y'],
  'an at sign': ['user@x'],
  'invalid UTF-8': [Buffer.of(0x78, 0xff, 0xfe)],
  'an overlong slash': [Buffer.of(0xc0, 0xaf)],
  'a letter beyond ASCII': ['ü'],
  'a letter of a Turkish keyboard': ['İ'],
  'text that runs backwards': ['\u202egnp.exe'],
  'hyphens in places 3 and 4': ['ab--cd'],
};

const configure = (extra = '') =>
  here.configure(`accounts: { it: { provider: exec, command: ${program()} } }
zones: { example.com: it, example.net: { account: it, delegated: true } }
dns: { nameservers: { example.com: ["${dns.at}"], example.net: ["${dns.at}"] } }
propagation: { timeout: 2, interval: 0.1 }
${extra}`);

/** The ways in which a value is given to dns01, and withdrawn. */
const WAYS: Readonly<Record<string, () => Parameters<Scene['run']>>> = {
  'add-txt': () => [['add-txt', '--no-wait', NAME, VALUE]],
  'add-txt with a wait': () => [['add-txt', NAME, VALUE]],
  'add-txt --dry-run': () => [['add-txt', '--dry-run', '--json', NAME, VALUE]],
  'remove-txt': () => [['remove-txt', NAME, VALUE]],
  'wait-txt': () => [['wait-txt', NAME, VALUE]],
  'list-txt': () => [['list-txt', NAME]],
  'batch, adding': () => [['batch', '--no-wait'], { input: `{"action":"add","name":"${NAME}","value":"${VALUE}"}\n` }],
  'batch, removing': () => [['batch'], { input: `{"action":"remove","name":"${NAME}","value":"${VALUE}"}\n` }],
  'certbot auth': () => [
    ['hook', 'certbot', 'auth'],
    { env: { CERTBOT_DOMAIN: 'example.com', CERTBOT_VALIDATION: VALUE } },
  ],
  'certbot cleanup': () => [
    ['hook', 'certbot', 'cleanup'],
    { env: { CERTBOT_DOMAIN: 'example.com', CERTBOT_VALIDATION: VALUE } },
  ],
  dehydrated: () => [['hook', 'dehydrated', 'deploy_challenge', 'example.com', 'token', VALUE]],
  'dehydrated, cleaning': () => [['hook', 'dehydrated', 'clean_challenge', 'example.com', 'token', VALUE]],
  doctor: () => [['doctor', '--write', '--verbose']],
};

/** Nothing of the hostile bytes may come to a terminal as they are. */
function expectCleanOutput(output: string): void {
  expect(output).not.toMatch(/[\0-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
  for (const line of output.split('\n')) expect(line).not.toMatch(/^(server|y|passwd)/);
}

describe('a CNAME with', () => {
  for (const [what, labels] of Object.entries(HOSTILE)) {
    it(`${what} in its target is handed to no program`, async () => {
      await configure();
      const target = rawName(labels, 'example.net');
      const asked = (question: RawQuestion) => question.name === NAME && question.type === 'CNAME';
      answer = (question) => (asked(question) ? alias(NAME, target) : nothing('example.com'));
      for (const way of ['add-txt', 'remove-txt', 'batch, adding', 'certbot auth']) {
        const outcome = await here.run(...(WAYS[way]?.() ?? [[]]));
        expectCleanOutput(outcome.stdout + outcome.stderr);
        expect(outcome.code, way).toBe(68);
      }
      expect(calls()).toEqual([]);
    });
  }

  it('anything, by every way into the program, is handed to no program', async () => {
    await configure();
    const names = Object.keys(HOSTILE).filter((_, index) => index % 4 === 0);
    for (const [way, run] of Object.entries(WAYS)) {
      for (const what of names) {
        const target = rawName(HOSTILE[what] ?? [], 'example.net');
        answer = (question) =>
          question.name === NAME && question.type !== 'SOA' ? alias(NAME, target) : nothing('example.com');
        const outcome = await here.run(...run());
        expectCleanOutput(outcome.stdout + outcome.stderr);
        expect(outcome.code, `${way}, ${what}`).not.toBe(70);
      }
    }
    // Only what doctor writes to try the zone has a way of its own: names that it has made itself.
    for (const [, name = ''] of calls()) expect(name).toMatch(/^[a-z0-9_.-]+\.$/);
  });
});

describe('a name from the DNS with hostile bytes comes to no program', () => {
  /** The places of an answer in which a name stands. */
  const PLACES: Readonly<Record<string, (name: Buffer, question: RawQuestion) => RawAnswer>> = {
    'the second CNAME of a chain': (name, { name: asked }) =>
      asked === NAME
        ? alias(NAME, encodeName('middle.example.net'))
        : asked === 'middle.example.net'
          ? alias('middle.example.net', name)
          : nothing('example.net'),
    'the owner of the SOA': (name) => ({ authorities: [soa(name)] }),
    'the owner of a CNAME': (name) => ({ answers: [record(name, 'CNAME', encodeName('x.example.net'))] }),
    'a referral': (name) => ({
      flags: FLAG.RESPONSE,
      authorities: [record(name, 'NS', name)],
    }),
    'the name servers': (name, { name: asked, type }) =>
      type === 'NS' ? { answers: [record(asked, 'NS', name)] } : nothing('example.com'),
    everything: (name, { name: asked }) => ({
      answers: [record(asked, 'CNAME', name), record(name, 'CNAME', name), record(asked, 'NS', name)],
      authorities: [soa(name), record(name, 'NS', name)],
      additionals: [record(name, 'A', Buffer.of(127, 0, 0, 1))],
    }),
  };
  for (const [place, say] of Object.entries(PLACES)) {
    it(`in ${place}`, async () => {
      for (const servers of ['nameservers', 'resolvers'] as const) {
        await configure();
        if (servers === 'resolvers') {
          await here.configure(`accounts: { it: { provider: exec, command: ${program()} } }
dns: { resolvers: ["${dns.at}"], allowNetworks: [127.0.0.0/8] }
`);
        }
        for (const labels of Object.values(HOSTILE).filter((_, index) => index % 3 === 0)) {
          answer = (question) => say(rawName(labels, 'example.com'), question);
          for (const verb of ['add-txt', 'remove-txt']) {
            const outcome = await here.run([
              verb,
              '--timeout',
              '6',
              ...(verb === 'add-txt' ? ['--no-wait'] : []),
              NAME,
              VALUE,
            ]);
            expectCleanOutput(outcome.stdout + outcome.stderr);
            expect(outcome.code, outcome.stderr).not.toBe(70);
          }
        }
      }
      for (const [verb = '', name = ''] of calls()) {
        expect(['present', 'cleanup']).toContain(verb);
        expect(name).toBe(`${NAME}.`);
      }
    });
  }
});

describe('a CNAME into another name', () => {
  let fake: ZoneidFake;
  beforeEach(async () => {
    fake = await startZoneidFake({ zones: ['alice.example', 'bob.example', 'shared.example'] });
  });
  afterEach(() => fake.close());

  const ALICE = '_acme-challenge.alice.example';
  const ZONES = ['alice.example', 'bob.example', 'shared.example'];
  const configureZones = (zones: readonly string[]) =>
    here.configure(`accounts: { it: { provider: zoneid, url: ${fake.url}, username: ${fake.username}, apiKey: ${fake.apiKey} } }
zones:\n${zones.map((zone) => `  ${zone}: it\n`).join('')}
dns: { nameservers: { alice.example: ["${dns.at}"], bob.example: ["${dns.at}"], shared.example: ["${dns.at}"], example.org: ["${dns.at}"] } }
propagation: { timeout: 2, interval: 0.1 }
`);
  const lead = (...chain: readonly string[]) => {
    answer = ({ name, type }) => {
      const next = chain[chain.indexOf(name) + 1];
      const zone = ZONES.find((each) => name === each || name.endsWith(`.${each}`)) ?? 'example.org';
      if (type === 'SOA' || !chain.includes(name) || next === undefined) return nothing(zone);
      return alias(name, encodeName(next));
    };
  };
  const aliceWays = () =>
    Object.entries(WAYS)
      .filter(([way]) => !/dry-run|wait-txt|list-txt|doctor/.test(way))
      .map(([way, run]) => {
        const [args, { env, input, ...settings } = {}] = run();
        const asAlice = (text: string) => text.replaceAll('example.com', 'alice.example');
        return [
          way,
          args.map(asAlice),
          {
            ...settings,
            ...(input === undefined ? {} : { input: asAlice(input) }),
            env: Object.fromEntries(Object.entries(env ?? {}).map(([key, text]) => [key, asAlice(text)])),
          },
        ] as const;
      });

  it.each([
    ['the challenge name of another zone', ['_acme-challenge.bob.example']],
    ['an ordinary name of another zone', ['www.bob.example']],
    ['an ordinary name of its own zone', ['_dmarc.alice.example']],
    ['another zone, over its own', ['_acme-challenge.www.alice.example', '_acme-challenge.bob.example']],
    ['another zone, over a third one', ['x.example.org', '_acme-challenge.bob.example']],
    ['the top of another zone', ['bob.example']],
  ])('is not followed: %s', async (_, chain) => {
    await configureZones(ZONES);
    const end = chain.at(-1) ?? '';
    await fake.plant(end, VALUE);
    const before = JSON.stringify([...fake.zones]);
    lead(ALICE, ...chain);
    for (const [way, args, settings] of aliceWays()) {
      const outcome = await here.run(args, settings);
      // dehydrated would throw its order away where its clean-up failed.
      expect(outcome.code, `${way}: ${outcome.stderr}`).toBe(way === 'dehydrated, cleaning' ? 0 : 68);
    }
    expect(JSON.stringify([...fake.zones])).toBe(before);
  });

  it('is not followed for a removal when it is changed between add and removal', async () => {
    await configureZones(ZONES);
    lead(ALICE);
    expect((await here.run(['add-txt', '--no-wait', ALICE, VALUE])).code).toBe(0);
    await fake.plant('_acme-challenge.bob.example', VALUE);
    lead(ALICE, '_acme-challenge.bob.example');
    await here.run(['remove-txt', ALICE, VALUE]);
    await here.run(['remove-txt', '--account', 'it', ALICE, VALUE]);
    await here.run(['remove-txt', ALICE, VALUE], { env: { DNS01_STATE_DIR: here.at('other') } });
    expect(fake.held('_acme-challenge.bob.example')).toEqual([VALUE]);
  });

  it('is not followed where the config names one account and no zones', async () => {
    await configureZones([]);
    const config = readFileSync(here.at('dns01.yaml'), 'utf8').replace('zones:\n', '');
    await here.configure(config);
    lead(ALICE, '_acme-challenge.bob.example');
    await fake.plant('_acme-challenge.bob.example', VALUE);
    for (const [way, args, settings] of aliceWays()) {
      const outcome = await here.run(args, settings);
      expect(outcome.code, `${way}: ${outcome.stderr}`).toBe(way === 'dehydrated, cleaning' ? 0 : 68);
    }
    expect(fake.held('_acme-challenge.bob.example')).toEqual([VALUE]);
    expect(fake.server.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });
});

it('a name is refused whatever it is made of: nothing of it is run', async () => {
  await configure('');
  for (const labels of Object.values(HOSTILE)) {
    const text = labels.map(String).join('.');
    if (text.includes('\0')) continue;
    for (const name of [`_acme-challenge.${text}.example.com`, `${text}.example.net`]) {
      const outcome = await here.run(['add-txt', '--no-wait', '--', name, VALUE]);
      expectCleanOutput(outcome.stdout + outcome.stderr);
      if (outcome.code !== 0) expect([64, 68]).toContain(outcome.code);
    }
  }
  for (const [, name = ''] of calls()) expect(name).toMatch(/^[a-z0-9_.-]+\.$/);
  expect(execFileSync('ls', [here.directory]).toString()).not.toContain('uid=');
});
