import * as z from 'zod/mini';
import { Dns01Error } from '../errors.ts';
import { firstFinding } from '../issues.ts';
import { excerpt } from '../output/text.ts';
import type { HttpAnswer } from '../provider.ts';
import { isExcessive } from './body.ts';

/**
 * The JSON of an answer, checked by the schema.
 * @throws E_PROTOCOL with the call and the field; `outcomeUnknown`, because the request may have been done
 */
export function decode<Schema extends z.core.$ZodType>(answer: HttpAnswer, schema: Schema): z.output<Schema> {
  const data = parseJson(answer);
  const parsed = z.safeParse(schema, data);
  if (parsed.success) return parsed.data;
  const { path, text } = firstFinding(parsed.error.issues, data);
  const field = path.length === 0 ? '' : `field ${path.map(String).join('.')} `;
  throw new Dns01Error('E_PROTOCOL', `${answer.call}: unexpected answer, ${field}${text}`, {
    outcomeUnknown: true,
    hint: 'the server may have another version of the API: run again with --verbose and report it',
  });
}

function parseJson(answer: HttpAnswer): unknown {
  if (isExcessive(answer.text)) {
    throw new Dns01Error(
      'E_PROTOCOL',
      `${answer.call}: the answer has more parts or deeper nesting than any real answer`,
      {
        outcomeUnknown: true,
        hint: 'check url: this is not the API, or it is broken',
      },
    );
  }
  try {
    return JSON.parse(answer.text);
  } catch {
    const got = answer.text.trim() === '' ? 'an empty body' : `"${excerpt(answer.text)}"`;
    throw new Dns01Error('E_PROTOCOL', `${answer.call}: expected JSON, got ${got} (status ${answer.status})`, {
      outcomeUnknown: true,
      hint: 'check that url is the address of the API and that no proxy or login page is in front of it',
    });
  }
}
