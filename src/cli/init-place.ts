import { providersServing } from '../accounts/served-by.ts';
import { type Wanted, wantedName } from '../check/wanted.ts';
import { type Config, withoutConfig } from '../config/load.ts';
import { startDeadline } from '../deadline.ts';
import { openAuthorityFinder } from '../dns/authority.ts';
import { Dns01Error, isDns01Error } from '../errors.ts';
import { type Fqdn, normaliseName } from '../names.ts';
import type { Io } from '../output/io.ts';
import { oneColumn } from '../output/text.ts';
import type { ProviderDefinition } from '../provider.ts';
import type { Questions } from './init-questions.ts';
import type { CommonOptions } from './options.ts';
import { providerNamed } from './providers.ts';

/** What the certificate is for, and who holds its zone. */
export interface Place {
  readonly wanted: Wanted;
  /** Undefined where the DNS does not show it. */
  readonly zone: Fqdn | undefined;
  readonly definition: ProviderDefinition;
}

interface Known {
  readonly io: Io;
  readonly file: string;
  readonly before: Config | undefined;
  readonly questions: Questions | undefined;
}

/** For the zone and its name servers: they are only a proposal. */
const LOOKUP_MS = 10_000;

/**
 * From the options, the DNS, and questions, in this order.
 * @throws E_USAGE where something has to be said and nobody can be asked; E_CONFIG where the config knows the zone
 */
export async function findPlace(
  options: CommonOptions & { readonly provider?: string },
  { io, file, before, questions }: Known,
): Promise<Place> {
  const named = options.provider === undefined ? undefined : await providerNamed(options.provider);
  const given = options.zone === undefined ? undefined : normaliseName(options.zone);
  const wanted = given === undefined ? await questions?.domain() : wantedName(given);
  if (!wanted) throw missing('--zone ZONE', 'name the zone of the certificate: --zone example.com');
  const isKnown = given !== undefined && named !== undefined;
  const shown = isKnown ? { zone: given, servers: [] } : await lookUp(wanted.domain, before ?? withoutConfig(), io);
  const zone = given ?? shown.zone;
  if (before) checkZone(zone, wanted.domain, before, file);
  return { wanted, zone, definition: named ?? (await providerOf(shown.servers, questions)) };
}

async function providerOf(servers: readonly string[], questions: Questions | undefined): Promise<ProviderDefinition> {
  const serving = await providersServing(servers);
  const [proposed] = serving;
  if (questions) return questions.provider(proposed, servers);
  if (proposed && serving.length === 1) return proposed;
  throw missing('--provider TYPE', 'dns01 providers lists them');
}

export const missing = (what: string, hint: string): Dns01Error =>
  new Dns01Error('E_USAGE', `init cannot ask here, and needs ${what}`, { hint });

/** A config with several accounts has to say which one holds the zone. */
function checkZone(zone: Fqdn | undefined, domain: Fqdn, { zones }: Config, file: string): void {
  const known = zones.find((route) => route.zone === zone);
  if (zone === undefined) {
    throw new Dns01Error('E_REMOTE', `the DNS does not show which zone holds ${domain}`, {
      hint: `${file} has another account already, so name the zone: --zone ZONE`,
    });
  }
  if (known) {
    throw new Dns01Error('E_CONFIG', `${file} says already that the account ${known.account} holds ${zone}`, {
      hint: `test it with dns01 doctor --write ${zone}, or use another file: --config FILE`,
    });
  }
}

interface Shown {
  readonly zone: Fqdn | undefined;
  /** The names of the zone's servers, from the DNS. */
  readonly servers: readonly string[];
}

async function lookUp(domain: Fqdn, config: Config, io: Io): Promise<Shown> {
  const finder = openAuthorityFinder(config, startDeadline(LOOKUP_MS, io.stop).signal);
  if (io.isTerminal) io.status(`asking the DNS who holds ${domain}`);
  const search = Promise.all([finder.find(domain), finder.zoneOf(domain)]);
  try {
    const [{ servers }, zone] = await search.finally(() => io.isTerminal && io.status(''));
    return { zone, servers: servers.map(({ name }) => name) };
  } catch (error) {
    if (!isDns01Error(error) || io.stop.aborted) throw error;
    io.stderr(`dns01: warning: ${oneColumn(error.message)}\n`);
    return { zone: undefined, servers: [] };
  }
}
