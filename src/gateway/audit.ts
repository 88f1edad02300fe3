import { asDns01Error } from '../errors.ts';

/** A write at a provider, or the attempt; or a user who registered. */
export interface AuditEntry {
  readonly user: string;
  /** The client's IP address, or `unix`. */
  readonly from: string;
  readonly front: string;
  readonly action: 'add' | 'remove' | 'register';
  readonly name: string;
  readonly account: string;
  /** `done`, or the code of the error. */
  readonly outcome: string;
}

/** Called when a write has ended. */
export type Audit = (entry: AuditEntry, milliseconds: number) => void;

/** One line in the form `key=value`. No value has a blank, and none is a secret or a TXT value. */
export function auditLine(entry: AuditEntry, milliseconds: number): string {
  const { user, from, front, action, name, account, outcome } = entry;
  const who = `user=${user} from=${from} front=${front}`;
  return `audit: ${who} action=${action} name=${name} account=${account} outcome=${outcome} ms=${Math.round(milliseconds)}`;
}

/** Everything that is known of a failure, for the log only: it may name zones of other users. */
export function failureLine(user: string, name: string, error: unknown): string {
  const { code, message, hint } = asDns01Error(error);
  const details = hint ? `${message} (${hint})` : message;
  return `serve: ${user} ${name}: ${code}: ${details.replace(/\s+/g, ' ')}`;
}
