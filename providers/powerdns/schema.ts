import * as z from 'zod/mini';

/**
 * The answer to `GET /zones/{zone}` (PowerDNS Authoritative, HTTP API, "Zone"), as far as it matters here. More record
 * sets than were asked for may come: servers before 4.7 do not know the filter at all, later ones forget the type.
 */
export const zoneSchema = z.object({
  kind: z.optional(z.string()),
  soa_edit_api: z.optional(z.string()),
  rrsets: z.array(
    z.object({
      name: z.string(),
      type: z.string(),
      ttl: z.int(),
      records: z.array(z.object({ content: z.string(), disabled: z._default(z.boolean(), false) })),
    }),
  ),
});

/** The answer to `GET /zones`. */
export const zoneListSchema = z.array(z.object({ name: z.string(), kind: z.optional(z.string()) }));

/** The answer to `GET /search-data`: records, and whatever else was found. */
export const searchSchema = z.array(
  z.object({
    object_type: z.optional(z.string()),
    name: z.optional(z.string()),
    zone: z.optional(z.string()),
    type: z.optional(z.string()),
    content: z.optional(z.string()),
    disabled: z.optional(z.boolean()),
    ttl: z.optional(z.int()),
  }),
);

const errorSchema = z.object({ error: z.string() });

/** What a refusal says: `{"error": …}` for a request that makes no sense, a line of plain text for all others. */
export function errorText(body: string): string {
  try {
    const parsed = z.safeParse(errorSchema, JSON.parse(body));
    return parsed.success ? parsed.data.error : body;
  } catch {
    return body;
  }
}
