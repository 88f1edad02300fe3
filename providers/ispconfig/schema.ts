/** The user's options and the panel's answers: ids and all other columns come as strings (3.2.12p1). */
import * as z from 'zod/mini';
import { httpUrl, type Resolved, secret } from '../../src/provider.ts';

/** ISPConfig refuses a record with a shorter TTL. In seconds. */
export const MIN_TTL = 60;

const URL_FORM = 'expected the address of the JSON API, like https://panel.example.com:8080/remote/json.php';

const described = <Schema extends z.ZodMiniType>(schema: Schema, text: string): Schema =>
  schema.check(z.describe(text));

export const optionsSchema = z.strictObject({
  url: httpUrl("address of the panel's JSON API, e.g. https://panel.example.com:8080/remote/json.php").check(
    z.refine((url) => url.endsWith('/json.php'), URL_FORM),
  ),
  username: described(
    z.string().check(z.minLength(1)),
    'name of the remote user (System > Remote Users); with clientLogin: login name of the customer',
  ),
  password: secret('password of that user'),
  clientLogin: described(
    z._default(z.boolean(), false),
    "log in as a customer of the panel, who reaches only their own zones; the customer's limits must allow the API",
  ),
  clientId: described(
    z._default(z.int().check(z.nonnegative()), 0),
    'id of the client who owns new records; keep 0 unless you want ISPConfig to make that client the owner of the whole zone',
  ),
  ttl: described(
    z.optional(z.int().check(z.gte(MIN_TTL))),
    `TTL of new records in seconds, at least ${MIN_TTL}; default: ttl of the config`,
  ),
});

export type IspconfigOptions = Resolved<z.output<typeof optionsSchema>>;

const digits = z.pipe(
  z.union([z.string().check(z.regex(/^\d+$/)), z.int().check(z.nonnegative())]),
  z.transform((id: string | number) => String(id)),
);

const column = z.pipe(
  z.nullable(z.union([z.string(), z.number()])),
  z.transform((value: string | number | null) => (value === null ? '' : String(value))),
);

/** The start of every JSON answer. */
export const envelopeSchema = z.object({ code: z.string(), message: z.string() });

export const sessionSchema = z.object({ response: z.string().check(z.minLength(1)) });

const zoneSchema = z.object({ id: digits, server_id: digits, origin: z.string(), active: z.string(), serial: column });

const rowSchema = z.object({
  id: digits,
  zone: column,
  name: column,
  type: column,
  data: column,
  active: column,
  stamp: column,
});

/**
 * A search always returns a list, which may be empty. `null` and `false` do not count as "nothing found": a search for a
 * zone would then go on to the parent zone, and a removal would report success.
 */
export const zonesSchema = z.object({ response: z.array(zoneSchema) });
export const rowsSchema = z.object({ response: z.array(rowSchema) });

export const addedSchema = z.object({ response: digits });
export const deletedSchema = z.object({ response: digits });

/** The columns of the table dns_soa that are used here. `origin` ends with a dot. */
export type Zone = z.output<typeof zoneSchema>;

/** A line of the table dns_rr: a record of any type. */
export type Row = z.output<typeof rowSchema>;
