import * as z from 'zod/mini';

const secretSource = Symbol.for('dns01.secret');

/** The place to read a secret from when the account is used. */
export type SecretSource = string | { env: string } | { file: string } | { credential: string };

export interface SecretReference {
  readonly [secretSource]: SecretSource;
}

/** Provider options after validation, with every secret read. */
export type Resolved<T> = T extends string
  ? T
  : T extends SecretReference
    ? string
    : T extends readonly (infer Item)[]
      ? Resolved<Item>[]
      : T extends object
        ? { [Key in keyof T]: Resolved<T[Key]> }
        : T;

/** An option that holds a credential: the text itself, or `{ env }`, `{ file }`, `{ credential }` (systemd). */
export function secret(description: string) {
  const text = z.string().check(z.minLength(1));
  const sources = [
    text,
    z.strictObject({ env: text }),
    z.strictObject({ file: text }),
    z.strictObject({ credential: text }),
  ] as const;
  return z
    .pipe(
      z.union(sources, 'expected text, { env: NAME }, { file: PATH } or { credential: NAME }'),
      z.transform((source: SecretSource): SecretReference => ({ [secretSource]: source })),
    )
    .check(z.describe(description));
}

/** The source inside a validated secret option; undefined for every other value. */
export function secretSourceOf(value: unknown): SecretSource | undefined {
  return typeof value === 'object' && value !== null && secretSource in value
    ? (value as SecretReference)[secretSource]
    : undefined;
}

/** A URL option: http or https, without user, query or fragment. Its slash at the end is removed. */
export function httpUrl(description: string) {
  return z
    .pipe(
      z.string().check(z.refine(isPlainHttpUrl, 'expected a plain http:// or https:// address without user or query')),
      z.transform((url: string) => url.replace(/\/+$/, '')),
    )
    .check(z.describe(description));
}

/** The address of an API that nearly every account has in common. */
export function apiUrl(standard: string, note?: string) {
  const description = `address of the API; default: ${standard}${note === undefined ? '' : `. ${note}`}`;
  return z._default(httpUrl(description), standard);
}

function isPlainHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.search && !url.hash;
}
