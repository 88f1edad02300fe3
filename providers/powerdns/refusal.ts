import { Dns01Error, withContext } from '../../src/errors.ts';
import { excerpt, type Fqdn, type HttpAnswer } from '../../src/provider.ts';
import { errorText } from './schema.ts';

/** The API said no (a status from 400 to 499). */
export interface Refusal {
  readonly call: string;
  readonly status: number;
  /** What it says about it, for people; may be empty. */
  readonly words: string;
}

/** What came of a request: its result, or why the API said no. */
export type Outcome<Result> = { readonly result: Result; readonly refusal?: undefined } | { readonly refusal: Refusal };

export function readRefusal({ call, status, text }: HttpAnswer): Refusal {
  return { call, status, words: excerpt(errorText(text)) };
}

/** The refusal as an error, for the zone it was about. */
export function refused({ call, status, words }: Refusal, zone: Fqdn | undefined): Dns01Error {
  const told = `(status ${status})${words ? `: ${words}` : ''}`;
  switch (status) {
    case 401:
    case 403:
      return new Dns01Error('E_AUTH', `${call}: the API key was refused ${told}`, {
        hint: 'apiKey has to be what api-key= in pdns.conf says; a proxy before the API may have rules of its own',
      });
    case 404:
      return new Dns01Error('E_ZONE', `${call}: there is no ${zone ? `zone ${zone}` : 'such address'} ${told}`, {
        hint: 'check the zone in the config, and url and server of the account',
      });
  }
  return new Dns01Error('E_REJECTED', `${call}: refused ${told}`, {
    hint: 'look at the name in the zone: beside a CNAME, for example, there can be no TXT record',
  });
}

/** No candidate is a zone of this server: all that were asked for. */
export function noZone(name: Fqdn, asked: readonly Fqdn[]): Dns01Error {
  return new Dns01Error('E_ZONE', `no zone of this server holds ${name}, asked for: ${asked.join(', ')}`, {
    hint: 'check that the zone is on this server, that api=yes is in pdns.conf, and that url has neither /api/v1 nor another path at its end',
  });
}

/** The zone is there, but not this record set: what OLSPanel's own page writes does this. */
export function unreadable(call: string, name: Fqdn): Dns01Error {
  return new Dns01Error('E_REJECTED', `${call}: the server cannot show the TXT records at ${name} (status 500)`, {
    hint: `most likely somebody put a TXT value without quotes there, as OLSPanel's DNS page does: delete the TXT record at ${name} on that page and run this again; it is not overwritten, for nobody can tell what it holds`,
  });
}

/** What is written to a copy of a zone is lost with the next transfer. */
export function onlyACopy(zone: Fqdn, kind: string): Dns01Error {
  return new Dns01Error('E_REJECTED', `${zone} is only a copy on this server (kind ${kind})`, {
    hint: 'set url to the API of the primary server of the zone',
  });
}

/** The same failure, of a step after a write: what was asked for may have been done. */
export function afterWrite(error: unknown): Dns01Error {
  const { code, message, hint, cause } = withContext(error, 'after the change was sent');
  return new Dns01Error(code, message, { hint, cause, outcomeUnknown: true });
}
