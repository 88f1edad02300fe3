import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import definition from '../../providers/lexicon/index.ts';
import { type Dns01Error, isDns01Error } from '../../src/errors.ts';
import { type Fqdn, normaliseName } from '../../src/names.ts';
import { runCommand } from '../../src/process/run-command.ts';
import type { DnsProvider, TxtRecord } from '../../src/provider.ts';
import { createTestContext } from '../support/context.ts';
import { describeLab } from './lab/describe-lab.ts';
import { type Lab, startLab } from './lab/lab.ts';

/** The last is below no public suffix. */
const ZONE = normaliseName('example.com');
const SUB = normaliseName('sub.example.com');
const PRIVATE = normaliseName('corp.lan');
const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
const OTHER = '-vaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';

const MISSING = ['/usr/bin/lexicon', '/usr/lib/python3/dist-packages/dns/update.py'].filter(
  (file) => !existsSync(file),
);
const mustRun = process.env['CI'] === 'true' || process.getuid?.() === 0;

if (MISSING.length > 0 && !mustRun) {
  describe.skip(`lexicon (cannot run, missing: ${MISSING.join(', ')}; run: sudo bash test/e2e/install.sh)`, () => {
    it('is skipped', () => {});
  });
} else {
  describeLab("Debian's lexicon and a real BIND", suite);
}

function suite(): void {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab({ zones: [ZONE, SUB, PRIVATE], lagSeconds: 1 });
  });
  afterAll(() => lab?.close());

  function open(key: { secret?: string; name?: string; service?: string } = {}): DnsProvider {
    const { algorithm, name, secret } = lab.tsig;
    const server = lab.resolvers[0]?.replace(/:53$/, '') ?? '';
    const env = {
      LEXICON_DDNS_AUTH_TOKEN: [algorithm, key.name ?? name, key.secret ?? secret].join(':'),
      // Its provider ddns knows no port but 53.
      LEXICON_DDNS_DDNS_SERVER: server,
    };
    const context = createTestContext({ time: 60_000 });
    return definition.create(
      { service: key.service ?? 'ddns', env, command: '/usr/bin/lexicon', timeout: 60 },
      context,
    );
  }

  const recordOf = (value: string, zone: Fqdn = ZONE): TxtRecord => ({
    name: normaliseName(`_acme-challenge.www.${zone}`),
    value,
    ttl: 60,
    zone,
  });
  const held = (record: TxtRecord) => lab.txt('primary', record.name);

  it('finds port 53 in the laboratory', () => {
    expect(lab.resolvers[0], 'for which one has to be root').toMatch(/^127\.[\d.]+(:53)?$/);
  });

  it.each([ZONE, SUB, PRIVATE])('adds two values to one name in %s and removes one of them', async (zone) => {
    const [record, other] = [recordOf(VALUE, zone), recordOf(OTHER, zone)];
    const provider = open();
    expect(await provider.addTxt(record)).toEqual({ zone, changed: true });
    expect(await provider.addTxt(other)).toEqual({ zone, changed: true });
    expect(await provider.addTxt(record)).toEqual({ zone, changed: false });
    expect(await held(record)).toEqual([OTHER, VALUE]);
    expect((await provider.listTxt(record.name, zone)).sort()).toEqual([OTHER, VALUE]);
    expect(await open().removeTxt(record, { zone })).toBe('removed');
    expect(await open().removeTxt(record)).toBe('absent');
    expect(await held(record)).toEqual([OTHER]);
    await open().removeTxt(other);
    expect(await held(record)).toEqual([]);
  });

  it('leaves a value alone that differs only in letter case', async () => {
    const record = recordOf(VALUE);
    await lab.publish(ZONE, record.name, VALUE.toLowerCase());
    await open().addTxt(record);
    expect(await open().removeTxt(record)).toBe('removed');
    expect(await held(record)).toEqual([VALUE.toLowerCase()]);
    await lab.withdraw(ZONE, record.name, VALUE.toLowerCase());
  });

  it('says that the key is wrong', async () => {
    const secret = Buffer.alloc(32, 7).toString('base64');
    for (const key of [{ secret }, { name: 'nobody' }]) {
      const failure = await failureOf(open(key).addTxt(recordOf(VALUE)));
      expect(failure.code).toBe('E_AUTH');
      expect(failure.message).not.toContain(secret);
    }
    expect(await held(recordOf(VALUE))).toEqual([]);
  });

  it('says that there is no such service', async () => {
    expect(
      await failureOf(open({ service: 'nobody' }).listTxt(normaliseName(`_acme-challenge.${ZONE}`), ZONE)),
    ).toMatchObject({
      code: 'E_CONFIG',
      hint: expect.stringContaining('lexicon --help'),
    });
  });

  it('is the version that the docs speak of', async () => {
    const { stdout } = await runCommand(
      { call: 'lexicon', file: '/usr/bin/lexicon', args: ['--version'], timeoutMs: 60_000 },
      { env: process.env, signal: new AbortController().signal, log: { debug: () => {}, warn: () => {} } },
    );
    expect(stdout).toMatch(/^lexicon 3\./);
  });
}

async function failureOf(verb: Promise<unknown>): Promise<Dns01Error> {
  try {
    await verb;
  } catch (error) {
    if (isDns01Error(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}
