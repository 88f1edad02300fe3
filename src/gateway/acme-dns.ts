import * as z from 'zod/mini';
import { parseJson } from '../output/text.ts';
import { type Answer, wordingOf } from './answer.ts';
import type { Front } from './front.ts';
import { judgeValue } from './judge.ts';

const FORBIDDEN = acmeDnsError(401, 'forbidden');

/** acme-dns's `POST /update`, with its statuses and bodies (github.com/joohoi/acme-dns: api.go, auth.go). */
export const acmeDns: Front = {
  name: 'acme-dns',
  actionOf: (word) => (word === 'update' ? 'add' : undefined),
  credentials(headers) {
    const [user, password] = [headers['x-api-user'], headers['x-api-key']];
    return typeof user === 'string' && typeof password === 'string' ? { user, password } : undefined;
  },
  hashOf: (user) => user.acmeDns?.hash,
  wrongLogin: FORBIDDEN,
  parse(text, { acmeDns: own }) {
    const parsed = z.safeParse(bodySchema, parseJson(text));
    if (!own || !parsed.success || parsed.data.subdomain !== own.subdomain) return FORBIDDEN;
    const { txt: value = '' } = parsed.data;
    if (judgeValue(own.fqdn, value) !== undefined) return acmeDnsError(400, 'bad_txt');
    return { fqdn: own.fqdn, name: own.fqdn, value };
  },
  done: ({ value }) => ({ status: 200, body: `{"txt": "${value}"}` }),
  failed(error) {
    const { status, sentence, headers } = wordingOf(error);
    return { ...acmeDnsError(status, sentence), headers };
  },
  hasLease: true,
};

/** Other keys are ignored, as acme-dns does. */
const bodySchema = z.object({
  subdomain: z.string().check(z.maxLength(63)),
  txt: z.optional(z.string().check(z.maxLength(1024))),
});

/** acme-dns writes its errors by hand, with a blank that some clients may look for. */
export function acmeDnsError(status: number, error: string): Answer {
  return { status, body: `{"error": ${JSON.stringify(error)}}` };
}
