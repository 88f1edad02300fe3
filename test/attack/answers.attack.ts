import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { providers } from '../../providers/index.ts';
import { resolveSecrets } from '../../src/accounts/secrets.ts';
import type { Config } from '../../src/config/load.ts';
import { startDeadline } from '../../src/deadline.ts';
import { asDns01Error } from '../../src/errors.ts';
import { parseName } from '../../src/names.ts';
import type { DnsProvider, ProviderDefinition, RecordHandle, Resolved } from '../../src/provider.ts';
import { SUBJECTS, type SubjectKind } from '../faults/support/subjects.ts';
import { count } from '../faults/support/tally.ts';
import { createTestContext } from '../support/context.ts';
import { HTTP_SUBJECTS, openFront } from './support/front.ts';
import { NAME, runsOf, VALUE } from './support/scene.ts';

const hostileValue = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(
    ...[
      '',
      '.',
      '..',
      '../../zones/victim',
      '__proto__',
      'constructor',
      '%2e%2e',
      'a\nb',
      '\0',
      '"',
      '\\',
      '💥',
      'example.com.',
      '_dmarc',
    ],
    ...[-1, 0, 1e308, 2 ** 53, null, true, [], {}, [[]], 'a'.repeat(300), '$(id)', '\u001b[2J', '_dmarc.example.com'],
  ),
);

/** A JSON text with some of its values replaced. */
function bend(text: string, places: readonly number[], values: readonly unknown[]): string {
  let nth = 0;
  return text.replace(/"(?:[^"\\]|\\.)*"(?!\s*:)|-?\d+(?:\.\d+)?|true|false|null/g, (match) => {
    const at = places.indexOf(nth++);
    return at < 0 ? match : JSON.stringify(values[at % values.length] ?? null);
  });
}

const VERBS = ['addTxt', 'removeTxt', 'listTxt', 'changeTxt', 'listZones', 'checkRights', 'nameServers'];

const liesOf = (verbs: readonly string[]) =>
  fc.record({
    status: fc.constantFrom(200, 200, 200, 201, 204, 400, 403, 404, 422),
    verb: fc.constantFrom(...verbs),
    /** The number of the first answer that is a lie. */
    first: fc.constantFrom(1, 1, ...(verbs.length > 1 ? [2, 3] : [])),
    how: fc.constantFrom('bent', 'bent', 'other JSON', 'text'),
    places: fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 4 }),
    values: fc.array(hostileValue, { minLength: 1, maxLength: 3 }),
    text: fc.string({ unit: 'binary', maxLength: 60 }),
    handleId: fc.option(fc.string({ maxLength: 12 }), { nil: undefined }),
  });

describe.each(HTTP_SUBJECTS)('whatever an API of %s answers', (name) => {
  it('is a result or an error in our words, and asks for nothing else', async ({ task }) => {
    const directory = await mkdtemp(join(tmpdir(), 'dns01-attack-'));
    const subject = await (SUBJECTS[name] as SubjectKind).start(directory);
    const front = await openFront(subject.server?.origin ?? '');
    const load = providers[name];
    if (!load) throw new Error(`there is no provider ${name}`);
    const definition = (await load()).default as ProviderDefinition;
    const host = subject.server?.origin ?? '';
    const given = JSON.parse(JSON.stringify(subject.options).replaceAll(host, front.server.origin)) as object;
    const { parse } = await import('zod/mini');
    const options = (await resolveSecrets(parse(definition.options as never, given), [], {
      config: { file: directory } as Config,
      env: {},
      warn: () => {},
      keep: () => {},
    })) as Resolved<unknown>;
    const wanted = Math.ceil(runsOf(10_000) / HTTP_SUBJECTS.length);
    // This API has one call alone.
    const lies = liesOf(name === 'acme-dns' ? ['addTxt'] : VERBS);
    let asked = 0;
    await fc.assert(
      fc.asyncProperty(lies, async (lie) => {
        // Nothing is waited for: a pause would end the call.
        const deadline = startDeadline(10_000);
        const context = createTestContext({
          requestTimeout: 2000,
          dataDirectory: directory,
          deadline: { ...deadline, sleep: async () => {} },
        });
        front.lie(async (_request, nth, truth) => {
          if (nth < lie.first) return truth();
          asked++;
          const reply = lie.how === 'bent' ? await truth() : { status: lie.status };
          const body =
            lie.how === 'bent'
              ? bend(('body' in reply ? reply.body : undefined) ?? '', lie.places, lie.values)
              : lie.how === 'text'
                ? lie.text
                : JSON.stringify(lie.values[0]);
          return { status: lie.how === 'bent' ? reply.status : lie.status, body: lie.status === 204 ? '' : body };
        });
        const before = front.server.requests.length;
        const provider = definition.create(options, context);
        const outcome = await attempt(provider, lie.verb, lie.handleId).catch(asDns01Error);
        if (outcome instanceof Error) {
          expect(asDns01Error(outcome).code, `${outcome.message}\n${outcome.stack}`).not.toBe('E_BUG');
        }
        await context.http.close();
        for (const { path, call } of front.server.requests.slice(before)) {
          expect(path, call).not.toMatch(/\/\.{1,2}(\/|$)|\/\/|victim\//);
        }
        front.server.requests.length = 0;
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      // Many a verb asks nothing when its first answer was bent: the runs suffice for twice what is wanted.
      { numRuns: 6 * wanted },
    );
    expect(asked).toBeGreaterThan(wanted);
    count(task, { answers: asked });
    await Promise.all([front.server.close(), subject.close()]);
    await rm(directory, { recursive: true, force: true });
  }, 900_000);
});

const zone = parseName('example.com');
const target = parseName(NAME);

/** Calls the verb, and looks at what it gives. */
async function attempt(provider: DnsProvider, verb: string, id: string | undefined): Promise<unknown> {
  if (!zone || !target) throw new Error('not a name');
  const record = { name: target, value: VALUE, ttl: 60, zone };
  const handle: RecordHandle | undefined = id === undefined ? undefined : { zone, id };
  switch (verb) {
    case 'addTxt': {
      const added = await provider.addTxt(record);
      expect(typeof added.id).toMatch(/^(string|undefined)$/);
      return expect(added.zone).toBe(zone);
    }
    case 'removeTxt':
      return expect(['removed', 'absent']).toContain(await provider.removeTxt(record, handle));
    case 'listTxt':
      for (const value of await provider.listTxt(target, zone)) expect(typeof value).toBe('string');
      return;
    case 'changeTxt': {
      const changes = [
        { action: 'add', record },
        { action: 'remove', record: { ...record, value: VALUE.toLowerCase() } },
      ] as const;
      return expect((await provider.changeTxt?.(zone, changes))?.length ?? 2).toBe(2);
    }
    case 'listZones':
      for await (const { name } of provider.listZones?.() ?? []) expect(parseName(name)).toBe(name);
      return;
    case 'nameServers':
      for (const server of (await provider.nameServers?.(zone)) ?? []) expect(typeof server).toBe('string');
      return;
    default:
      return provider.checkRights?.();
  }
}
