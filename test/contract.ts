import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isDns01Error } from '../src/errors.ts';
import { normaliseName } from '../src/names.ts';
import type { DnsProvider, TxtChange, TxtRecord } from '../src/provider.ts';
import type { Fault, FaultKind, FaultServer } from './fakes/fault-server.ts';
import { FAULTS } from './fakes/fault-server.ts';

/** A provider and its server, for the contract suite. */
export interface ContractHarness {
  /** A zone that the account can write. */
  readonly zone: string;
  /**
   * The provider as in a new process, with nothing remembered.
   * @param requestTimeout milliseconds for one request; short where the server hangs
   */
  open(requestTimeout: number): Promise<OpenProvider>;
  /** Every TXT value that the server holds at the name; duplicates are listed as often as they exist. */
  held(name: string): Promise<string[]>;
  /** Stores a value without the provider, as another tool would. */
  plant(name: string, value: string): Promise<void>;
  /** For a provider that speaks HTTP: its fault server, and the names of the two write calls. */
  readonly faults?: { readonly server: FaultServer; readonly addCall: string; readonly removeCall: string };
  close(): Promise<void>;
}

export interface OpenProvider {
  readonly provider: DnsProvider;
  close(): Promise<void>;
}

const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
const OTHER = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';

/** Milliseconds. Every normal answer comes within this time, even on a busy machine. */
const PATIENT = 15_000;
/** Milliseconds, for the one call that never gets an answer. */
const IMPATIENT = 400;

export interface ContractOptions {
  /** False for a provider without a fault server. */
  readonly faults?: boolean;
  /** True for a provider with `anyZone` in its definition: it accepts every zone. */
  readonly anyZone?: boolean;
  /** True for a provider that refuses values longer than those of dns-01. */
  readonly onlyShortValues?: boolean;
}

/** The rules for every provider, checked on one. Call it inside vitest. */
export function describeContract(
  title: string,
  start: () => Promise<ContractHarness>,
  { faults = true, anyZone = false, onlyShortValues = false }: ContractOptions = {},
): void {
  describe(`${title} keeps the provider contract`, () => {
    let harness: ContractHarness;
    beforeEach(async () => {
      harness = await start();
    });
    afterEach(() => harness.close());

    const recordOf = (value: string, host = '_acme-challenge'): TxtRecord => ({
      name: normaliseName(`${host}.${harness.zone}`),
      value,
      ttl: 60,
      zone: normaliseName(harness.zone),
    });

    /** One verb in a process of its own. */
    async function run<Result>(
      verb: (provider: DnsProvider) => Promise<Result>,
      requestTimeout = PATIENT,
    ): Promise<Result> {
      const { provider, close } = await harness.open(requestTimeout);
      try {
        return await verb(provider);
      } finally {
        await provider.close?.();
        await close();
      }
    }
    const add = (record: TxtRecord, requestTimeout?: number) =>
      run((provider) => provider.addTxt(record), requestTimeout);
    const held = async (record: TxtRecord) => (await harness.held(record.name)).sort();

    it('publishes a value and withdraws it in another process', async () => {
      const record = recordOf(VALUE);
      const { changed, ...handle } = await add(record);
      expect(changed).toBe(true);
      expect(await held(record)).toEqual([VALUE]);
      expect(await run((provider) => provider.removeTxt(record, handle))).toBe('removed');
      expect(await held(record)).toEqual([]);
    });

    it('withdraws without a handle', async () => {
      const record = recordOf(VALUE);
      await add(record);
      expect(await run((provider) => provider.removeTxt(record))).toBe('removed');
      expect(await held(record)).toEqual([]);
    });

    it('keeps two values at one name, and removing one leaves the other', async () => {
      const apex = recordOf(VALUE);
      const wildcard = recordOf(OTHER);
      const handle = await add(apex);
      await add(wildcard);
      expect(await held(apex)).toEqual([VALUE, OTHER].sort());
      await run((provider) => provider.removeTxt(apex, handle));
      expect(await held(apex)).toEqual([OTHER]);
    });

    it('adds the same value twice as a success and one record', async () => {
      const record = recordOf(VALUE);
      await add(record);
      const again = await add(record);
      expect(again.changed).toBe(false);
      expect(await held(record)).toEqual([VALUE]);
    });

    it('finds nothing to remove and calls that a success', async () => {
      expect(await run((provider) => provider.removeTxt(recordOf(VALUE)))).toBe('absent');
    });

    it('leaves a value alone that differs only in letter case', async () => {
      const record = recordOf(VALUE);
      await harness.plant(record.name, VALUE.toLowerCase());
      await add(record);
      expect(await held(record)).toEqual([VALUE, VALUE.toLowerCase()].sort());
      await run((provider) => provider.removeTxt(record));
      expect(await held(record)).toEqual([VALUE.toLowerCase()]);
    });

    it('works below the zone, several labels deep', async () => {
      const record = recordOf(VALUE, '_acme-challenge.www.shop');
      await add(record);
      expect(await held(record)).toEqual([VALUE]);
      expect(await run((provider) => provider.removeTxt(record))).toBe('removed');
    });

    it('lists the values at a name, unquoted, and none where there is none', async () => {
      const record = recordOf(VALUE);
      expect(await run((provider) => provider.listTxt(record.name, record.zone))).toEqual([]);
      await harness.plant(record.name, OTHER);
      await add(record);
      const listed = await run((provider) => provider.listTxt(record.name, record.zone));
      expect(listed.sort()).toEqual([VALUE, OTHER].sort());
    });

    it('takes a value that begins with a dash as a value', async () => {
      const record = recordOf(`-${VALUE.slice(1)}`);
      await add(record);
      expect(await held(record)).toEqual([record.value]);
    });

    it('holds a value of 400 octets with blanks, semicolons and equals signs, or says that it cannot', async () => {
      const record = recordOf(`letsencrypt.org; accounturi=https://ca.example/acme/${'x'.repeat(348)}`);
      if (onlyShortValues) {
        expect(await failureOf(add(record))).toMatchObject({ code: 'E_REJECTED' });
        expect(await held(record)).toEqual([]);
        return;
      }
      const { changed: _, ...handle } = await add(record);
      expect(await held(record)).toEqual([record.value]);
      expect((await add(record)).changed).toBe(false);
      expect(await run((provider) => provider.listTxt(record.name, record.zone))).toEqual([record.value]);
      expect(await run((provider) => provider.removeTxt(record, handle))).toBe('removed');
      expect(await held(record)).toEqual([]);
    });

    it('says E_ZONE for a zone that it does not hold', async () => {
      if (anyZone) return;
      const record = {
        ...recordOf(VALUE),
        name: normaliseName('_acme-challenge.nowhere.test'),
        zone: normaliseName('nowhere.test'),
      };
      expect(await failureOf(add(record))).toMatchObject({ tryNextZone: true });
      expect(await failureOf(run((provider) => provider.removeTxt(record)))).toMatchObject({ tryNextZone: true });
    });

    it('does many changes of a zone at once, where it has that', async () => {
      const apex = recordOf(VALUE);
      const wildcard = recordOf(OTHER);
      const below = recordOf(VALUE, '_acme-challenge.www');
      await harness.plant(below.name, OTHER);
      const all = (action: TxtChange['action'], records: readonly TxtRecord[]) =>
        run(async (provider) => {
          const outcomes = await provider.changeTxt?.(
            apex.zone,
            records.map((record) => ({ action, record })),
          );
          return outcomes?.map((outcome) => (outcome.state === 'done' ? outcome.changed : outcome.error.code));
        });
      const added = await all('add', [apex, wildcard, below]);
      if (added === undefined) return;
      expect(added).toEqual([true, true, true]);
      expect(await held(apex)).toEqual([VALUE, OTHER].sort());
      expect(await held(below)).toEqual([VALUE, OTHER].sort());
      expect(await all('add', [apex, below])).toEqual([false, false]);
      expect(await all('remove', [apex, below])).toEqual([true, true]);
      expect(await held(apex)).toEqual([OTHER]);
      expect(await held(below)).toEqual([OTHER]);
      expect(await all('remove', [apex])).toEqual([false]);
    });

    // A 429 means that the request was not processed. After the write it would be a false answer that no client can detect.
    const strikes = FAULTS.flatMap((kind) => (['before', 'after'] as const).map((effect) => ({ kind, effect }))).filter(
      ({ kind, effect }) => kind !== '429' || effect === 'before',
    );

    const patienceFor = (kind: FaultKind) => (kind === 'hang' ? IMPATIENT : PATIENT);

    if (!faults) return;

    it.each(strikes)('adds exactly once or says so: $kind $effect the write', async ({ kind, effect }) => {
      const record = recordOf(VALUE);
      strike({ kind, effect }, 'addCall');
      const failure = await failureOf(add(record, patienceFor(kind)));
      const values = await held(record);
      expect(values.filter((value) => value === VALUE).length).toBeLessThanOrEqual(1);
      if (!failure) expect(values).toEqual([VALUE]);
      await add(record);
      expect(await held(record)).toEqual([VALUE]);
    });

    it.each(strikes)('removes only its own value or says so: $kind $effect the write', async ({ kind, effect }) => {
      const record = recordOf(VALUE);
      await harness.plant(record.name, OTHER);
      const handle = await add(record);
      strike({ kind, effect }, 'removeCall');
      const failure = await failureOf(run((provider) => provider.removeTxt(record, handle), patienceFor(kind)));
      if (!failure) expect(await held(record)).toEqual([OTHER]);
      await run((provider) => provider.removeTxt(record, handle));
      expect(await held(record)).toEqual([OTHER]);
    });

    function strike(fault: Omit<Fault, 'call'>, which: 'addCall' | 'removeCall'): void {
      if (!harness.faults) throw new Error('for a harness without faults call describeContract(…, { faults: false })');
      harness.faults.server.inject({ ...fault, call: harness.faults[which] });
    }
  });
}

/** The failure, which must be a Dns01Error: anything else is a crash. */
async function failureOf(verb: Promise<unknown>): Promise<Error | undefined> {
  try {
    await verb;
    return undefined;
  } catch (error) {
    expect(isDns01Error(error), `not one of our errors: ${String(error)}`).toBe(true);
    expect((error as { code?: string }).code).not.toBe('E_BUG');
    return error as Error;
  }
}
