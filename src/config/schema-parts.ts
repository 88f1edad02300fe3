import * as z from 'zod/mini';

/** A name that the user chooses, of an account or a gateway user. */
export const name = z
  .string()
  .check(z.regex(/^(?!\.{1,2}$)[\w.-]{1,64}$/, 'expected a short name of letters, digits, dot, dash'));

export const serverAddress = z
  .string()
  .check(
    z.refine(
      isServerAddress,
      'expected an IP address, with a port if it is not 53: 192.0.2.1, 127.0.0.1:5300 or [2001:db8::1]:53',
    ),
  );

export function isServerAddress(text: string): boolean {
  return /^(\d{1,3}(\.\d{1,3}){3}(:\d{1,5})?|\[[0-9a-f:.]+\](:\d{1,5})?|[0-9a-f]*:[0-9a-f:.]*)$/i.test(text);
}
