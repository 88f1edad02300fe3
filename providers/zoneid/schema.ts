import * as z from 'zod/mini';

/** Documented as an integer, shown as a quoted string in the same document: both are taken, a string is kept. */
const id = z.pipe(
  z.union([z.string().check(z.minLength(1)), z.number()]),
  z.transform((value: string | number) => String(value)),
);

/**
 * The answer to a list of TXT records (ZoneID API v2, "get Zone TXT records"): always an array. `resource_url` is left
 * out on purpose: it is an absolute address of the server's choice.
 */
export const txtListSchema = z.array(
  z.object({
    id,
    name: z.string(),
    destination: z.string(),
    /** False where the API would refuse to delete the record. */
    delete: z.optional(z.unknown()),
  }),
);

export type TxtEntry = z.output<typeof txtListSchema>[number];

const createdRecord = z
  .object({ id: z.optional(z.nullable(id)), name: z.optional(z.string()), destination: z.optional(z.string()) })
  .check(z.refine((record) => Object.keys(record).length > 0, 'not a TXT record'));

/**
 * The answer to a created record (ZoneID API v2, "Create TXT record"): an array of one, says the document. A bare object
 * and a record without an id are taken as well, for the record has been made by then.
 */
export const createdSchema = z.pipe(
  z.union([z.array(createdRecord).check(z.minLength(1)), createdRecord]),
  z.transform((answer) => (Array.isArray(answer) ? answer : [answer])),
);

export interface FieldCode {
  readonly field: string;
  readonly code: string;
}

const codes = z.pipe(
  z.unknown(),
  z.transform((value: unknown) => [value].flat().filter((code) => typeof code === 'string')),
);
const fields = z.record(z.string(), codes);
const validationErrors = z.union([fields, z.array(fields)]);

/**
 * The field codes of a refusal, e.g. `{"name":"invalid_host"}` (ZoneID API v2, "Responses": "in same structure as
 * resource itself"). A field may hold one code or a list of them, and the whole may be wrapped in an array. Anything
 * else, like an empty body or HTML, holds none.
 */
export function fieldCodes(body: string): FieldCode[] {
  const parsed = z.safeParse(validationErrors, parseJson(body));
  if (!parsed.success) return [];
  return [parsed.data]
    .flat()
    .flatMap((object) => Object.entries(object).flatMap(([field, list]) => list.map((code) => ({ field, code }))));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
