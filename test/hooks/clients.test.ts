import { describe, expect, it } from 'vitest';
import { clientCalling, clientNamed, hookClients } from '../../src/hooks/clients.ts';
import { VALUE } from '../support/cli.ts';

const NAME = '_acme-challenge.example.com';
const DASH = `-h${VALUE.slice(2)}`;
/** RFC 8555 section 8.4: the value is the digest of the key authorization. */
const KEY_AUTHORIZATION = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI';
const KEY_VALUE = 'lCM7cZyQXcVHK2nnW3jjAhNT3Fvm18UN-kWZZknKoYM';

const add = (name: string, value: string) => ({ action: 'add', challenges: [{ name, value }] });
const remove = (name: string, value: string) => ({ action: 'remove', challenges: [{ name, value }] });
const skip = (exitCode: number) => ({ action: 'skip', exitCode });

describe('what each client says is understood', () => {
  it.each([
    // lego: the name complete, with its dot; a value may begin with a dash.
    ['lego', ['present', `${NAME}.`, VALUE], add(`${NAME}.`, VALUE)],
    ['lego', ['cleanup', `${NAME}.`, DASH], remove(`${NAME}.`, DASH)],
    ['lego', ['present', '--', 'example.com', '-token', KEY_AUTHORIZATION], add(NAME, KEY_VALUE)],
    ['lego', ['cleanup', '--', 'example.com', 'token', KEY_AUTHORIZATION], remove(NAME, KEY_VALUE)],
    // dehydrated: one triple or all of the order; everything else ends well.
    ['dehydrated', ['deploy_challenge', 'example.com', 'file', DASH], add(NAME, DASH)],
    [
      'dehydrated',
      ['clean_challenge', 'example.com', 'f1', VALUE, 'www.example.com', 'f2', DASH],
      {
        action: 'remove',
        challenges: [
          { name: NAME, value: VALUE },
          { name: '_acme-challenge.www.example.com', value: DASH },
        ],
      },
    ],
    ['dehydrated', ['startup_hook'], skip(0)],
    ['dehydrated', ['deploy_cert', 'example.com', 'a', 'b'], skip(0)],
    ['dehydrated', ['generate_csr', 'example.com', '/x', 'example.com'], skip(0)],
    ['dehydrated', ['exit_hook', 'some error text'], skip(0)],
    ['dehydrated', ['something_new_in_2030', 'x'], skip(0)],
    [
      'dehydrated',
      ['this_hookscript_is_broken__dehydrated_is_working_fine__please_ignore_unknown_hooks_in_your_script'],
      skip(0),
    ],
    // uacme: another type has to be declined with a failure.
    ['uacme', ['begin', 'dns-01', 'example.com', 'token', VALUE], add(NAME, VALUE)],
    ['uacme', ['done', 'dns-01', 'example.com', 'token', VALUE], remove(NAME, VALUE)],
    ['uacme', ['failed', 'dns-01', 'example.com', 'token', DASH], remove(NAME, DASH)],
    ['uacme', ['begin', 'http-01', 'example.com', 'token', 'ka'], skip(1)],
    ['uacme', ['begin', 'tls-alpn-01', 'example.com', 'token', 'x'], skip(1)],
    // acmetool: a fourth, empty word; 42 for what is not ours.
    ['acmetool', ['challenge-dns-start', 'example.com', 'target', VALUE, ''], add(NAME, VALUE)],
    ['acmetool', ['challenge-dns-stop', 'example.com', 'target', VALUE, ''], remove(NAME, VALUE)],
    ['acmetool', ['challenge-http-start', 'example.com', 'x', 'y'], skip(42)],
    ['acmetool', ['live-updated'], skip(42)],
    // mod_md: the value in the teardown only with MDChallengeDns01Version 2.
    ['mod_md', ['setup', 'example.com', DASH], add(NAME, DASH)],
    ['mod_md', ['teardown', 'example.com', DASH], remove(NAME, DASH)],
    ['mod_md', ['teardown', 'Example.com'], { action: 'remove-all', name: NAME }],
    // getssl, simple-acme, acme.sh
    ['getssl', ['add', 'Example.com', DASH], add(NAME, DASH)],
    ['getssl', ['del', 'example.com', VALUE], remove(NAME, VALUE)],
    ['simple-acme', ['create', 'example.com', NAME, VALUE], add(NAME, VALUE)],
    ['simple-acme', ['delete', 'example.com', NAME, VALUE], remove(NAME, VALUE)],
    ['acme.sh', ['add', NAME, DASH], add(NAME, DASH)],
    ['acme.sh', ['rm', NAME, VALUE], remove(NAME, VALUE)],
  ])('%s %j', (client, args, call) => {
    expect(clientNamed(client).translate(args, {})).toEqual(call);
  });
});

describe('what no client says is refused, with what is known', () => {
  it.each([
    ['lego', ['present', NAME]],
    ['lego', ['present', NAME, VALUE, 'more']],
    ['lego', ['present', '--', 'example.com', 'token']],
    ['lego', ['timeout']],
    ['dehydrated', ['deploy_challenge', 'example.com', 'file']],
    ['dehydrated', ['clean_challenge']],
    ['uacme', ['begin']],
    ['uacme', ['start', 'dns-01', 'example.com', 'token', VALUE]],
    ['acmetool', ['challenge-dns-start', 'example.com']],
    ['getssl', ['put', 'example.com', VALUE]],
    ['mod_md', ['setup', 'example.com']],
    ['mod_md', ['setup', 'example.com', '']],
    ['mod_md', ['teardown']],
    ['mod_md', ['teardown', 'example.com', '']],
    ['mod_md', ['teardown', 'example.com', VALUE, 'more']],
    ['mod_md', ['renewed', 'example.com']],
    ['simple-acme', ['create', NAME, VALUE]],
    ['acme.sh', ['add', NAME]],
  ])('%s %j', (client, args) => {
    expect(() => clientNamed(client).translate(args, {})).toThrow(/was called with/);
  });

  it('and so is a client that nobody knows', () => {
    expect(() => clientNamed('certboot')).toThrow('there is no hook for "certboot"');
    expect(() => clientNamed('__proto__')).toThrow('there is no hook');
  });
});

describe('a wildcard', () => {
  it.each(['getssl', 'uacme', 'acmetool', 'dehydrated', 'mod_md'])(
    'has the challenge name of its base in %s',
    (client) => {
      const words: Record<string, string[]> = {
        mod_md: ['setup', '*.example.com', VALUE],
        getssl: ['add', '*.example.com', VALUE],
        uacme: ['begin', 'dns-01', '*.example.com', 'token', VALUE],
        acmetool: ['challenge-dns-start', '*.example.com', 'x', VALUE],
        dehydrated: ['deploy_challenge', '*.example.com', 'x', VALUE],
      };
      expect(clientNamed(client).translate(words[client] ?? [], {})).toEqual(add(NAME, VALUE));
    },
  );
});

describe('a caller without a name', () => {
  it.each([
    ['lego', ['present', NAME, VALUE]],
    ['lego', ['cleanup', '--', 'example.com', 't', 'ka']],
    ['uacme', ['begin', 'http-01']],
    ['acmetool', ['live-updated']],
    ['acmetool', ['challenge-tls-sni-start']],
    ['simple-acme', ['create']],
    ['dehydrated', ['deploy_challenge']],
    ['dehydrated', ['unchanged_cert']],
    [
      'dehydrated',
      ['this_hookscript_is_broken__dehydrated_is_working_fine__please_ignore_unknown_hooks_in_your_script'],
    ],
  ])('is %s when it says %j', (client, args) => {
    expect(clientCalling(args)).toBe(client);
  });

  it.each([[['auth']], [['-h']], [[]], [['add', 'example.com', VALUE]], [['foo']]])(
    'is not guessed from %j',
    (args) => {
      expect(() => clientCalling(args)).toThrow(/no known client calls its hook/);
    },
  );
});

it('the table of waiting is what the clients need', () => {
  const waiting = Object.entries(hookClients).filter(([, client]) => client.waits);
  expect(waiting.map(([name]) => name).sort()).toEqual([
    'acmetool',
    'certbot',
    'dehydrated',
    'mod_md',
    'simple-acme',
    'uacme',
  ]);
});
