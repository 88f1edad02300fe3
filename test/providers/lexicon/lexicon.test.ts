import { appendFile, chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import definition from '../../../providers/lexicon/index.ts';
import { normaliseName } from '../../../src/names.ts';
import { secretSourceOf, type TxtRecord } from '../../../src/provider.ts';
import { type ContractHarness, describeContract } from '../../contract.ts';
import { createTestContext } from '../../support/context.ts';
import { failureOf, openScratch, type Scratch } from '../exec/support.ts';
import { STAND_IN } from './stand-in.ts';

const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
const OTHER = '-vaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';
const ZONE = normaliseName('example.com');
const NAME = normaliseName(`_acme-challenge.${ZONE}`);

function openLexicon(
  scratch: Scratch,
  { token = 'right', command = scratch.path('lexicon'), timeout = 20, service = 'file' } = {},
) {
  const context = createTestContext();
  const env = { LEXICON_FILE_AUTH_TOKEN: token };
  return { provider: definition.create({ service, env, command, timeout }, context), context };
}

async function openStandIn(): Promise<Scratch> {
  const scratch = await openScratch();
  await scratch.script('lexicon', STAND_IN(scratch.directory));
  return scratch;
}

const linesOf = async (scratch: Scratch, file: string) =>
  (await scratch.read(file).catch(() => '')).split('\n').filter((line) => line !== '');

describeContract(
  'lexicon',
  async (): Promise<ContractHarness> => {
    const scratch = await openStandIn();
    return {
      zone: ZONE,
      open: async () => ({ provider: openLexicon(scratch).provider, close: async () => {} }),
      held: async (name) =>
        (await linesOf(scratch, 'records'))
          .filter((line) => line.startsWith(`${name} `))
          .map((line) => line.split(' ')[1] ?? ''),
      plant: (name, value) => appendFile(scratch.path('records'), `${name} ${value}\n`),
      close: () => scratch.remove(),
    };
  },
  { faults: false, onlyShortValues: true },
);

describe('lexicon', () => {
  let scratch: Scratch;
  beforeEach(async () => {
    scratch = await openStandIn();
  });
  afterEach(() => scratch.remove());

  const recordOf = (value = VALUE): TxtRecord => ({ name: NAME, value, ttl: 77, zone: ZONE });
  const plant = (line: string) => writeFile(scratch.path('records'), `${line}\n`);
  /** Shell lines that the stand-in runs before or after its work. */
  const interfere = (when: 'before' | 'after', lines: string) => writeFile(scratch.path(when), lines);
  const calls = () => linesOf(scratch, 'calls');
  const actions = async () => (await calls()).map((line) => line.split(' ')[3]);

  it('is called with the zone, full names, and values that may begin with a dash', async () => {
    const { provider } = openLexicon(scratch);
    await provider.addTxt(recordOf(OTHER));
    await provider.removeTxt(recordOf(OTHER), { zone: ZONE });
    const common = (action: string) => `--delegated ${ZONE} file ${action} ${ZONE} TXT --name=${NAME}`;
    expect(await calls()).toEqual([
      `${common('list')} --output JSON`,
      `${common('create')} --content=${OTHER} --ttl=77 --output JSON`,
      `${common('list')} --output JSON`,
      `${common('delete')} --content=${OTHER} --output JSON`,
    ]);
  });

  it('is not called to write what is there already, nor to remove what is not', async () => {
    const { provider } = openLexicon(scratch);
    await plant(`${NAME} ${VALUE}`);
    expect(await provider.addTxt(recordOf())).toEqual({ zone: ZONE, changed: false });
    expect(await provider.removeTxt(recordOf(OTHER))).toBe('absent');
    expect(await actions()).toEqual(['list', 'list']);
  });

  it.each([
    [`\\"${VALUE}\\"`, 'quoted'],
    [`\\"${VALUE.slice(0, 9)}\\" \\"${VALUE.slice(9)}\\"`, 'quoted, in two strings'],
  ])('knows a value that is shown as %s', async (shown) => {
    await interfere(
      'after',
      `[ $action = list ] && echo '[{"type": "TXT", "name": "${NAME}.", "content": "${shown}"}]'`,
    );
    expect(await openLexicon(scratch).provider.listTxt(NAME, ZONE)).toEqual([VALUE]);
  });

  it.each([
    [`{"type": "TXT", "name": "_acme-challenge", "content": "${VALUE}"}`, [VALUE]],
    [`{"type": "TXT", "name": "${NAME.toUpperCase()}", "content": "${VALUE}"}`, [VALUE]],
    [`{"type": "TXT", "name": "x.${NAME}", "content": "${VALUE}"}`, []],
    [`{"type": "SPF", "name": "${NAME}", "content": "${VALUE}"}`, []],
  ])('reads of %s the values at the name', async (record, values) => {
    await interfere('after', `[ $action = list ] && echo '[${record}]'`);
    expect(await openLexicon(scratch).provider.listTxt(NAME, ZONE)).toEqual(values);
  });

  it('has its credentials in the environment, and neither in arguments nor in errors nor in the log', async () => {
    const token = 'sup3r-s3cret';
    const { provider, context } = openLexicon(scratch, { token });
    const failure = await failureOf(provider.addTxt(recordOf()));
    expect(failure).toMatchObject({ code: 'E_AUTH', outcomeUnknown: false });
    expect(failure.message).toBe(
      'lexicon file list: failed (exit code 1): lexicon.exceptions.AuthenticationError: token *** is wrong',
    );
    expect(failure.hint).toContain('env');
    expect(await actions(), 'a failed login is never repeated').toEqual(['list']);
    const everything = [await scratch.read('cmdlines'), failure.message, failure.stack, ...context.lines].join('\n');
    expect(everything).toContain(NAME);
    expect(everything).not.toContain(token);
  });

  it.each([
    ['requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: x', 'E_AUTH'],
    ['requests.exceptions.HTTPError: 403 Client Error: Forbidden for url: x', 'E_AUTH'],
    ['dns.tsig.PeerBadKey: The peer did not know the key we used', 'E_AUTH'],
    ["lexicon: error: argument provider_name: invalid choice: 'file' (choose from 'aliyun')", 'E_CONFIG'],
    ['lexicon.exceptions.ProviderNotAvailableError: This provider (file) has required extra dependencies', 'E_CONFIG'],
    ['requests.exceptions.HTTPError: 429 Client Error: Too Many Requests for url: x', 'E_RATE'],
    ['requests.exceptions.HTTPError: 503 Server Error: Service Unavailable for url: x', 'E_REMOTE'],
    ['requests.exceptions.ConnectionError: HTTPSConnectionPool(host=x)', 'E_REMOTE'],
    ['dns.exception.Timeout: The DNS operation timed out.', 'E_REMOTE'],
    ['Exception: No domain found', 'E_ZONE'],
    ['lexicon.exceptions.AuthenticationError: No domain found', 'E_ZONE'],
    ['Exception: something else', 'E_REJECTED'],
    ['', 'E_REJECTED'],
  ])('is understood by its last words: %s', async (words, code) => {
    await interfere('before', `echo "${words}" >&2; exit 1`);
    const failure = await failureOf(openLexicon(scratch).provider.listTxt(NAME, ZONE));
    expect(failure).toMatchObject({ code, message: expect.stringContaining(words) });
    expect(failure.hint).toBeDefined();
  });

  it('is asked again after a write that went wrong in the end, and finds it done', async () => {
    await interfere('after', '[ $action = list ] || { echo "Exception: boom" >&2; exit 1; }');
    const { provider } = openLexicon(scratch);
    expect(await provider.addTxt(recordOf())).toEqual({ zone: ZONE, changed: true });
    expect(await provider.removeTxt(recordOf())).toBe('removed');
    expect(await actions()).toEqual(['list', 'create', 'list', 'list', 'delete', 'list']);
  });

  it('writes again when the first write was not done', async () => {
    const marker = scratch.path('once');
    await interfere('before', `[ $action = create ] && [ ! -f ${marker} ] && { touch ${marker}; exit 1; }`);
    expect((await openLexicon(scratch).provider.addTxt(recordOf())).changed).toBe(true);
    expect(await actions()).toEqual(['list', 'create', 'list', 'create']);
    expect(await linesOf(scratch, 'records')).toEqual([`${NAME} ${VALUE}`]);
  });

  it.each([
    ['false', 'E_REJECTED', 'not done'],
    ['hello', 'E_PROTOCOL', "cannot read lexicon's output: hello"],
    ['', 'E_PROTOCOL', 'nothing'],
    ['"true"', 'E_PROTOCOL', 'cannot read'],
  ])('is not believed when it says "%s" to a write', async (said, code, message) => {
    await interfere('before', `[ $action = create ] && { echo '${said}'; exit 0; }`);
    const failure = await failureOf(openLexicon(scratch).provider.addTxt(recordOf()));
    expect(failure).toMatchObject({ code, outcomeUnknown: true, message: expect.stringContaining(message) });
  });

  it.each(['true', '[{"type": "TXT"}]', '{}', ''])('is not believed when it lists "%s"', async (said) => {
    await interfere('before', `echo '${said}'; exit 0`);
    expect((await failureOf(openLexicon(scratch).provider.listTxt(NAME, ZONE))).code).toBe('E_PROTOCOL');
  });

  it.each(['corp.lan', 'sub.example.com'])('takes the zone %s as it is, whatever the public suffixes', async (text) => {
    const zone = normaliseName(text);
    await interfere('before', `echo "$TLDEXTRACT_CACHE_PATH" >'${scratch.path('cache')}'`);
    const { provider } = openLexicon(scratch);
    await failureOf(provider.listTxt(normaliseName(`_acme-challenge.${zone}`), zone));
    const cache = join((await scratch.read('cache')).trim(), 'publicsuffix.org-tlds');
    const above = zone.split('.').slice(1).join('.');
    for (const file of await readdir(cache)) {
      expect(JSON.parse(await readFile(join(cache, file), 'utf8'))).toEqual([[above], []]);
    }
  });

  it('is asked whether it can be run and knows the provider', async () => {
    const checked = async (service = 'file') => {
      const { provider } = openLexicon(scratch, { service });
      return (await provider.checkRights?.())?.map(({ held }) => held);
    };
    expect(await checked()).toEqual([true, true]);
    expect(await checked('nobody')).toEqual([true, false]);
    await chmod(scratch.path('lexicon'), 0o644);
    expect(await checked()).toEqual([false]);
  });

  it.each(['a b', 'a;b', '@', '(a', '$TTL'])('is not given the value "%s"', async (value) => {
    const { provider } = openLexicon(scratch);
    expect((await failureOf(provider.addTxt(recordOf(value)))).code).toBe('E_REJECTED');
    expect((await failureOf(provider.removeTxt(recordOf(value)))).code).toBe('E_REJECTED');
    expect(await calls()).toEqual([]);
  });

  it('is stopped when its time is up', async () => {
    await interfere('before', 'exec sleep 1000');
    const { provider } = openLexicon(scratch, { timeout: 0.3 });
    expect(await failureOf(provider.listTxt(NAME, ZONE))).toMatchObject({ code: 'E_REMOTE' });
  });

  it('is told where it was looked for', async () => {
    await rm(scratch.path('lexicon'));
    const failure = await failureOf(openLexicon(scratch).provider.listTxt(NAME, ZONE));
    expect(failure).toMatchObject({
      code: 'E_CONFIG',
      message: `lexicon was not found: looked for ${scratch.path('lexicon')}`,
    });
    expect(failure.hint).toContain('apt-get install lexicon');
  });
});

describe('the options of a lexicon account', () => {
  const parse = (options: unknown) => z.safeParse(definition.options, options);

  it('need no more than a service', () => {
    expect(parse({ service: 'cloudflare' }).data).toEqual({ service: 'cloudflare', timeout: 120 });
    const { data } = parse({ service: 'cloudflare', env: { LEXICON_CLOUDFLARE_AUTH_TOKEN: { env: 'T' } } });
    expect(secretSourceOf(data?.env?.['LEXICON_CLOUDFLARE_AUTH_TOKEN'])).toEqual({ env: 'T' });
  });

  it.each([
    [{}],
    [{ service: '--help' }],
    [{ service: 'Cloudflare' }],
    [{ service: 'cloudflare', command: 'lexicon' }],
    [{ service: 'cloudflare', env: { lower: 'x' } }],
    [{ service: 'cloudflare', env: { LEXICON_A: '' } }],
    [{ service: 'cloudflare', timeout: 0 }],
    [{ service: 'cloudflare', provider: 'cloudflare' }],
  ])('are refused: %j', (options) => {
    expect(parse(options).success).toBe(false);
  });
});
