import { Dns01Error } from '../errors.ts';
import { type Fqdn, isWithin, normaliseName } from '../names.ts';
import type { Io } from '../output/io.ts';
import { quoteTxt, relativeName } from '../toolbox/records.ts';
import type { PersistFlags } from './persist-commands.ts';
import { type PersistSubject, persistSubject, valueFor } from './persist-subject.ts';

/** Seconds. The records last, so caches may keep them. */
const TTL_S = 3600;

/** A record and the zone that it belongs to. */
interface Placed {
  readonly name: Fqdn;
  readonly zone: Fqdn;
  readonly value: string;
}

/** The forms for those who keep their zones in files. */
const FORMS: Readonly<Record<string, (placed: Placed) => string>> = {
  zone: ({ name, value }) => `${name}. ${TTL_S} IN TXT ${quoteTxt(value)}`,
  // octoDNS wants semicolons escaped, and splits long values itself (octodns/record/chunked.py).
  octodns: ({ name, zone, value }) => `# in the file of the zone ${zone}.
${relativeName(name, zone)}:
  ttl: ${TTL_S}
  type: TXT
  value: '${value.replaceAll(';', '\\;').replaceAll("'", "''")}'`,
  // hashicorp/dns; the resources of other providers take the same name and text.
  terraform: ({ name, zone, value }) => `resource "dns_txt_record_set" "${name.replace(/[^a-z\d]+/g, '_')}" {
  zone = "${zone}."
  name = "${relativeName(name, zone)}"
  txt  = ["${value.replace(/[$%](?=\{)/g, '$&$&')}"]
  ttl  = ${TTL_S}
}`,
};

/** `dns01 persist print`: the record, for a person or in the form of `--emit`. Needs no config. */
export async function persistPrint(domain: string, flags: PersistFlags, io: Io): Promise<void> {
  const emit = emitterOf(flags);
  const subject = await persistSubject(domain, flags, io);
  const value = valueFor(subject, flags);
  if (emit || !flags.json) return io.stdout(`${emit?.(subject, value) ?? `${subject.name}\tTXT\t${value}`}\n`);
  const { name, issuer, draft, wildcard, accountUris } = subject;
  const document = { ok: true, action: 'print', name, value, issuer, accountUri: accountUris[0], wildcard, draft };
  io.stdout(`${JSON.stringify(document)}\n`);
}

/** The form of `--emit`; undefined without it. @throws E_USAGE */
export function emitterOf({
  emit,
  zone,
}: PersistFlags): ((subject: PersistSubject, value: string) => string) | undefined {
  if (emit === undefined) return undefined;
  const form = Object.hasOwn(FORMS, emit) ? FORMS[emit] : undefined;
  if (!form)
    throw new Dns01Error('E_USAGE', `--emit takes ${Object.keys(FORMS).join(', ')}, not ${JSON.stringify(emit)}`);
  return ({ name, domain }, value) => form({ name, zone: zoneFor(domain, zone), value });
}

/** Without `--zone`, the domain counts as a zone. */
function zoneFor(domain: Fqdn, given: string | undefined): Fqdn {
  const zone = given === undefined ? domain : normaliseName(given);
  if (isWithin(domain, zone)) return zone;
  throw new Dns01Error('E_USAGE', `${domain} is not in the zone ${zone}`);
}
