import { rcodeName } from '../../src/dns/wire.ts';
import { TSIG_ERROR, type TsigKey } from '../../src/dns/wire-tsig.ts';
import { Dns01Error, type ErrorCode } from '../../src/errors.ts';
import type { Fqdn } from '../../src/provider.ts';

interface Subject {
  readonly name: string;
  readonly zone?: string;
  readonly key: TsigKey;
}

interface Meaning {
  readonly code: ErrorCode;
  readonly says: string;
  readonly hint: string;
  readonly outcomeUnknown?: boolean;
}

/** The meaning of response codes for an update or a query (RFC 1035 section 4.1.1, RFC 2136 section 2.2). */
function meaningOf(rcode: number, { name, zone = name, key }: Subject): Meaning | undefined {
  switch (rcode) {
    case 1:
      return {
        code: 'E_REJECTED',
        says: 'FORMERR, the server cannot read the message',
        hint: 'check that server is a name server that takes dynamic updates (RFC 2136)',
      };
    case 2:
      return {
        code: 'E_REMOTE',
        says: 'SERVFAIL, the server failed',
        hint: `see the log of the name server: often it cannot write the file or the journal (.jnl) of ${zone}, or a secondary cannot reach its primary`,
        outcomeUnknown: true,
      };
    case 4:
      return {
        code: 'E_REJECTED',
        says: 'NOTIMP, the server does not accept dynamic updates',
        hint: 'set server to a primary that takes them (RFC 2136), or enable them there',
      };
    case 5:
      return {
        code: 'E_AUTH',
        says: 'REFUSED, the key is known but not allowed to do this',
        hint: `allow the key ${key.name} to change TXT records at ${name}: in BIND by allow-update or update-policy of the zone, in Knot by an acl with action update`,
      };
    case 9:
      return {
        code: 'E_ZONE',
        says: `NOTAUTH, the server is not authoritative for ${zone}`,
        hint: 'set server to the primary of the zone, and check the zone in the config',
      };
    case 10:
      return {
        code: 'E_ZONE',
        says: `NOTZONE, ${name} is not in ${zone}`,
        hint: 'check the zone in the config or in --zone',
      };
  }
  return undefined;
}

/** A response code other than NOERROR as an error. */
export function refused(call: string, where: string, rcode: number, subject: Subject): Dns01Error {
  const { code, says, hint, outcomeUnknown } = meaningOf(rcode, subject) ?? {
    code: 'E_REJECTED' as const,
    says: `refused with ${rcodeName(rcode)}`,
    hint: 'see the log of the name server',
  };
  return new Dns01Error(code, `${call} at ${where}: ${says}`, { hint, outcomeUnknown });
}

/** The server did not accept our signature. `now` is in milliseconds since 1970. */
export function signatureRefused(
  call: string,
  where: string,
  { error, serverTime }: { readonly error: number; readonly serverTime?: number },
  { name, algorithm }: TsigKey,
  now: number,
): Dns01Error {
  const fail = (says: string, hint: string) => new Dns01Error('E_AUTH', `${call} at ${where}: ${says}`, { hint });
  switch (error) {
    case TSIG_ERROR.BADKEY:
      return fail(
        `BADKEY, the server does not know the key ${name} with ${algorithm}`,
        'name and algorithm of tsig have to be exactly the same as at the server; in Knot, an acl of the zone also has to have the key',
      );
    case TSIG_ERROR.BADSIG:
      return fail(
        `BADSIG, the server computes another signature with its key ${name}`,
        'tsig.secret is not the secret of that key at the server; BIND also says this when the algorithm differs',
      );
    case TSIG_ERROR.BADTIME:
      return fail(
        `BADTIME, the clocks differ too much${difference(serverTime, now)}`,
        'set the clock of this machine or of the server by NTP: five minutes are allowed',
      );
    case TSIG_ERROR.BADTRUNC:
      return fail('BADTRUNC, the server wants a signature of another length', 'use another algorithm for this key');
  }
  return fail(`the signature was refused (TSIG error ${error})`, 'see the log of the name server');
}

function difference(serverTime: number | undefined, now: number): string {
  if (serverTime === undefined || Number.isNaN(serverTime)) return '';
  const seconds = Math.round(now / 1000) - serverTime;
  return `: this machine is ${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead of'} the server`;
}

/** An answer that may come from someone else, so it is ignored. */
export function badSignature(call: string, where: string, why: string): Dns01Error {
  return new Dns01Error('E_PROTOCOL', `${call} at ${where}: the answer cannot be trusted, ${why}`, {
    outcomeUnknown: true,
    hint: 'check that server is the name server itself with nothing in between, and that both clocks are right',
  });
}

export function unreadable(call: string, where: string): Dns01Error {
  return new Dns01Error('E_PROTOCOL', `${call} at ${where}: the answer is not a DNS message for this request`, {
    outcomeUnknown: true,
    hint: 'check that server and port are those of a name server',
  });
}

/** No other record is possible beside a CNAME: the server ignores it and answers NOERROR (RFC 2136 section 3.4.2.2). */
export function cnameInTheWay(name: Fqdn): Dns01Error {
  return new Dns01Error('E_REJECTED', `${name} has a CNAME, and no TXT record is possible beside it`, {
    hint: 'remove the CNAME, or let dns01 write at its target',
  });
}
