import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { loadConfig } from '../src/config/load.ts';
import { isDns01Error } from '../src/errors.ts';
import { parseBody } from '../src/gateway/request.ts';
import { decode } from '../src/http/decode.ts';
import { normaliseName } from '../src/names.ts';
import { openJournal } from '../src/state/files/journal.ts';
import { openOrders } from '../src/state/files/orders.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dns01-hostile-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** JSON of every kind, with the keys that reach into prototypes. */
const json = fc.jsonValue({ maxDepth: 6 });
const key = fc.oneof(
  fc.constantFrom('accounts', 'zones', 'dns', 'ttl', '__proto__', 'constructor', 'provider'),
  fc.string(),
);
const configLike = fc.dictionary(key, fc.oneof(json, fc.dictionary(key, json)));

const untouched = () => expect(Object.keys(Object.prototype)).toEqual([]);

it('any config is read or refused at its place, and never crashes or changes anything else', async () => {
  const file = join(directory, 'config.json');
  await fc.assert(
    fc.asyncProperty(fc.oneof(configLike, json), async (content) => {
      await writeFile(file, JSON.stringify(content));
      await chmod(file, 0o600);
      const outcome = await Promise.resolve(file)
        .then(loadConfig)
        .catch((error: unknown) => error);
      if (outcome instanceof Error) expect(isDns01Error(outcome) && outcome.code).toBe('E_CONFIG');
      untouched();
    }),
  );
});

it('any text as a config is read or refused', async () => {
  const file = join(directory, 'config.yaml');
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), async (text) => {
      await writeFile(file, text);
      await chmod(file, 0o600);
      const outcome = await Promise.resolve(file)
        .then(loadConfig)
        .catch((error: unknown) => error);
      if (outcome instanceof Error) expect(isDns01Error(outcome) && outcome.code).toBe('E_CONFIG');
    }),
  );
});

it('any answer of a provider fits the schema or is a protocol error that names the call', () => {
  const schema = z.object({ records: z.array(z.object({ id: z.string(), name: z.string() })) });
  const answers = fc.oneof(
    json.map((value) => JSON.stringify(value)),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    fc.property(answers, (text) => {
      try {
        decode({ call: 'GET /records', status: 200, headers: {}, text }, schema);
      } catch (error) {
        expect(isDns01Error(error) && error.code).toBe('E_PROTOCOL');
        expect(String(error)).toContain('GET /records');
      }
      untouched();
    }),
  );
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  expect(() => decode({ call: 'GET /deep', status: 200, headers: {}, text: deep }, schema)).toThrow(/GET \/deep/);
});

it('any file in the journal or of an order is read as what it is, or not at all', async () => {
  await mkdir(join(directory, 'journal'), { recursive: true });
  const journal = openJournal(directory, () => expect.fail('it warned'));
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        json.map((value) => JSON.stringify(value)),
        fc.string({ unit: 'binary' }),
      ),
      async (text) => {
        await writeFile(join(directory, 'journal', 'hostile.json'), text);
        for await (const entry of journal.list()) expect(entry.version).toBe(1);
        untouched();
      },
    ),
  );
  await rm(join(directory, 'journal', 'hostile.json'));
  await openOrders(directory)?.append('order', 1, [{ name: normaliseName('a'), value: 'b' }]);
});

it('any body that is sent to the server is a challenge or refused in words without it', () => {
  const bodies = fc.oneof(
    json.map((value) => JSON.stringify(value)),
    fc.string(),
    fc.record({ fqdn: fc.string(), value: fc.string() }).map((body) => JSON.stringify(body)),
  );
  fc.assert(
    fc.property(bodies, (text) => {
      const parsed = parseBody(text, () => false);
      if (typeof parsed === 'string') return;
      expect(parsed.name.startsWith('_acme-challenge.')).toBe(true);
      expect(parsed.value).toMatch(/^[\w-]{43}$/);
    }),
  );
});
