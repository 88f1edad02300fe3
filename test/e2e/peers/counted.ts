import { readFileSync, writeFileSync } from 'node:fs';
import * as z from 'zod/mini';

const counts = z.strictObject({ add: z.number(), remove: z.number() });
const own = z.strictObject({ first: counts, later: counts, fifty: counts });
const schema = z.record(
  z.string(),
  z.strictObject({
    dns01: z.optional(own),
    lego: z.optional(counts),
    lexicon: z.optional(counts),
    'acme.sh': z.optional(counts),
  }),
);

/** The requests of each client to each stand-in, as they were counted. */
export type AllCounted = z.output<typeof schema>;
export type Client = keyof AllCounted[string];

const FILE = new URL('counted.json', import.meta.url);

export const readCounted = (): AllCounted => schema.parse(JSON.parse(readFileSync(FILE, 'utf8')));

/** Keeps a new count, in the order of the names. */
export function keepCounted(provider: string, client: Client, counted: object): void {
  const before = readCounted();
  const all = { ...before, [provider]: { ...before[provider], [client]: counted } };
  const sorted = Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(FILE, `${JSON.stringify(schema.parse(sorted), undefined, 2)}\n`);
}
