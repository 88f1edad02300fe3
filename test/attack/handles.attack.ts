import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digest } from '../../src/digest.ts';
import { startZoneidFake, type ZoneidFake } from '../fakes/zoneid.ts';
import { type Front, openFront } from './support/front.ts';
import { openScene, type Scene, VALUE } from './support/scene.ts';

const NAME = '_acme-challenge.example.com';
const DMARC = 'v=DMARC1; p=reject';

let here: Scene;
let fake: ZoneidFake;
let front: Front;
let own: string;
let foreign: string;
beforeEach(async () => {
  here = await openScene();
  // The login can write more zones than the config has.
  fake = await startZoneidFake({ zones: ['example.com', 'example.ee'] });
  front = await openFront(fake.server.origin);
  own = String((await fake.plant('_dmarc.example.com', DMARC)).id);
  foreign = String((await fake.plant('_dmarc.example.ee', DMARC)).id);
  await here.configure(`accounts:
  it: { provider: zoneid, url: ${front.server.origin}/v2, username: ${fake.username}, apiKey: ${fake.apiKey} }
zones: { example.com: it }
dns: { followCnames: false }
`);
});
afterEach(async () => {
  expect(fake.held('_dmarc.example.com')).toEqual([DMARC]);
  expect(fake.held('_dmarc.example.ee')).toEqual([DMARC]);
  expect(front.server.requests.filter(({ path }) => path.includes('/dns/example.ee'))).toEqual([]);
  await Promise.all([front.server.close(), fake.close(), here.remove()]);
});

const REMOVALS: readonly (readonly string[])[] = [
  ['remove-txt', NAME, VALUE],
  ['remove-txt', '--account', 'it', NAME, VALUE],
  ['hook', 'certbot', 'cleanup'],
  ['hook', 'dehydrated', 'clean_challenge', 'example.com', 'token', VALUE],
  ['batch'],
  ['sweep', '--older-than', '0s'],
];
const input = `${JSON.stringify({ action: 'remove', name: NAME, value: VALUE })}\n`;
const CERTBOT = { CERTBOT_DOMAIN: 'example.com', CERTBOT_VALIDATION: VALUE };

describe('what certbot brings back', () => {
  it.each([
    ['the id of another record', () => ({ zone: 'example.com', id: own })],
    ['the id of another record, as if it were proven', () => ({ zone: 'example.com', id: own, proven: true })],
    ['another zone', () => ({ zone: 'example.ee', id: foreign, proven: true })],
    ['the zone above', () => ({ zone: 'com', id: own })],
    ['a path as the id', () => ({ zone: 'example.com', id: `x/../../example.ee/txt/${foreign}` })],
    ['a path as the zone', () => ({ zone: 'example.com/txt/../../example.ee', id: foreign })],
    ['another name', () => ({ name: '_dmarc.example.com', value: DMARC, zone: 'example.com', id: own })],
  ])('may be %s: nothing else is deleted', async (_, forged) => {
    for (const known of [false, true]) {
      if (known) await here.run(['add-txt', '--no-wait', NAME, VALUE]);
      const output = JSON.stringify({ name: NAME, value: VALUE, ...forged() });
      const env = { ...CERTBOT, CERTBOT_AUTH_OUTPUT: output };
      expect((await here.run(['hook', 'certbot', 'cleanup'], { env })).code).toBe(0);
      expect(fake.held(NAME)).toEqual([]);
      // An entry without a handle, as a hook leaves it that was killed.
      await here.run(['add-txt', '--no-wait', NAME, VALUE]);
      rewriteEntry(({ handle: _handle, ...rest }) => ({ ...rest, state: 'intent' }));
      expect((await here.run(['hook', 'certbot', 'cleanup'], { env })).code).toBe(0);
      expect(fake.held(NAME)).toEqual([]);
    }
  });
});

function rewriteEntry(change: (entry: Record<string, unknown>) => object): void {
  const file = join(here.stateDirectory, 'journal', `${digest(`${NAME} ${VALUE}`)}.json`);
  writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>)));
}

describe('an entry in the journal', () => {
  it.each([
    ['the id of another record, not proven', () => ({ handle: { zone: 'example.com', id: own } })],
    [
      'a zone that is not in the config',
      () => ({ zone: 'example.ee', handle: { zone: 'example.ee', id: foreign, proven: true } }),
    ],
    [
      'a zone of the handle that is not in the config',
      () => ({ handle: { zone: 'example.ee', id: foreign, proven: true } }),
    ],
    [
      'a target that is no challenge',
      () => ({ target: '_dmarc.example.com', handle: { zone: 'example.com', id: own } }),
    ],
    [
      'a target that is no challenge, proven',
      () => ({ target: '_dmarc.example.com', value: DMARC, handle: { zone: 'example.com', id: own, proven: true } }),
    ],
    [
      'a target in another zone',
      () => ({
        target: '_dmarc.example.ee',
        zone: 'example.ee',
        handle: { zone: 'example.ee', id: foreign, proven: true },
      }),
    ],
    [
      'a challenge in another zone',
      () => ({
        target: '_acme-challenge.example.ee',
        zone: 'example.ee',
        handle: { zone: 'example.ee', id: foreign, proven: true },
      }),
    ],
    [
      'a path as the id',
      () => ({ handle: { zone: 'example.com', id: `../../example.ee/txt/${foreign}`, proven: true } }),
    ],
    ['a name that is no name', () => ({ name: '../../x', target: '_acme-challenge.x/../example.ee' })],
  ])('with %s deletes nothing else', async (_, forged) => {
    for (const args of REMOVALS) {
      // What the last removal did not believe is still there.
      await here.run(['remove-txt', NAME, VALUE], { env: { DNS01_STATE_DIR: here.at('clean') } });
      await here.run(['add-txt', '--no-wait', NAME, VALUE]);
      rewriteEntry((entry) => ({ ...entry, ...forged() }));
      const outcome = await here.run(args, { input, env: CERTBOT });
      expect(outcome.code, outcome.stderr).not.toBe(70);
      expect(fake.held('_dmarc.example.com')).toEqual([DMARC]);
    }
  });

  it('under the name of another file deletes nothing else', async () => {
    await here.run(['add-txt', '--no-wait', NAME, VALUE]);
    const journal = join(here.stateDirectory, 'journal');
    const [file = ''] = readdirSync(journal);
    const entry = JSON.parse(readFileSync(join(journal, file), 'utf8')) as Record<string, unknown>;
    for (const [nth, forged] of [
      {
        name: '_dmarc.example.com',
        target: '_dmarc.example.com',
        value: DMARC,
        handle: { zone: 'example.com', id: own, proven: true },
      },
      { name: '_dmarc.example.com', value: DMARC, handle: undefined },
      { target: '_dmarc.example.com', value: DMARC },
      { value: DMARC, handle: { zone: 'example.com', id: own, proven: true } },
    ].entries()) {
      writeFileSync(join(journal, `forged-${nth}.json`), JSON.stringify({ ...entry, ...forged }), { mode: 0o600 });
    }
    for (const args of REMOVALS) await here.run(args, { input, env: CERTBOT });
  });
});

describe('a server that answers with the id of another record', () => {
  it.each([
    ['and nothing else', (id: string) => ({ id })],
    ['and the name alone', (id: string) => ({ id, name: NAME })],
    ['and the value alone', (id: string) => ({ id, destination: VALUE })],
    ['as it really is', (id: string) => ({ id, name: '_dmarc.example.com', destination: DMARC })],
    ['with another value at the name', (id: string) => ({ id, name: NAME, destination: DMARC })],
  ])('%s: that one stays', async (_, answer) => {
    for (const args of REMOVALS) {
      front.lie(async ({ method }, _nth, truth) => {
        const reply = await truth();
        return method === 'POST' ? { ...reply, body: JSON.stringify([answer(own)]) } : reply;
      });
      expect((await here.run(['add-txt', '--no-wait', NAME, VALUE])).code).not.toBe(70);
      await here.run(args, { input, env: CERTBOT });
      expect(fake.held('_dmarc.example.com')).toEqual([DMARC]);
    }
  });
});
