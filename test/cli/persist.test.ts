import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FakeDnsServer } from '../fakes/dns-server.ts';
import { expectFailure, openWorkplace, type Workplace } from '../support/cli.ts';
import { ACCOUNT, CA, HOSTERS, type Hoster, openDnsOf, PERSIST_NAME, recordFor, WHO } from '../support/persist.ts';

const RECORD = recordFor();
const LONG_ACCOUNT = `https://ca.example/acct/${'0123456789'.repeat(30)}?a=b=c`;

let here: Workplace;
let hoster: Hoster;
let dns: FakeDnsServer;
let config: string;

async function open(start: (() => Promise<Hoster>) | undefined): Promise<void> {
  if (!start) throw new Error('no such hoster');
  [here, hoster] = await Promise.all([openWorkplace(), start()]);
  ({ dns, config } = await openDnsOf(hoster));
  await here.configure(config);
}
async function close(): Promise<void> {
  await here.expectNoSecret(...hoster.secrets);
  await Promise.all([here.remove(), hoster.close(), dns.close()]);
}
const persist = (...args: string[]) => here.run(['persist', ...args]);
const held = () => hoster.held(PERSIST_NAME).sort();

describe.each(Object.keys(HOSTERS))('through %s', (provider) => {
  beforeEach(() => open(HOSTERS[provider]));
  afterEach(close);

  it('a record is added, verified, listed and removed; others at the name stay', async () => {
    const foreign = 'other.example; accounturi=https://other.example/7';
    hoster.plant(PERSIST_NAME, foreign);
    const added = await persist('add', 'example.com', '--wildcard', '--json', ...WHO);
    expect(added).toMatchObject({ code: 0, stderr: '' });
    const value = `${RECORD}; policy=wildcard`;
    expect(JSON.parse(added.stdout)).toMatchObject({
      ok: true,
      action: 'add',
      name: PERSIST_NAME,
      value,
      account: 'it',
      provider,
      zone: 'example.com',
      changed: true,
      replaced: [],
    });
    expect(held()).toEqual([value, foreign].sort());
    for (const domain of ['example.com', '*.example.com']) {
      expect(await persist('verify', domain, ...WHO)).toMatchObject({
        code: 0,
        stdout: 'boulder\tvalid\n',
        stderr: '',
      });
    }
    expect((await persist('list', 'example.com')).stdout).toBe(
      `${CA}\t${ACCOUNT}\twith wildcards\tno end\tours\nother.example\thttps://other.example/7\tno wildcards\tno end\tnot ours\n`,
    );
    const removed = await persist('remove', 'example.com', ...WHO);
    expect(removed).toMatchObject({ code: 0, stdout: `${PERSIST_NAME}: withdrawn: ${value}\n` });
    expect(held()).toEqual([foreign]);
    expect((await persist('remove', 'example.com', '--json', ...WHO)).stdout).toContain('"removed":[],"changed":false');
  });

  it('a value of more than 255 octets, with its semicolons, comes back as it was', async () => {
    const who = ['--issuer', CA, '--account-uri', LONG_ACCOUNT];
    expect(await persist('add', 'example.com', ...who)).toMatchObject({ code: 0, stderr: '' });
    const value = recordFor(LONG_ACCOUNT);
    expect(value.length).toBeGreaterThan(255);
    expect(held()).toEqual([value]);
    // The last of Boulder's cases: a record in several strings.
    expect(JSON.parse((await persist('verify', 'example.com', '--json', ...who)).stdout)).toMatchObject({
      ok: true,
      boulder: 'valid',
      pebble: 'valid',
      values: [value],
    });
    expect((await persist('remove', 'example.com', ...who)).code).toBe(0);
    expect(held()).toEqual([]);
  });

  it('an add for the same CA and account replaces our record, the new one first', async () => {
    await persist('add', 'example.com', ...WHO);
    const seen: string[][] = [];
    dns.show(PERSIST_NAME, () => {
      seen.push(hoster.held(PERSIST_NAME));
      return hoster.held(PERSIST_NAME);
    });
    const again = await persist('add', 'example.com', '--until', '4102444800', ...WHO);
    expect(again.code).toBe(0);
    expect(again.stdout).toMatch(/: published through .*, replaced one older record\n$/);
    const value = `${RECORD}; persistUntil=4102444800`;
    expect(held()).toEqual([value]);
    const whileWaiting = seen.filter((values) => values.includes(value));
    // Two rounds of the wait; later questions may come after the removal.
    const rounds = whileWaiting.slice(0, 2);
    expect(rounds.map((values) => values.includes(RECORD))).toEqual([true, true]);
  });
});

describe('persist', () => {
  beforeEach(() => open(HOSTERS['cloudflare']));
  afterEach(close);

  it('keeps our record of another account, and says which of the same account is not ours', async () => {
    const other = ['--issuer', CA, '--account-uri', `${ACCOUNT}4`];
    const foreign = `${RECORD};policy=wildcard`;
    hoster.plant(PERSIST_NAME, foreign);
    await persist('add', 'example.com', '--no-wait', ...other);
    const { code, stderr } = await persist('add', 'example.com', '--no-wait', ...WHO);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `dns01: warning: ${PERSIST_NAME}: a record for the same account that was not published here stays: ${foreign}\n`,
    });
    expect(held()).toEqual([RECORD, recordFor(`${ACCOUNT}4`), foreign].sort());
  });

  it('add is a success where the record is there, and keeps the older one while the new one is not shown', async () => {
    await persist('add', 'example.com', ...WHO);
    expect((await persist('add', 'example.com', ...WHO)).stdout).toContain(': was there already through');
    dns.show(PERSIST_NAME, [RECORD]);
    const late = await persist('add', 'example.com', '--wildcard', ...WHO);
    expectFailure(late, 75, /published, but not shown by every name server/);
    expect(held()).toEqual([RECORD, `${RECORD}; policy=wildcard`].sort());
  });

  it('changes nothing with --dry-run or --emit', async () => {
    const dry = await persist('add', 'example.com', '--dry-run', ...WHO);
    expect(dry.stdout).toBe(`${PERSIST_NAME}: would be published through account it (cloudflare)\n`);
    const emitted = await persist('add', 'example.com', '--emit', 'zone', ...WHO);
    expect(emitted.stdout).toBe(`${PERSIST_NAME}. 3600 IN TXT "${RECORD}"\n`);
    expect(held()).toEqual([]);
    await persist('add', 'example.com', '--no-wait', ...WHO);
    const removal = await persist('remove', 'example.com', '--dry-run', ...WHO);
    expect(removal.stdout).toBe(`${PERSIST_NAME}: would be withdrawn: ${RECORD}\n`);
    expect(held()).toEqual([RECORD]);
  });

  it('remove finds the records without the journal, and in any spelling that Boulder takes', async () => {
    for (const value of [RECORD, `${CA.toUpperCase()}.;accounturi=${ACCOUNT}`]) hoster.plant(PERSIST_NAME, value);
    hoster.plant(PERSIST_NAME, `${RECORD};foo=1;foo=2`);
    hoster.plant(PERSIST_NAME, `${RECORD};`);
    await persist('remove', 'example.com', ...WHO);
    // Nobody can read the last one.
    expect(held()).toEqual([`${RECORD};`]);
  });

  it('list shows ends and what nobody can read', async () => {
    for (const more of ['; persistUntil=1', '; persistUntil=4102444800', '; persistUntil=never'])
      hoster.plant(PERSIST_NAME, `${RECORD}${more}`);
    const { stdout } = await persist('list', 'example.com');
    expect(stdout.split('\n').map((line) => line.split('\t').slice(-2))).toEqual([
      ['expired 1970-01-01T00:00:01Z', 'not ours'],
      ['until 2100-01-01T00:00:00Z', 'not ours'],
      [`${RECORD}; persistUntil=never`, 'malformed persistUntil timestamp "never"'],
      [''],
    ]);
    const { records } = JSON.parse((await persist('list', 'example.com', '--json')).stdout);
    expect(records[0]).toMatchObject({ issuer: CA, accountUri: ACCOUNT, wildcard: false, expired: true, ours: false });
  });

  it('list, add and remove keep what others have written on one line', async () => {
    const forged = `${RECORD};x\n${CA}\t${ACCOUNT}\twith wildcards\tno end\tours`;
    for (const value of [`${forged}=1`, forged]) hoster.plant(PERSIST_NAME, value);
    const { stdout } = await persist('list', 'example.com');
    expect(stdout.trimEnd().split('\n')).toHaveLength(2);
    expect((await persist('add', 'example.com', '--no-wait', ...WHO)).stderr).not.toContain(`\n${CA}`);
    expect((await persist('remove', 'example.com', ...WHO)).stdout).not.toContain(`\n${CA}`);
  });

  it('sweep never touches a record, however old; the journal knows it as lasting', async () => {
    await persist('add', 'example.com', '--no-wait', ...WHO);
    const directory = join(here.stateDirectory, 'journal');
    const [file = ''] = await readdir(directory);
    const entry = JSON.parse(await readFile(join(directory, file), 'utf8'));
    expect(entry).toMatchObject({ name: PERSIST_NAME, state: 'published', lasting: true });
    const { lasting: _, ...plain } = entry;
    for (const old of [entry, plain, { ...plain, name: '_acme-challenge.example.com' }]) {
      await writeFile(join(directory, file), JSON.stringify({ ...old, since: '2020-01-01T00:00:00.000Z' }));
      expect(await here.run(['sweep', '--older-than', '0s'])).toMatchObject({ code: 0, stdout: '' });
      expect(await here.run(['sweep', '--scan'])).toMatchObject({ code: 0, stdout: '' });
      expect(held()).toEqual([RECORD]);
    }
  });

  it('its names take no other values, by no verb', async () => {
    const value = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
    const wrong = /the value is no record of dns-persist-01, the only kind at _validation-persist\.example\.com: /;
    for (const each of [value, `${RECORD};`, 'v=spf1 -all'])
      expectFailure(await here.run(['add-txt', '--no-wait', PERSIST_NAME, each]), 64, wrong, /dns01 persist add/);
    expect(held()).toEqual([]);
    expect((await here.run(['add-txt', '--no-wait', PERSIST_NAME, RECORD])).code).toBe(0);
    expect(held()).toEqual([RECORD]);
  });
});
