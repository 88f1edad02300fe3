import type * as z from 'zod/mini';

type Issue = z.core.$ZodIssue;

export interface Finding {
  /** The place in the data: keys and indexes from the top. */
  readonly path: readonly PropertyKey[];
  /** What is wrong there, as the end of a sentence: `is missing`, `expected number`. */
  readonly text: string;
  /** For a key that is not known: the ones that are, where the schema was asked with `namingKnownKeys`. */
  readonly known?: readonly string[];
}

/** A setting of safeParse: an issue about unknown keys names the known ones, one a line, as its message. */
export const namingKnownKeys = {
  error({ code, inst }: z.core.$ZodRawIssue): string | undefined {
    if (code !== 'unrecognized_keys') return undefined;
    return Object.keys((inst as z.ZodMiniObject | undefined)?.shape ?? {}).join('\n');
  },
};

/** The first error that a schema found in the data. */
export function firstFinding(issues: readonly Issue[], data: unknown): Finding {
  const finding = deepestFinding(issues, []);
  if (finding.text.startsWith('expected') && isAbsent(data, finding.path)) {
    return { ...finding, text: `is missing, ${finding.text}` };
  }
  return finding;
}

/** In a union, the branch with the deepest error is the one that was meant. */
function deepestFinding(issues: readonly Issue[], above: readonly PropertyKey[]): Finding {
  // A misspelt key is also missing under its right name, which says less.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (!issue) return { path: above, text: 'is not of the expected form' };
  const path = [...above, ...issue.path];
  if (issue.code === 'invalid_union') {
    const [closest] = [...issue.errors].sort((a, b) => depth(b) - depth(a));
    if (closest && depth(closest) > 0) return deepestFinding(closest, path);
  }
  if (issue.code === 'unrecognized_keys') {
    return { path: [...path, issue.keys[0] ?? ''], text: 'is not a known key', known: issue.message.split('\n') };
  }
  return { path, text: wording(issue) };
}

function isAbsent(data: unknown, path: readonly PropertyKey[]): boolean {
  let at = data;
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return true;
    at = (at as Record<PropertyKey, unknown>)[key];
  }
  return at === undefined;
}

function depth(issues: readonly Issue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length));
}

function wording(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${TYPE_NAMES[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `expected ${issue.values.map(String).join(' or ')}`;
    case 'too_small':
      return issue.origin === 'string' ? 'is too short or empty' : `is too small, at least ${issue.minimum}`;
    case 'too_big':
      return `is too large, at most ${issue.maximum}`;
    case 'not_multiple_of':
      return `expected a multiple of ${issue.divisor}`;
    default:
      // zod/mini has no texts of its own: 'Invalid input' means that the schema has none either.
      return issue.message === 'Invalid input' ? 'is not of the expected form' : issue.message;
  }
}

const TYPE_NAMES: Record<string, string> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  object: 'a block of keys',
  record: 'a block of keys',
  array: 'a list',
};
