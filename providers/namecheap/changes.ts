import { Dns01Error } from '../../src/errors.ts';
import {
  createChangeVerbs,
  type Fqdn,
  isSameName,
  type ProviderContext,
  relativeName,
  replaceAndCheck,
  type TxtChange,
  unquoteTxt,
} from '../../src/provider.ts';
import type { Host, Hosts, NamecheapClient } from './client.ts';

/** Each attempt costs 2 of 20 requests a minute. */
const MANNERS = { maxAttempts: 3, pauseMs: 2000, trustsRemovals: true };

/** Seconds ("namecheap.domains.dns.setHosts", TTL). */
const MIN_TTL = 60;
const MAX_TTL = 60_000;

/**
 * The verbs on a zone that can only be replaced: read it, write all of it back with the changes, and read it again. After
 * removals alone it is not read again: what the API does not store has been seen when the values were added.
 */
export function createVerbs(client: NamecheapClient, context: ProviderContext) {
  async function change(zone: Fqdn, changes: readonly TxtChange[]): Promise<boolean[]> {
    const before = await client.hosts(zone);
    const needed = changes.filter((wanted) => !isReached(wanted, before));
    if (needed.length > 0) {
      const look = () => client.hosts(zone);
      const write = (seen: Hosts) => {
        checkRepeatable(zone, seen);
        return client.setHosts(zone, { ...seen, hosts: withChanges(zone, needed, seen.hosts) });
      };
      const replacing = { zone, changes: needed, before, isReached, write, look, ...MANNERS };
      const { written, after } = await replaceAndCheck(replacing, context);
      if (after) checkOthers(zone, needed, written, after);
    }
    return changes.map((wanted) => needed.includes(wanted));
  }

  return createChangeVerbs(change, async (name, zone) => {
    const { hosts } = await client.hosts(zone);
    return hosts.filter((host) => host.type === 'TXT' && isSameName(host.name, name, zone)).map(shownValue);
  });
}

const shownValue = ({ address }: Host): string => unquoteTxt(address);

const holds = (host: Host, { record: { name, value, zone } }: TxtChange): boolean =>
  host.type === 'TXT' && isSameName(host.name, name, zone) && shownValue(host) === value;

const isReached = (wanted: TxtChange, { hosts }: Hosts): boolean =>
  hosts.some((host) => holds(host, wanted)) === (wanted.action === 'add');

/** All other records as they are. A value that is already right stays where it is. */
function withChanges(zone: Fqdn, changes: readonly TxtChange[], hosts: readonly Host[]): Host[] {
  const removals = changes.filter(({ action }) => action === 'remove');
  const added = changes
    .filter((wanted) => wanted.action === 'add' && !hosts.some((host) => holds(host, wanted)))
    .map(({ record }) => ({
      name: relativeName(record.name, zone),
      type: 'TXT',
      address: record.value,
      mxPref: '10',
      ttl: String(Math.min(MAX_TTL, Math.max(MIN_TTL, record.ttl))),
    }));
  return [...hosts.filter((host) => !removals.some((wanted) => holds(host, wanted))), ...added];
}

const shown = ({ name, type, address }: Host): string => `${name} ${type} ${address}`;

/** @throws E_REJECTED where another record would not come back as it is */
function checkRepeatable(zone: Fqdn, { unrepeatable }: Hosts): void {
  const [first] = unrepeatable;
  if (!first) return;
  throw new Dns01Error(
    'E_REJECTED',
    `${zone} has records that the API cannot write back (${unrepeatable.map(shown).join(', ')}), so that dns01 changes nothing there`,
    {
      hint: `let a CNAME at _acme-challenge.${zone} lead into another zone. Every change by the API makes a plain record of one with Dynamic DNS`,
    },
  );
}

/** What makes a record another one; the API may add or drop a dot at the end, and letter case. */
const keyOf = ({ name, type, address, mxPref }: Host): string =>
  JSON.stringify([name.toLowerCase(), type, address.replace(/\.$/, ''), type === 'MX' ? mxPref : '']);

/** @throws E_REMOTE where a record of others, or the kind of mail, is not there any more after our write */
function checkOthers(zone: Fqdn, changes: readonly TxtChange[], before: Hosts, now: Hosts): void {
  const left = now.hosts.map(keyOf);
  const lost = withChanges(zone, changes, before.hosts).filter((host) => {
    const index = left.indexOf(keyOf(host));
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
  const mail = before.emailType === now.emailType ? [] : [`mail settings ${before.emailType} (now ${now.emailType})`];
  const missing = [...lost.map(shown), ...mail];
  if (missing.length === 0) return;
  throw new Dns01Error('E_REMOTE', `after the change, ${zone} lacks what it had before: ${missing.join(', ')}`, {
    // Our own change has been made.
    outcomeUnknown: true,
    hint: 'if no one has removed it at this moment, enter it again under Advanced DNS in the Namecheap account',
  });
}
