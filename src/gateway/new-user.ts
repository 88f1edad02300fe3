import { randomBytes, randomUUID } from 'node:crypto';
import type { Fqdn } from '../names.ts';
import type { StoredUser } from '../state/users.ts';
import { hashPassword } from './password.ts';

/** A login that was just made. The password is nowhere else. */
export interface NewLogin<Made> {
  readonly made: Made;
  readonly password: string;
}

/** As long as acme-dns's, because some clients check that: 40 characters of base64url. */
const PASSWORD_BYTES = 30;

export async function newPassword(): Promise<NewLogin<{ readonly hash: string }>> {
  const password = randomBytes(PASSWORD_BYTES).toString('base64url');
  return { made: { hash: await hashPassword(password) }, password };
}

/** A login of acme-dns's API for one new name in this domain. */
export async function newAcmeDnsLogin(zone: Fqdn): Promise<NewLogin<NonNullable<StoredUser['acmeDns']>>> {
  const { made, password } = await newPassword();
  return { made: { ...made, subdomain: randomUUID(), zone }, password };
}

/** What the key of a user in the state is made from, beside the secret of the config. */
export const newTsigSalt = (): string => randomBytes(16).toString('hex');
