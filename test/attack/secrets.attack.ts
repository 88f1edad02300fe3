import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FakeReply } from '../fakes/fault-server.ts';
import { SUBJECTS, type Subject, type SubjectKind } from '../faults/support/subjects.ts';
import { leaksIn, SPELLINGS } from '../support/spelled-secrets.ts';
import { type Front, HTTP_SUBJECTS, type Lie, openFront } from './support/front.ts';
import { ADD, isShort, NAME, openScene, REMOVE, type Scene, VALUE } from './support/scene.ts';

const line = (action: string, nth: number) =>
  JSON.stringify({ action, name: `_acme-challenge.h${nth}.example.com`, value: VALUE });
const input = [...Array(6).keys()].map((nth) => `${line(nth % 2 ? 'remove' : 'add', nth)}\n`).join('');

const VERBS: readonly (readonly string[])[] = [
  [...ADD, '--verbose'],
  [...ADD, '--json'],
  [...REMOVE, '--verbose'],
  [...REMOVE, '--json'],
  ['list-txt', NAME],
  ['list-txt', '--json', '--verbose', NAME],
  ['zones'],
  ['zones', '--json', '--verbose'],
  ['batch', '--no-wait'],
  ['batch', '--no-wait', '--verbose'],
  ['sweep', '--older-than', '0s'],
  ['sweep', '--older-than', '0s', '--json', '--verbose'],
  ['sweep', '--scan', '--json'],
  ['doctor', '--verbose'],
  ['doctor', '--json'],
  ['doctor', '--write', '--json', '--verbose'],
  ['hook', 'dehydrated', 'deploy_challenge', 'example.com', 'token', VALUE],
  ['hook', 'dehydrated', 'clean_challenge', 'example.com', 'token', VALUE],
];
const STATUSES = [200, 400, 403, 404, 422, 401, 500] as const;

/** What an API says when it gives a secret back, in the forms in which the APIs say something. */
const SAYINGS: readonly ((words: string) => string)[] = [
  (words) => JSON.stringify({ code: 'remote_fault', message: words, error: words, errors: [words], response: false }),
  (words) => `<html><head><title>${words}</title></head><body>${words}</body></html>`,
  (words) => words,
  (words) =>
    JSON.stringify([{ id: words, name: NAME, destination: words, content: words, zone: words, domain: words }]),
  (words) => JSON.stringify({ [words]: words, data: { [words]: [words] }, response: words, code: 'ok', txt: words }),
];

/** Where an answer can name a secret, as a pattern. */
const KEYS = ['id', 'zone', 'name', 'destination|content|value|data|txt', 'url|resource_url|kind|type'];

let here: Scene;
beforeEach(async () => {
  here = await openScene();
});
afterEach(() => here.remove());

function filesBelow(directory: string): string {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.name}\n${readFileSync(join(entry.parentPath, entry.name), 'utf8')}`)
    .join('\n');
}

describe.each(HTTP_SUBJECTS)('an API of %s that gives the secrets back', (name) => {
  let subject: Subject;
  let front: Front;
  let spelled = 0;
  beforeEach(async () => {
    subject = await (SUBJECTS[name] as SubjectKind).start(here.stateDirectory);
    front = await openFront(subject.server?.origin ?? '');
    const host = (origin = '') => origin.replace('http://', '');
    const config = JSON.stringify({
      accounts: { it: { provider: name, ...subject.options, timeout: 5 } },
      zones: { 'example.com': 'it' },
      dns: { followCnames: false, nameservers: { 'example.com': ['127.0.0.1:9'] } },
    });
    await here.configure(config.replaceAll(host(subject.server?.origin), host(front.server.origin)));
    await here.run(ADD);
    await here.run(['batch', '--no-wait'], { input });
  });
  afterEach(() => Promise.all([front.server.close(), subject.close()]));

  /** Every secret, spelled in the next way. */
  const nextWords = () => {
    const spell = Object.values(SPELLINGS)[spelled++ % Object.keys(SPELLINGS).length];
    return subject.secrets.map((secret) => `login failed for ${spell?.(secret)}`).join(' ');
  };

  /** Runs the verb on a copy of the state, so that each run finds the same. */
  async function expectSilence(args: readonly string[], nth: number): Promise<void> {
    const state = here.at(`copy-${nth}`);
    cpSync(here.stateDirectory, state, { recursive: true });
    const outcome = await here.timed([...args, '--timeout', '10'], { input, env: { DNS01_STATE_DIR: state } });
    const said = [outcome.stdout, outcome.stderr, filesBelow(state)].join('\n');
    for (const secret of subject.secrets) {
      // Some secrets of the stand-ins begin with the provider's own name.
      const leaks = leaksIn(said, secret).filter((piece) => !name.includes(piece));
      expect(leaks, `${args.join(' ')}:\n${said}`).toEqual([]);
    }
    expect(outcome.code, outcome.stderr).not.toBe(70);
  }

  it('in errors, by every verb', async () => {
    let nth = 0;
    for (const [index, verb] of VERBS.entries()) {
      for (const first of isShort ? [1 + (index % 2)] : [1, 2]) {
        const statuses = isShort ? [STATUSES[nth % STATUSES.length] ?? 200] : STATUSES;
        for (const status of statuses) {
          const lie: Lie = (_request, asked, truth): FakeReply | Promise<FakeReply> => {
            if (asked < first) return truth();
            const saying = SAYINGS[(spelled + nth) % SAYINGS.length];
            const words = nextWords();
            const base64 = Buffer.from(words).toString('base64');
            return { status, headers: { 'x-status-message-base64': base64 }, body: saying?.(words) ?? '' };
          };
          front.lie(lie);
          await expectSilence(verb, nth++);
        }
      }
    }
  }, 900_000);

  it('in successes: as the id of a record, as its value, as a zone', async () => {
    let nth = 1000;
    for (const [round, key] of KEYS.entries()) {
      const pattern = new RegExp(`"(${key})":\\s*("(?:[^"\\\\]|\\\\.)*"|\\d+)`, 'g');
      front.lie(async (_request, _asked, truth) => {
        const reply = await truth();
        const body = reply.body?.replace(pattern, (_, field) => `"${field}":${JSON.stringify(nextWords())}`);
        return { ...reply, ...(body === undefined ? {} : { body }) };
      });
      for (const verb of VERBS.filter((_, index) => !isShort || (index + round) % 3 === 0)) {
        const fresh = verb.map((each) => (each === NAME ? `_acme-challenge.n${nth}.example.com` : each));
        await expectSilence(fresh, nth++);
      }
    }
  }, 900_000);
});

it('a program that prints its secrets, and its arguments, shows none of them', async () => {
  const secret = 'Script+Secret/wörd "42" 0123456789';
  for (const [spelling, spell] of Object.entries(SPELLINGS)) {
    const said = here.write('said', `login failed for ${spell(secret)}\n`);
    const program = here.write(
      'program.sh',
      `#!/bin/sh\ncat /proc/$$/cmdline /proc/$PPID/cmdline >> '${here.at('arguments')}'\nenv\ncat '${said}'\ncat '${said}' >&2\nexit 1\n`,
      0o755,
    );
    await here.configure(
      JSON.stringify({
        accounts: { it: { provider: 'exec', command: program, env: { TOKEN: secret } } },
        zones: { 'example.com': 'it' },
        dns: { followCnames: false },
      }),
    );
    const outcome = await here.run([...ADD, '--verbose']);
    expect(outcome.code).toBe(65);
    expect(leaksIn(outcome.stdout + outcome.stderr, secret), spelling).toEqual([]);
  }
  expect(leaksIn(readFileSync(here.at('arguments'), 'utf8'), secret)).toEqual([]);
  expect(leaksIn(filesBelow(here.stateDirectory), secret)).toEqual([]);
});

it('a script of acme.sh that prints and saves its secrets leaves none of them', async () => {
  const secret = 'AcmeSh+Secret/"42"=0123456789abc';
  here.write(
    'home/acme.sh',
    `_saveaccountconf_mutable() { printf "SAVED_%s='%s'\\n" "$1" "$2" >> "$ACCOUNT_CONF_PATH"; }\n_savedomainconf() { printf "%s='%s'\\n" "$1" "$2" >> "$DOMAIN_CONF"; }\n`,
    0o755,
  );
  const spelled = ['plain', 'base64', 'base64 of a pair', 'hex', 'percent'].map(
    (each) => SPELLINGS[each]?.(secret) ?? '',
  );
  here.write(
    'home/dnsapi/dns_x.sh',
    `dns_x_add() {\n${spelled
      .map(
        (text, nth) =>
          `  _saveaccountconf_mutable Other_${nth} '${text}'; _savedomainconf More_${nth} '${text}'; echo '${text}' >&2`,
      )
      .join('\n')}\n  cat /proc/$$/cmdline >> '${here.at('arguments')}'\n  return 1\n}\ndns_x_rm() { dns_x_add; }\n`,
    0o755,
  );
  await here.configure(
    JSON.stringify({
      accounts: { it: { provider: 'acmesh', script: 'dns_x', home: here.at('home'), env: { X_TOKEN: secret } } },
      zones: { 'example.com': 'it' },
      dns: { followCnames: false },
    }),
  );
  for (const verb of [ADD, REMOVE]) {
    const outcome = await here.run([...verb, '--verbose']);
    expect(leaksIn(outcome.stdout + outcome.stderr, secret)).toEqual([]);
  }
  expect(leaksIn(filesBelow(here.stateDirectory), secret)).toEqual([]);
});
