import * as z from 'zod/mini';

/** A name that the user chooses, of an account or a gateway user. */
export const name = z
  .string()
  .check(z.regex(/^(?!\.{1,2}$)[\w.-]{1,64}$/, 'expected a short name of letters, digits, dot, dash'));

export function isServerAddress(text: string): boolean {
  return /^(\d{1,3}(\.\d{1,3}){3}(:\d{1,5})?|\[[0-9a-f:.]+\](:\d{1,5})?|[0-9a-f]*:[0-9a-f:.]*)$/i.test(text);
}
