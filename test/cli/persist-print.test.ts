import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type FaultServer, startFaultServer } from '../fakes/fault-server.ts';
import { expectFailure, openWorkplace, type Workplace } from '../support/cli.ts';
import { ACCOUNT, CA, PERSIST_NAME, recordFor, WHO } from '../support/persist.ts';

const THUMBPRINT = 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs';
const PREFIX = 'https://ca.example/account-hash/';
/** The example of draft-ietf-acme-dns-persist-02. */
const HASHED = `${PREFIX}sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw`;

let here: Workplace;
let ca: FaultServer;
let meta: unknown;
beforeAll(async () => {
  here = await openWorkplace();
  ca = await startFaultServer({
    nameOf: () => 'GET directory',
    reply: ({ path }) =>
      path === '/dir'
        ? { status: 200, body: JSON.stringify({ newNonce: 'https://ca.example/nonce', meta }) }
        : { status: 404, body: 'no' },
  });
});
afterAll(() => Promise.all([here.remove(), ca.close()]));

/** There is no config anywhere. */
const print = (...args: string[]) =>
  here.run(['persist', 'print', ...args], { env: { DNS01_CONFIG: '', XDG_CONFIG_HOME: here.directory } });
const printedValue = async (...args: string[]) => JSON.parse((await print(...args, '--json')).stdout).value;

describe('print needs no config, and', () => {
  it('prints name and value', async () => {
    const { code, stdout, stderr } = await print('Example.COM.', ...WHO);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `${PERSIST_NAME}\tTXT\t${recordFor()}\n`, stderr: '' });
  });

  it.each([
    [['--wildcard'], '; policy=wildcard'],
    [['--until', '4102444800'], '; persistUntil=4102444800'],
    [['--until', '2100-01-01T02:00:00+02:00'], '; persistUntil=4102444800'],
    [['--until', '2100-01-01t00:00:00.999z', '--wildcard'], '; policy=wildcard; persistUntil=4102444800'],
  ])('takes %j', async (options, more) => {
    expect(await printedValue('example.com', ...options, ...WHO)).toBe(recordFor(ACCOUNT, more));
  });

  it('takes *.example.com for a wildcard, and names in any language', async () => {
    expect(await printedValue('*.example.com', ...WHO)).toBe(recordFor(ACCOUNT, '; policy=wildcard'));
    expect((await print('müller.example', ...WHO)).stdout).toContain('_validation-persist.xn--mller-kva.example\t');
    expect(await printedValue('a.example', '--issuer', 'CA.Example.', '--account-uri', ACCOUNT)).toBe(
      `ca.example; accounturi=${ACCOUNT}`,
    );
  });

  it.each([
    ['a past time', ['--until', '2020-01-01T00:00:00Z'], /--until 2020-01-01T00:00:00Z is in the past/],
    ['past seconds', ['--until', '1'], /is in the past/],
    ['a day that does not exist', ['--until', '2099-02-30T00:00:00Z'], /--until takes a time like/],
    ['an hour that does not exist', ['--until', '2099-01-01T24:00:00Z'], /--until takes a time like/],
    ['a month that does not exist', ['--until', '2099-13-01T00:00:00Z'], /--until takes a time like/],
    ['a time in words', ['--until', '1 Jan 2099'], /--until takes a time like/],
    ['a time without a zone', ['--until', '2099-01-01T00:00:00'], /--until takes a time like/],
    ['milliseconds', ['--until', '4102444800000'], /--until takes a time like/],
    ['another draft', ['--draft', '1'], /--draft takes 01 or 02/],
    ['another form', ['--emit', 'bind'], /--emit takes zone, octodns, terraform/],
    ['a form by an inherited name', ['--emit', 'toString'], /--emit takes/],
    [
      'a zone of others',
      ['--emit', 'octodns', '--zone', 'example.org'],
      /example\.com is not in the zone example\.org/,
    ],
    ['a broken thumbprint', ['--account-thumbprint', 'abc'], /--account-thumbprint takes 43 characters/],
    [
      'an account that no record can hold',
      ['--account-uri', 'https://ca.example/a;b'],
      /is not a URL that a record can hold/,
    ],
    ['an account that is no URL', ['--account-uri', 'mailto:me@example.com'], /is not a URL/],
    ['an issuer that is no name', ['--issuer', "Let's Encrypt"], /is not a domain name/],
    [
      'an account that is too long',
      ['--account-uri', `https://ca.example/${'a'.repeat(1024)}`],
      /the value has \d+ characters/,
    ],
    ['draft 02 without the key', ['--draft', '02'], /draft 02 needs --account-thumbprint/],
    ['draft 02 without the prefix', ['--account-thumbprint', THUMBPRINT], /draft 02 needs --account-hash-prefix/],
    ['a directory without TLS', ['--directory', 'http://ca.example/dir'], /--directory takes an https:/],
  ])('refuses %s', async (_, options, message) => {
    expectFailure(await print('example.com', ...WHO, ...options), 64, message);
  });

  it.each(['print', 'add', 'verify', 'remove'])('%s without issuer and account is a usage error', async (verb) => {
    const { DNS01_CONFIG } = { DNS01_CONFIG: '' };
    const run = (...args: string[]) => here.run(['persist', verb, 'example.com', ...args], { env: { DNS01_CONFIG } });
    expectFailure(await run(), 64, /--account-uri is missing/);
    expectFailure(await run('--account-uri', ACCOUNT), 64, /--issuer is missing/);
    expectFailure(await run('--issuer', CA), 64, /--account-uri is missing/);
  });

  it('refuses the name of the record in place of the domain', async () => {
    expectFailure(await print(PERSIST_NAME, ...WHO), 64, /give the domain without _validation-persist/, /example\.com/);
  });
});

describe('draft 02', () => {
  const hashed = ['--account-thumbprint', THUMBPRINT, '--account-hash-prefix', PREFIX];

  it('hashes the account as the example of the draft does', async () => {
    const more = ['--wildcard', '--until', '4102444800'];
    expect(await printedValue('example.com', ...WHO, ...hashed, ...more)).toBe(
      `${CA}; accounturi=${HASHED}; policy=wildcard; persistUntil=4102444800`,
    );
    expect(await printedValue('example.com', ...WHO, ...hashed, '--draft', '01')).toBe(recordFor());
  });

  it('is chosen by the directory, which also names the CA', async () => {
    meta = { accountHashPrefix: PREFIX, issuerDomainNames: [CA, 'other.example'] };
    const directory = ['--directory', `${ca.origin}/dir`];
    const account = ['--account-uri', ACCOUNT, '--account-thumbprint', THUMBPRINT];
    expect(await printedValue('example.com', ...account, ...directory)).toBe(`${CA}; accounturi=${HASHED}`);
    expectFailure(await print('example.com', ...WHO, ...directory), 64, /draft 02 needs --account-thumbprint/);
    const wrong = await print('example.com', '--issuer', 'third.example', ...account, ...directory);
    expectFailure(wrong, 64, /the directory's CA is authority\.example or other\.example, not third\.example/);
    meta = undefined;
    expect(await printedValue('example.com', ...WHO, ...directory)).toBe(recordFor());
    meta = { issuerDomainNames: ['x.example\ndns01: error: forged'] };
    const forged = await print('example.com', ...WHO, ...directory);
    expectFailure(forged, 76, /GET directory: unexpected answer/);
    expect(forged.stderr).not.toMatch(/^dns01: error: forged/m);
    meta = { accountHashPrefix: 7 };
    expectFailure(await print('example.com', ...WHO, ...directory), 76, /GET directory: unexpected answer/);
    expectFailure(
      await print('example.com', ...WHO, '--directory', `${ca.origin}/`),
      65,
      /answers 404 for the directory/,
    );
  });
});

describe('--emit', () => {
  const account = `https://ca.example/'acct'/\${1}/%{2}/${'x'.repeat(260)}`;
  const value = `${CA}; accounturi=${account}`;
  const emit = async (form: string) =>
    (await print('www.example.com', '--issuer', CA, '--account-uri', account, '--zone', 'example.com', '--emit', form))
      .stdout;

  it('zone splits the value into strings of 255 octets', async () => {
    const [, quoted = ''] =
      /^_validation-persist\.www\.example\.com\. 3600 IN TXT (".*")\n$/.exec(await emit('zone')) ?? [];
    const strings = quoted.slice(1, -1).split('" "');
    expect(strings.map(({ length }) => length)).toEqual([255, value.length - 255]);
    expect(strings.join('')).toBe(value);
  });

  it('octodns is YAML with escaped semicolons', async () => {
    const record = { ttl: 3600, type: 'TXT', value: value.replaceAll(';', '\\;') };
    expect(parse(await emit('octodns'))).toEqual({ '_validation-persist.www': record });
  });

  it('terraform escapes templates', async () => {
    const text = await emit('terraform');
    expect(text).toContain('zone = "example.com."\n  name = "_validation-persist.www"\n');
    const escaped = value.replace('%{', '%%{').replace(/\$(?=\{)/, () => '$$');
    expect(text).toContain(`"${escaped}"`);
  });
});
