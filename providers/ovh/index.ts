import * as z from 'zod/mini';
import { Dns01Error, isDns01Error } from '../../src/errors.ts';
import {
  apiUrl,
  createRecordVerbs,
  type DnsProvider,
  defineProvider,
  type Fqdn,
  type ProviderContext,
  parseZones,
  plainName,
  type ShownTxt,
  secret,
  type TxtChange,
  type TxtOutcome,
} from '../../src/provider.ts';
import { createOvhClient, IN_HEADER, type OvhClient } from './client.ts';
import { rightsOf } from './rights.ts';

const options = z.strictObject({
  applicationKey: z.string().check(z.regex(IN_HEADER, 'expected letters and digits'), z.describe('application key')),
  applicationSecret: secret('application secret'),
  consumerKey: secret('consumer key, validated by the owner of the account'),
  url: apiUrl(
    'https://eu.api.ovh.com/1.0',
    'For accounts of OVHcloud Canada https://ca.api.ovh.com/1.0, of OVHcloud US https://api.us.ovhcloud.com/1.0',
  ),
});

/** Milliseconds before a refresh with an unknown outcome is sent again. */
const PAUSE_BEFORE_REPEAT_MS = 500;

/** OVHcloud, through its API v1. */
export default defineProvider({
  type: 'ovh',
  title: 'OVHcloud',
  docs: {
    url: 'https://eu.api.ovh.com/console/?section=%2Fdomain',
    rights: [
      'A consumer key with these rights, where ZONE is the name of the zone: GET /domain/zone/ZONE/record*, POST /domain/zone/ZONE/record, DELETE /domain/zone/ZONE/record/*, POST /domain/zone/ZONE/refresh.',
      'Create it at https://eu.api.ovh.com/createToken/ (or ca.api.ovh.com, api.us.ovhcloud.com), which shows all three keys. Set the validity to "Unlimited"; otherwise the key expires.',
      'Optional: GET /auth/currentCredential for dns01 doctor, GET /domain/zone for dns01 zones, GET /domain/zone/ZONE for dns01 doctor.',
    ],
    requests: {
      add: '3, and 1 for each other TXT record at the name; 1 more once in a run if the clock of this machine is wrong',
      remove: '2 if the journal has the id of the record, otherwise 4, and 1 for each other TXT record at the name',
    },
    tried:
      "Never against the live API. Against a stand-in made from the API's published schema (domain.json of September 2025, auth.json), OVHcloud's guide to its API, and the answers of the live API that dns-lexicon recorded in 2018 (all read on 2026-11-21).",
    notes: [
      'OVHcloud serves a change only after a refresh of the zone, which dns01 requests after each change, or once after many. If only the refresh fails, dns01 says so; run it again.',
      'The documentation does not say whether the API refuses a second, identical record, so dns01 reads the records of the name before it adds one.',
      'A consumer key with rights for one zone only is refused for every other name. dns01 then says that the right is missing, even where the zone is not in the account.',
      'OVHcloud does not publish a rate limit. dns01 sends at most 60 requests a minute, which a developer of OVHcloud called acceptable.',
    ],
  },
  options,
  http: true,
  // https://github.com/ovh/python-ovh/issues/81: "if you are not over 60 req/min by consumer key, you should be ok".
  rateLimits: [{ requests: 60, windowMs: 60_000, per: 'credential' }],
  changes: { atMost: 100, atomic: false },
  // https://docs.ovhcloud.com/en/guides/web-cloud/domains/dns-server-general-information
  nameServerPatterns: [/^d?ns\d+\.ovh\.(net|ca)$/, /^d?ns200\.anycast\.me$/],
  usualDelayMs: 10_000,
  create(login, context) {
    const client = createOvhClient(login, context);
    const verbs = createRecordVerbs(client, context);
    const refresh = (zone: Fqdn) => refreshZone(zone, client, context);
    return {
      ...verbs,
      // Each ends with a refresh, even if nothing had to be changed: the refresh of an earlier run may have failed.
      async addTxt(record) {
        const added = await verbs.addTxt(record);
        await refresh(record.zone);
        return added;
      },
      async removeTxt(record, handle) {
        const outcome = await verbs.removeTxt(record, handle);
        await refresh(record.zone);
        return outcome;
      },
      async changeTxt(zone, changes) {
        const outcomes = await changeEach(zone, changes, client, context);
        if (outcomes.some(({ state }) => state !== 'refused')) await refresh(zone);
        return outcomes;
      },
      listZones: () =>
        parseZones(
          (async function* () {
            for (const name of await client.zones()) yield { name };
          })(),
        ),
      nameServers: async (zone) => (await client.nameServers(zone)).map(plainName),
      async checkRights() {
        const credential = await client.credential();
        if (credential) return rightsOf(credential);
        const hint = 'without it, the rights of the consumer key and its end are unknown';
        return [{ right: 'GET /auth/currentCredential', held: false, hint }];
      },
    };
  },
});

/** A second refresh does no harm. @throws a failure with `outcomeUnknown`, because the change is stored */
async function refreshZone(zone: Fqdn, client: OvhClient, context: ProviderContext): Promise<void> {
  try {
    await context.writeOnce<true>({
      async write() {
        await client.refresh(zone);
        return true;
      },
      async look() {
        await context.sleep(PAUSE_BEFORE_REPEAT_MS);
        return undefined;
      },
    });
  } catch (error) {
    if (!isDns01Error(error)) throw error;
    throw new Dns01Error(
      error.code === 'E_ZONE' ? 'E_REJECTED' : error.code,
      `the change is stored in ${zone} but not served yet: ${error.message}`,
      {
        hint:
          error.code === 'E_AUTH'
            ? `the consumer key needs the right POST /domain/zone/${zone}/refresh; then run it again`
            : 'run it again, so that OVHcloud is asked again to serve the change',
        cause: error,
        outcomeUnknown: true,
        tryNextZone: false,
      },
    );
  }
}

/** One request for each change, after the names have been read together. */
async function changeEach(
  zone: Fqdn,
  changes: readonly TxtChange[],
  client: OvhClient,
  context: ProviderContext,
): Promise<TxtOutcome[]> {
  const unproven = changes.filter(({ handle }) => !(handle?.proven && handle.zone === zone));
  const snapshot = await readNames(zone, [...new Set(unproven.map(({ record }) => record.name))], client);
  const outcomes: TxtOutcome[] = [];
  let end: Dns01Error | undefined;
  for (const change of changes) {
    if (end) {
      outcomes.push({ state: 'refused', error: end });
      continue;
    }
    try {
      outcomes.push(await changeOne(change, createRecordVerbs(readingFirst(snapshot, client), context)));
    } catch (error) {
      if (!isDns01Error(error)) throw error;
      outcomes.push({ state: error.outcomeUnknown ? 'unknown' : 'refused', error });
      // The others would fail in the same way.
      if (context.signal.aborted || ['E_AUTH', 'E_LOCK', 'E_RATE', 'E_ZONE'].includes(error.code)) end = error;
    }
  }
  return outcomes;
}

async function changeOne(
  { action, record, handle }: TxtChange,
  verbs: Pick<DnsProvider, 'addTxt' | 'removeTxt'>,
): Promise<TxtOutcome> {
  if (action === 'remove') return { state: 'done', changed: (await verbs.removeTxt(record, handle)) === 'removed' };
  const { changed, zone: _, ...added } = await verbs.addTxt(record);
  return { state: 'done', changed, handle: added };
}

/** The TXT records at these names. Where the zone has few of them, all are read, which takes one list for all names. */
async function readNames(zone: Fqdn, names: readonly Fqdn[], client: OvhClient): Promise<ShownTxt[]> {
  const found: ShownTxt[] = [];
  if (names.length === 0) return found;
  const ids = await client.allIds(zone);
  if (ids.length <= names.length) {
    for await (const each of client.read(zone, ids)) found.push(each);
    return found;
  }
  for (const name of names) for await (const each of client.list(zone, name)) found.push(each);
  return found;
}

/** The calls for one change: the first list is the one that was read already. */
function readingFirst(snapshot: readonly ShownTxt[], client: OvhClient): OvhClient {
  let isRead = false;
  return {
    ...client,
    async *list(zone, name) {
      if (isRead) return yield* client.list(zone, name);
      isRead = true;
      yield* snapshot;
    },
  };
}
