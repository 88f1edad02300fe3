import * as z from 'zod/mini';
import { Dns01Error } from '../errors.ts';
import type { HttpAnswer } from '../provider.ts';
import { excerpt } from '../text.ts';

/**
 * The JSON of an answer, checked by the schema.
 * @throws E_PROTOCOL naming the call and the field; `answerLost`, for what was asked may have been done all the same
 */
export function decode<Schema extends z.core.$ZodType>(answer: HttpAnswer, schema: Schema): z.output<Schema> {
  const parsed = z.safeParse(schema, parseJson(answer));
  if (parsed.success) return parsed.data;
  throw new Dns01Error('E_PROTOCOL', `${answer.call}: unexpected answer, ${firstIssue(parsed.error.issues)}`, {
    answerLost: true,
    hint: 'the server speaks another version of the API than this provider knows: run again with --verbose and report it',
  });
}

function parseJson(answer: HttpAnswer): unknown {
  try {
    return JSON.parse(answer.text);
  } catch {
    const got = answer.text.trim() === '' ? 'an empty body' : `"${excerpt(answer.text)}"`;
    throw new Dns01Error('E_PROTOCOL', `${answer.call}: expected JSON, got ${got} (status ${answer.status})`, {
      answerLost: true,
      hint: 'check that url is the address of the API and that no proxy or login page stands before it',
    });
  }
}

/** The first thing that is wrong, with its place: a union's branches are searched for the one that came closest. */
function firstIssue(issues: readonly z.core.$ZodIssue[], path: readonly PropertyKey[] = []): string {
  const issue = issues[0];
  if (!issue) return 'of an unknown form';
  const at = [...path, ...issue.path];
  if (issue.code === 'invalid_union') {
    const deepest = [...issue.errors].sort((a, b) => depth(b) - depth(a))[0];
    if (deepest && depth(deepest) > 0) return firstIssue(deepest, at);
  }
  const field = at.length === 0 ? 'the answer itself' : `field ${at.map(String).join('.')}`;
  return 'expected' in issue ? `${field} should be ${String(issue.expected)}` : `${field} is not of the expected form`;
}

function depth(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length));
}
