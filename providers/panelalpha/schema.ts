import * as z from 'zod/mini';
import { plainName } from './names.ts';

/** A record as the panel shows it, whatever the DNS server behind it. */
export interface PanelRecord {
  /** As it is shown: with or without the zone, with or without a dot at the end, `@`. */
  readonly name: string;
  /** In capitals. */
  readonly type: string;
  /** As it is shown, quotes and all; undefined where no known field holds a text. */
  readonly content: string | undefined;
  /**
   * What a record is deleted by. It may be a number that another record has after the next change, and one that several
   * records share: good only for as long as the list is fresh.
   */
  readonly line: string | undefined;
}

/** Where the value of a TXT record was seen or is to be expected, the most telling first. */
const CONTENT_FIELDS = ['txtdata', 'rdata', 'content', 'value', 'record', 'data'] as const;

const text = z.optional(z.nullable(z.unknown()));
const identifier = z.pipe(
  z.union([z.string().check(z.minLength(1)), z.number()]),
  z.transform((value: string | number) => String(value)),
);

const record = z.object({
  name: z.string(),
  type: z.string(),
  line: z.optional(z.nullable(z.unknown())),
  txtdata: text,
  rdata: text,
  content: text,
  value: text,
  record: text,
  data: text,
});

/** One item of a record list; undefined where it has no name or no type, and so is nothing to compare with. */
export function readRecord(item: unknown): PanelRecord | undefined {
  const parsed = z.safeParse(record, item);
  if (!parsed.success) return undefined;
  const { name, type, line, ...fields } = parsed.data;
  const texts = CONTENT_FIELDS.map((key) => fields[key]).filter((value) => typeof value === 'string');
  return {
    name,
    type: type.toUpperCase(),
    content: texts.find((value) => value !== '') ?? texts[0],
    line: readIdentifier(line),
  };
}

const account = z.object({ id: identifier });

/** The id of one item of `GET /server-accounts`. */
export function readAccount(item: unknown): string | undefined {
  const parsed = z.safeParse(account, item);
  return parsed.success ? parsed.data.id : undefined;
}

const zone = z.union([
  z.string(),
  z.pipe(
    z.object({ name: z.string() }),
    z.transform(({ name }) => name),
  ),
  z.pipe(
    z.object({ domain: z.string() }),
    z.transform(({ domain }) => domain),
  ),
]);

/** The name in one item of `GET /dns-zones`: lower case, no dot at the end. */
export function readZone(item: unknown): string | undefined {
  const parsed = z.safeParse(zone, item);
  return parsed.success && parsed.data !== '' ? plainName(parsed.data).replace(/\.$/, '') : undefined;
}

function readIdentifier(value: unknown): string | undefined {
  const parsed = z.safeParse(identifier, value);
  return parsed.success ? parsed.data : undefined;
}

const refusal = z.object({
  message: z.optional(z.unknown()),
  error: z.optional(z.unknown()),
  errors: z.optional(z.unknown()),
});

/**
 * What a refusal says: Laravel's `{"message": text, "errors": {field: [text]}}`. The texts are in the language of the
 * user, so only the names of the fields may decide anything.
 */
export function readRefusalBody(body: string): { readonly words: string; readonly fields: readonly string[] } {
  const parsed = z.safeParse(refusal, parseJson(body));
  if (!parsed.success) return { words: body, fields: [] };
  const { message, error, errors } = parsed.data;
  const byField = typeof errors === 'object' && errors !== null ? Object.entries(errors) : [];
  const details = byField.map(([field, texts]) => `${field}: ${[texts].flat(3).filter(isText).join(' ')}`);
  return {
    words: [message, error].filter(isText).concat(details).join(' · '),
    fields: byField.map(([field]) => field),
  };
}

const isText = (value: unknown): value is string => typeof value === 'string';

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
